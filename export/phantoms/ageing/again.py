"""An old head that is scanned again, with more noise or with none: slices in, values or DICOM files out."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from export.phantoms.ageing.case import Case, draw_case
from export.phantoms.ageing.dicom import write_values
from export.phantoms.ageing.head import Lesion
from export.phantoms.ageing.scan import sequence_of
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid, acquired

SAID = "T1 MPRAGE fast"
_NUMBER = 100  # of noise that is like none of a training's


def with_spots(case: Case, spots: tuple[Lesion, ...]) -> Case:
    return replace(case, head=replace(case.head, spots=spots))


@dataclass(frozen=True)
class Again:
    """`times` as much noise as usual; `number` tells its noise from that of others."""

    times: float
    number: int


def scanned(case: Case, grid: Grid, *hows: Again) -> list[Floats]:
    """T1 in the scanner's own numbers, in each of these ways; the head is painted once."""
    canvas, places = case.painted(grid, case.scanner.bright)
    levels = np.clip(np.rint(canvas.values), 0, 255).astype(np.uint8).reshape(places.shape[1:])
    usual = sequence_of(case.scanner, case.seed, case.shifted, case.scanner.grid)
    sequences = [replace(usual, noise=usual.noise * how.times, seed=(*usual.seed, how.number)) for how in hows]
    return [acquired((levels,), sequence, grid) for sequence in sequences]


def noise_of(seed: int, *, shifted: bool) -> Again:
    """Two to four times as much as usual; what is usual is more on the shifted generator."""
    rng = np.random.default_rng([seed, int(shifted), 53])
    return Again(float(rng.uniform(1.5, 3) if shifted else rng.uniform(2, 4)), _NUMBER)


def on_slab(case: Case, grid: Grid) -> Case:
    """With the slab for its scanner's grid, as it is written."""
    return replace(case, scanner=replace(case.scanner, grid=grid))


def write_noisy(seed: int, folder: Path, *, slices: int = 40, uid_seed: str | int | None = None) -> list[Path]:
    case = draw_case(seed)
    grid = case.scanner.grid.slab(0.0, slices)
    [values] = scanned(case, grid, noise_of(seed, shifted=False))
    key = uid_seed if uid_seed is not None else f"noisy-{seed}"
    return write_values(on_slab(case, grid), values, folder, uid_seed=key, said=SAID, axial=True)
