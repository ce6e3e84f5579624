"""Where training data comes from: phantoms or two NIfTI files go in, pairs of volumes come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.checkpoints import SettingsError
from export.phantoms.ageing.again import Again, noise_of, scanned, slab
from export.phantoms.ageing.case import draw_case
from export.phantoms.entry import PhantomPatient
from export.restoring.nifti import NiftiPair, nifti_pairs
from export.restoring.pairs import Entry, Pair, grouped, own_scale

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
        grids = [slab(case, float(rng.uniform(_LOWEST_MM, _HIGHEST_MM)), depth) for _ in range(groups)]
        both = [scanned(case, grid, Again(noisy.times, n), Again(0, n)) for n, grid in enumerate(grids)]
        return own_scale(*(np.stack(each) for each in zip(*both, strict=True)))


def list_entries(data: str, patients: int) -> Sequence[Entry]:
    """`data` is `phantoms` or `nifti:FOLDER`, pairs `NAME_noisy.nii.gz` and `NAME_good.nii.gz`."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(FIRST_SEED + number) for number in range(patients)]
    if kind != "nifti" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or nifti:FOLDER.")
    return [ScaledPair(pair) for pair in nifti_pairs(Path(where), "_noisy.nii.gz", "_good.nii.gz")]


@dataclass(frozen=True)
class ScaledPair:
    pair: NiftiPair

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def patient(self) -> str:
        return self.pair.patient

    def load(self, groups: int, depth: int) -> Pair:
        return own_scale(*grouped(self.pair.read(), groups, depth))
