"""Where training data comes from: phantoms or two NIfTI files go in, pairs of volumes come out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.phantoms.ageing.again import Again, noise_of, scanned
from export.phantoms.ageing.case import draw_case
from export.phantoms.entry import PhantomPatient
from export.restoring.nifti import scaled_pairs
from export.restoring.pairs import Entry, Pair, own_scale

FIRST_SEED = 500_000
_DRAWING = ("again", "ageing", "canvas", "case", "head", "medial", "scan")
_HIGHEST_MM, _LOWEST_MM = 58.0, -58.0


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    """What should be has no noise at all."""

    drawing = (*(f"ageing.{name}" for name in _DRAWING), "brain.anatomy", "brain.scan")

    def load(self, groups: int, depth: int) -> Pair:
        case, noisy = draw_case(self.seed, shifted=self.shifted), noise_of(self.seed, shifted=self.shifted)
        rng = np.random.default_rng([self.seed, 47])
        grids = [case.scanner.grid.slab(float(rng.uniform(_LOWEST_MM, _HIGHEST_MM)), depth) for _ in range(groups)]
        both = [scanned(case, grid, Again(noisy.times, n), Again(0, n)) for n, grid in enumerate(grids)]
        return own_scale(*(np.stack(each) for each in zip(*both, strict=True)))


def list_entries(data: str, patients: int) -> Sequence[Entry]:
    """`data` is `phantoms` or `nifti:FOLDER`, pairs `NAME_noisy.nii.gz` and `NAME_good.nii.gz`."""
    if data == "phantoms":
        return [PhantomEntry(FIRST_SEED + number) for number in range(patients)]
    return scaled_pairs(data, "_noisy.nii.gz", "_good.nii.gz")
