"""Where training data comes from: phantoms or two NIfTI files go in, pairs of volumes come out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.phantoms.ageing.case import draw_case
from export.phantoms.ageing.thick import FINER, both, thin_grid
from export.phantoms.entry import PhantomPatient
from export.restoring.nifti import scaled_pairs
from export.restoring.pairs import Entry, Pair, own_scale

FIRST_SEED = 900_000
_HIGHEST_MM, _LOWEST_MM = 55.0, -55.0


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    """What should be has no noise at all."""

    drawing = (
        *(f"ageing.{name}" for name in ("again", "ageing", "canvas", "case", "head", "medial", "scan", "thick")),
        *("brain.anatomy", "brain.scan"),
    )

    def load(self, groups: int, depth: int) -> Pair:
        case, rng = draw_case(self.seed, shifted=self.shifted), np.random.default_rng([self.seed, 113])
        grids = [thin_grid(case, float(rng.uniform(_LOWEST_MM, _HIGHEST_MM)), depth) for _ in range(groups)]
        pairs = [both(case, grid, number) for number, grid in enumerate(grids)]
        return own_scale(*(np.stack(each) for each in zip(*pairs, strict=True)))


def list_entries(data: str, patients: int) -> Sequence[Entry]:
    """`data` is `phantoms` or `nifti:FOLDER`, pairs `NAME_thick.nii.gz` and `NAME_thin.nii.gz`."""
    if data == "phantoms":
        return [PhantomEntry(FIRST_SEED + number) for number in range(patients)]
    return scaled_pairs(data, "_thick.nii.gz", "_thin.nii.gz", FINER)
