"""An old head that is scanned again: with more noise, with none, in thick slices, by a CT; slices in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from export.phantoms.ageing.case import Case
from export.phantoms.ageing.head import Lesion
from export.phantoms.ageing.scan import sequence_of
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid, acquired

CT_HU: Mapping[str, float] = {
    "air": -1000, "fat": -85, "muscle": 52, "bone": 1150, "marrow": 420, "csf": 6, "grey": 38, "hippocampus": 38,
    "white": 29, "deep": 37, "stem": 33, "plexus": 45, "spot": 20,
}  # fmt: skip


def slab(case: Case, middle_mm: float, slices: int, step_mm: float | None = None) -> Grid:
    """So many of the scanner's axial slices around a height above the middle of its grid, or as many apart as said."""
    grid = case.scanner.grid
    step = grid.step_mm[0] if step_mm is None else step_mm
    up = grid.rotation.T @ np.array([0.0, 0.0, middle_mm])
    shift = np.array(grid.shift_mm) - up
    return replace(
        grid,
        shape=(slices, *grid.shape[1:]),
        step_mm=(step, *grid.step_mm[1:]),
        thickness_mm=step,
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
    )


def with_spots(case: Case, spots: tuple[Lesion, ...]) -> Case:
    return replace(case, head=replace(case.head, spots=spots))


@dataclass(frozen=True)
class Again:
    """`times` as much noise as usual; `number` tells its noise from that of others."""

    times: float
    number: int


def scanned(case: Case, grid: Grid, how: Again) -> Floats:
    """T1 in the scanner's own numbers."""
    canvas, places = case.painted(grid, case.scanner.bright)
    levels = np.clip(np.rint(canvas.values), 0, 255).astype(np.uint8).reshape(places.shape[1:])
    usual = sequence_of(case.scanner, case.seed, case.shifted, case.scanner.grid)
    sequence = replace(usual, noise=usual.noise * how.times, seed=(*usual.seed, how.number))
    return acquired((levels,), sequence, grid)
