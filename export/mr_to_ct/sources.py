"""Where training data comes from: phantoms or two NIfTI files go in, pairs of volumes come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.checkpoints import SettingsError
from export.phantoms.ageing.case import draw_case
from export.phantoms.ageing.hounsfield import about, both, draw_holes
from export.phantoms.entry import PhantomPatient
from export.restoring.nifti import NiftiPair, nifti_pairs
from export.restoring.pairs import Entry, Pair, grouped, own_scale_of_seen

FIRST_SEED = 1_000_000
_HIGHEST_MM, _LOWEST_MM = 58.0, -55.0


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    """The first group is about holes in the skull, the others lie anywhere."""

    drawing = (
        *(f"ageing.{name}" for name in ("ageing", "canvas", "case", "head", "hounsfield", "medial", "scan")),
        *("brain.anatomy", "brain.scan"),
    )

    def load(self, groups: int, depth: int) -> Pair:
        case, rng = draw_case(self.seed, shifted=self.shifted), np.random.default_rng([self.seed, 131])
        holes, heights = draw_holes(case, rng), rng.uniform(_LOWEST_MM, _HIGHEST_MM, groups - 1)
        grids = [about(case, holes[0], depth), *(case.scanner.grid.slab(float(height), depth) for height in heights)]
        drawn = [both(case, grid, holes, number) for number, grid in enumerate(grids)]
        return own_scale_of_seen(np.stack([each.t1 for each in drawn]), np.stack([each.hu for each in drawn]))


@dataclass(frozen=True)
class RealPair:
    pair: NiftiPair

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def patient(self) -> str:
        return self.pair.patient

    def load(self, groups: int, depth: int) -> Pair:
        return own_scale_of_seen(*grouped(self.pair.read(), groups, depth))


def list_entries(data: str, patients: int) -> Sequence[Entry]:
    """`data` is `phantoms` or `nifti:FOLDER`, pairs `NAME_t1.nii.gz` and `NAME_ct.nii.gz` on one grid."""
    kind, _, where = data.partition(":")
    if data == "phantoms":
        return [PhantomEntry(FIRST_SEED + number) for number in range(patients)]
    if kind != "nifti" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or nifti:FOLDER.")
    return [RealPair(pair) for pair in nifti_pairs(Path(where), "_t1.nii.gz", "_ct.nii.gz")]
