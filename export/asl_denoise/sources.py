"""Where training data comes from: phantoms or two NIfTI files go in, pairs of volumes come out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.phantoms.ageing.case import draw_case
from export.phantoms.ageing.perfusion import Pairs, about, draw_areas, grid_of, labelling_of, pairs_of, slab
from export.phantoms.entry import PhantomPatient
from export.restoring.nifti import scaled_pairs
from export.restoring.pairs import Entry, Pair, own_scale

FIRST_SEED = 800_000
_HIGHEST_MM, _LOWEST_MM = 50.0, -45.0


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    """What should be has no noise at all. The first group is about areas of too little blood or too much."""

    drawing = (
        *(f"ageing.{name}" for name in ("ageing", "canvas", "case", "head", "medial", "perfusion", "scan")),
        *("brain.anatomy", "brain.scan"),
    )

    def load(self, groups: int, depth: int) -> Pair:
        case, by = draw_case(self.seed, shifted=self.shifted), labelling_of(self.seed, shifted=self.shifted)
        rng = np.random.default_rng([self.seed, 97])
        areas, heights = draw_areas(rng), rng.uniform(_LOWEST_MM, _HIGHEST_MM, groups - 1)
        grids = [about(case, by, areas[0], depth), *(grid_of(case, by).slab(float(z), depth) for z in heights)]
        count = pairs_of(self.seed, shifted=self.shifted).count
        slabs = [slab(case, by, grid, areas) for grid in grids]
        both = [(each.taken(Pairs(count, n)), each.taken(Pairs(0, n))) for n, each in enumerate(slabs)]
        return own_scale(*(np.stack(each) for each in zip(*both, strict=True)))


def list_entries(data: str, patients: int) -> Sequence[Entry]:
    """`data` is `phantoms` or `nifti:FOLDER`, pairs `NAME_few.nii.gz` and `NAME_many.nii.gz`."""
    if data == "phantoms":
        return [PhantomEntry(FIRST_SEED + number) for number in range(patients)]
    return scaled_pairs(data, "_few.nii.gz", "_many.nii.gz")
