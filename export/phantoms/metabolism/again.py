"""An old head's PET that is taken with fewer counts or with endless ones: slices in, values or DICOM files out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.phantoms.ageing.canvas import Vector
from export.phantoms.brain.anatomy import Floats, Random
from export.phantoms.brain.scan import Grid
from export.phantoms.metabolism.case import Case, draw_case
from export.phantoms.metabolism.dicom import write_values
from export.phantoms.metabolism.scan import counted, resolved
from export.phantoms.metabolism.uptake import regions, spread_out

SAID = "PET brain FDG AC low count"
PLANTED = 5
_APART_MM = 28.0
_BESIDE = 4  # slices, which the scanner's blur reaches over
_NUMBER = 100  # of noise that is like none of a training's


@dataclass(frozen=True)
class Focus:
    """A spot with so many `times` the uptake of the cortex."""

    middle: Vector
    radius_mm: float
    times: float


@dataclass(frozen=True)
class Counts:
    """`times` as much noise as usual; `number` tells its noise from that of others."""

    times: float
    number: int


@dataclass(frozen=True, eq=False)
class Slab:
    """Some slices of a head as they would be seen with endless counts, with more beside them; `numbers` says which
    focus a voxel of the slices themselves lies in, 0 in none, and `brain` where the brain is.
    """

    case: Case
    wide: Grid
    seen: Floats
    numbers: NDArray[np.uint8]
    brain: NDArray[np.bool_]

    def taken(self, how: Counts) -> Floats:
        """In Bq/ml; with no noise at all where `how` says so."""
        scanner = replace(self.case.scanner, noise=self.case.scanner.noise * how.times)
        rng = np.random.default_rng([self.case.seed, int(self.case.shifted), how.number, 30254])
        return counted(self.seen, scanner, self.wide, rng)[_BESIDE:-_BESIDE] * np.float32(self.case.injection.bqml)


def draw_foci(rng: Random) -> tuple[Focus, ...]:
    """About one height, none beside another."""
    found: list[Focus] = []
    height = float(rng.uniform(0, 28))
    while len(found) < PLANTED:
        place = np.array([rng.uniform(-44, 44), rng.uniform(-58, 54), height + rng.uniform(-5, 5)])
        if all(np.linalg.norm(place - np.array(each.middle)) > _APART_MM for each in found):
            middle = (float(place[0]), float(place[1]), float(place[2]))
            found.append(Focus(middle, float(rng.uniform(4, 9)), float(rng.uniform(1.3, 2.5))))
    return tuple(found)


def about(case: Case, focus: Focus, slices: int) -> Grid:
    grid = case.scanner.grid
    return grid.slab(grid.height_mm(np.array(focus.middle) * np.array(case.head.size)), slices)


def slab(case: Case, grid: Grid, foci: Sequence[Focus] = ()) -> Slab:
    wide = replace(grid, shape=(grid.shape[0] + 2 * _BESIDE, *grid.shape[1:]))
    canvas = case.head.canvas(wide.places(), float(np.cbrt(np.prod(wide.step_mm))))
    case.head.paint(canvas, case.uptake)
    spread_out(canvas, case.metabolism, case.uptake["cerebellum"])
    numbers = np.zeros(canvas.x.shape, np.uint8)
    for number, focus in enumerate(foci, start=1):
        depth = canvas.ball(focus.middle, (focus.radius_mm,) * 3)
        canvas.paint(focus.times * case.uptake["grey"], depth)
        numbers[depth > 0] = number
    rng = np.random.default_rng([case.seed, int(case.shifted), 30253])
    seen = resolved(canvas.values.reshape(wide.shape), case.scanner, wide, rng)
    inner = slice(_BESIDE, -_BESIDE)
    brain = regions(canvas)["brain"].reshape(wide.shape)
    return Slab(case, wide, seen, numbers.reshape(wide.shape)[inner], brain[inner])


def counts_of(seed: int, *, shifted: bool) -> Counts:
    """A fourth to a sixteenth of the usual counts; what is usual is less on the shifted generator."""
    rng = np.random.default_rng([seed, int(shifted), 61])
    return Counts(float(rng.uniform(1.5, 3) if shifted else rng.uniform(2, 4)), _NUMBER)


def on_slab(case: Case, grid: Grid, how: Counts) -> Case:
    """With the slab for its scanner's grid and as short as its counts say, as it is written."""
    return replace(case, scanner=replace(case.scanner, grid=grid, minutes=case.scanner.minutes / how.times**2))


def write_few(seed: int, folder: Path, *, slices: int = 40, uid_seed: str | int | None = None) -> list[Path]:
    """A series of few counts."""
    case, how = draw_case(seed), counts_of(seed, shifted=False)
    grid = case.scanner.grid.slab(0.0, slices)
    key = uid_seed if uid_seed is not None else f"few-{seed}"
    return write_values(on_slab(case, grid, how), slab(case, grid).taken(how), folder, uid_seed=key, said=SAID)
