"""Where training data comes from: phantoms or two NIfTI files go in, pairs of volumes come out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.phantoms.entry import PhantomPatient
from export.phantoms.metabolism.again import Counts, about, counts_of, draw_foci, slab
from export.phantoms.metabolism.case import draw_case
from export.restoring.nifti import scaled_pairs
from export.restoring.pairs import Entry, Pair, own_scale

FIRST_SEED = 600_000
_HIGHEST_MM, _LOWEST_MM = 55.0, -60.0


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    """What should be has no noise at all. The first group is about spots of much uptake, the others lie anywhere."""

    drawing = (
        *(f"metabolism.{name}" for name in ("again", "atrophy", "case", "lowering", "scan", "uptake")),
        *(f"ageing.{name}" for name in ("ageing", "canvas", "head", "medial")),
        *("brain.anatomy", "brain.scan"),
    )

    def load(self, groups: int, depth: int) -> Pair:
        case, few = draw_case(self.seed, shifted=self.shifted), counts_of(self.seed, shifted=self.shifted)
        rng = np.random.default_rng([self.seed, 67])
        foci, heights = draw_foci(rng), rng.uniform(_LOWEST_MM, _HIGHEST_MM, groups - 1)
        slabs = [slab(case, about(case, foci[0], depth), foci)]
        slabs += [slab(case, case.scanner.grid.slab(float(height), depth)) for height in heights]
        both = [(each.taken(Counts(few.times, n)), each.taken(Counts(0, n))) for n, each in enumerate(slabs)]
        return own_scale(*(np.stack(each) for each in zip(*both, strict=True)))


def list_entries(data: str, patients: int) -> Sequence[Entry]:
    """`data` is `phantoms` or `nifti:FOLDER`, pairs `NAME_few.nii.gz` and `NAME_full.nii.gz`."""
    if data == "phantoms":
        return [PhantomEntry(FIRST_SEED + number) for number in range(patients)]
    return scaled_pairs(data, "_few.nii.gz", "_full.nii.gz")
