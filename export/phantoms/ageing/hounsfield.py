"""An old head as CT would show it in the place of its T1, with holes in its skull: a case in, both volumes out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from export.phantoms.ageing.canvas import Canvas, Vector
from export.phantoms.ageing.case import Case
from export.phantoms.ageing.head import HALF
from export.phantoms.ageing.scan import sequence_of
from export.phantoms.brain.anatomy import Floats, Random
from export.phantoms.brain.scan import Grid, acquired

AIR_HU = -1000.0
HU: Mapping[str, float] = {
    "air": AIR_HU, "fat": -90, "muscle": 55, "bone": 1150, "marrow": 420, "csf": 8, "grey": 38, "hippocampus": 38,
    "white": 29, "deep": 37, "stem": 33, "plexus": 45, "spot": 20,
}  # fmt: skip
PLANTED = 4
_HARDER = 120.0  # HU, by which skulls differ
_BLUR_MM = 0.5
_UPPERMOST, _LOWERMOST = 0.75, 0.1  # shares of the height of the brain


@dataclass(frozen=True)
class Hole:
    """In the skull, filled with what is soft."""

    middle: Vector
    radius_mm: float


@dataclass(frozen=True, eq=False)
class Both:
    """`t1` in the scanner's numbers, `hu` as CT without noise; `numbers` says which hole a voxel lies in, 0 in none."""

    t1: Floats
    hu: Floats
    numbers: NDArray[np.uint8]


def draw_holes(case: Case, rng: Random) -> tuple[Hole, ...]:
    """About one height, each on a side of its own."""
    height = float(rng.uniform(_LOWERMOST, _UPPERMOST))
    angles = rng.uniform(0, 2 * np.pi) + np.arange(PLANTED) * 2 * np.pi / PLANTED + rng.uniform(-0.3, 0.3, PLANTED)
    flat = float(np.sqrt(1 - height**2))
    out = 1 + 0.5 * case.head.skull_mm / np.array(HALF)
    directions = np.stack([flat * np.cos(angles), flat * np.sin(angles), np.full(PLANTED, height)], axis=1)
    places = directions * np.array(HALF) * out
    return tuple(Hole((float(x), float(y), float(z)), float(rng.uniform(4, 8))) for x, y, z in places)


def about(case: Case, hole: Hole, slices: int) -> Grid:
    grid = case.scanner.grid
    return grid.slab(grid.height_mm(np.array(hole.middle) * np.array(case.head.size)), slices)


def both(case: Case, grid: Grid, holes: tuple[Hole, ...], number: int) -> Both:
    """`number` tells the noise of the T1 from that of others."""
    canvas, places = case.painted(grid, case.scanner.bright)
    shape = places.shape[1:]
    numbers = _open(case, canvas, holes, case.scanner.bright["muscle"])
    levels = np.clip(np.rint(canvas.values), 0, 255).astype(np.uint8).reshape(shape)
    usual = sequence_of(case.scanner, case.seed, case.shifted, case.scanner.grid)
    t1 = acquired((levels,), replace(usual, seed=(*usual.seed, number)), grid)
    harder = float(np.random.default_rng([case.seed, int(case.shifted), 127]).normal(0, _HARDER))
    above_air = {name: value - AIR_HU for name, value in HU.items()}
    above_air["bone"] += harder
    in_hu, _ = case.painted(grid, above_air)  # what nothing is painted on is air
    _open(case, in_hu, holes, above_air["muscle"])
    hu = gaussian_filter(in_hu.values.reshape(shape) + AIR_HU, [0, *(_BLUR_MM / step for step in grid.step_mm[1:])])
    return Both(t1, np.asarray(hu, np.float32), numbers.reshape(shape))


def _open(case: Case, canvas: Canvas, holes: tuple[Hole, ...], soft: float) -> NDArray[np.uint8]:
    numbers = np.zeros(canvas.x.shape, np.uint8)
    depth = canvas.ball((0, 0, 0), HALF)
    skull = np.minimum(depth + case.head.skull_mm, -depth)
    for number, hole in enumerate(holes, start=1):
        share = canvas.paint(soft, np.minimum(skull, canvas.ball(hole.middle, (hole.radius_mm,) * 3)))
        numbers[share > 0.5] = number
    return numbers
