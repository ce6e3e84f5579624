"""A head scanned as it should be, what lies where in it, and what was planted: what restoring is tried on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.phantoms.ageing.again import with_spots
from export.phantoms.ageing.canvas import Canvas
from export.phantoms.ageing.case import Case, draw_case
from export.phantoms.ageing.head import Lesion
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid
from export.restoring.spots import Spots

Mask = NDArray[np.bool_]
TISSUES = ("csf", "grey", "white")
_PLANTED = 8
_APART_MM = 14.0
_ALIKE = 4.0  # of 255


@dataclass(frozen=True, eq=False)
class Head:
    """`tissues` are where a voxel is wholly of one kind; `planted` has the number of the lesion, 0 where none is."""

    case: Case
    grid: Grid
    tissues: Mapping[str, Mask]
    planted: NDArray[np.uint8]

    @property
    def spots(self) -> Spots:
        """Beside white matter."""
        return Spots(self.planted, self.tissues["white"], self.grid.step_mm[2])


def draw(seed: int, slices: int, *, shifted: bool) -> Head:
    """About lesions that are planted in the white matter, in place of those that age brings."""
    plain = draw_case(seed, shifted=shifted)
    spots = _planted(np.random.default_rng([seed, int(shifted), 59]))
    case = with_spots(plain, spots)
    usual = case.scanner.grid
    grid = usual.slab(usual.height_mm(np.array(spots[0].middle) * np.array(case.head.size)), slices)
    canvas, places = case.painted(grid, case.scanner.bright)
    shape = places.shape[1:]
    values = canvas.values.reshape(shape)
    tissues = {name: abs(values - case.scanner.bright[name]) < _ALIKE for name in TISSUES}
    spot = abs(values - case.scanner.bright["spot"]) < 2 * _ALIKE  # what other structures are not painted over
    return Head(case, grid, tissues, np.where(spot, _numbers(canvas, spots).reshape(shape), np.uint8(0)))


def _planted(rng: np.random.Generator) -> tuple[Lesion, ...]:
    """About one height, none beside another."""
    found: list[Lesion] = []
    height = float(rng.uniform(12, 28))
    while len(found) < _PLANTED:
        side = float(rng.choice([-1, 1]))
        place = np.array([side * rng.uniform(16, 34), rng.uniform(-42, 44), height + rng.uniform(-5, 5)])
        if all(np.linalg.norm(place - np.array(each.middle)) > _APART_MM for each in found):
            found.append(Lesion((float(place[0]), float(place[1]), float(place[2])), float(rng.uniform(1.6, 4.0))))
    return tuple(found)


def _numbers(canvas: Canvas, spots: tuple[Lesion, ...]) -> NDArray[np.uint8]:
    found = np.zeros(canvas.x.shape, np.uint8)
    for number, spot in enumerate(spots, start=1):
        found[canvas.ball(spot.middle, (spot.radius_mm,) * 3) > 0] = number
    return found


def differences(head: Head, image: Floats, clean: Floats) -> dict[str, float]:
    """By tissue the mean difference, in percent of how bright white matter is."""
    white = float(clean[head.tissues["white"]].mean())
    return {
        name: float(100 * (image - clean)[mask].mean() / white) if mask.sum() > 200 else float("nan")
        for name, mask in head.tissues.items()
    }


def difference_in(tissue: str) -> str:
    return f"mean difference in {'CSF' if tissue == 'csf' else f'{tissue} matter'}, % of white matter"
