"""An old head scanned in thick slices, and in thin ones within them: a case in, values or DICOM files out."""

from pathlib import Path

import numpy as np

from export.phantoms.ageing.again import Again, on_slab, scanned
from export.phantoms.ageing.case import Case, draw_case
from export.phantoms.ageing.dicom import write_values
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid

SAID = "T1 SE axial"
FINER = 4
_NUMBER = 103


def thin_grid(case: Case, middle_mm: float, slices: int) -> Grid:
    """The thin slices within so many thick ones around a height above the middle of the scanner's grid."""
    return case.scanner.grid.slab(middle_mm, FINER * slices)


def thick_grid(thin: Grid) -> Grid:
    """Of the very same extent."""
    slices, rows, columns = thin.shape
    return thin.of_shape((slices // FINER, rows, columns))


def both(case: Case, thin: Grid, number: int = _NUMBER) -> tuple[Floats, Floats]:
    """Thick slices with the noise that they have, and thin ones with none; `number` tells the noise from others'."""
    [clean] = scanned(case, thin, Again(0, 0))
    slices, rows, columns = clean.shape
    thick = clean.reshape(slices // FINER, FINER, rows, columns).mean(axis=1)
    volume_mm3 = FINER * float(np.prod(thin.step_mm))
    size = case.scanner.noise * case.scanner.scale / volume_mm3**0.5
    rng = np.random.default_rng([case.seed, int(case.shifted), number, 109])
    noise = rng.standard_normal((2, *thick.shape), np.float32) * np.float32(size)
    return np.asarray(np.hypot(thick + noise[0], noise[1]), np.float32), clean


def write_thick(seed: int, folder: Path, *, slices: int = 24, uid_seed: str | int | None = None) -> list[Path]:
    case = draw_case(seed)
    thin = thin_grid(case, 0.0, slices)
    values, _ = both(case, thin)
    key = uid_seed if uid_seed is not None else f"thick-{seed}"
    return write_values(on_slab(case, thick_grid(thin)), values, folder, uid_seed=key, said=SAID, axial=True)
