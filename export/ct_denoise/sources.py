"""Where training data comes from: phantoms, two DICOM series or two NIfTI files go in, pairs of volumes come out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
import pydicom
from numpy.typing import NDArray

from export.checkpoints import SettingsError
from export.phantoms.entry import PhantomPatient
from export.phantoms.lowdose.case import SPACING_MM, Case, draw_case
from export.restoring.nifti import NiftiPair, nifti_pairs
from export.restoring.pairs import Entry, Pair, grouped

FIRST_SEED = 400_000
_LOW, _HIGH = "low dose", "full dose"
Hounsfield = NDArray[np.int16]


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    """What should be has no noise at all."""

    drawing = (
        *("abdomen", "canvas", "cavity", "ends", "lowdose.case", "lowdose.quantum", "organs", "patient", "scanner"),
        *("spine", "tissue", "trunk"),
    )

    def load(self, groups: int, depth: int) -> Pair:
        case = draw_case(self.seed, shifted=self.shifted)
        drawn = [[case.render(z) for z in heights] for heights in _heights(case, groups, depth)]
        low = np.stack([np.stack([each.low for each in group]) for group in drawn])
        clean = np.stack([np.stack([each.clean for each in group]) for group in drawn])
        return Pair(low, np.rint(clean).astype(np.int16))


def _heights(case: Case, groups: int, depth: int) -> Iterator[list[float]]:
    """The first group is about a lesion where there is one, the others lie anywhere."""
    rng = np.random.default_rng([case.seed, 33])
    anywhere = case.heights(60)
    for number in range(groups):
        middle = case.lesions[0].z_mm if number == 0 and case.lesions else float(rng.choice(anywhere))
        yield [middle + (index - depth // 2) * SPACING_MM for index in range(depth)]


@dataclass(frozen=True)
class DicomEntry:
    """The same slices as two DICOM series."""

    patient: str
    low: tuple[Path, ...]
    good: tuple[Path, ...]

    @property
    def name(self) -> str:
        return f"{self.patient}-{self.low[0].parent.name}-{self.low[0].name}"

    def load(self, groups: int, depth: int) -> Pair:
        low, good = (_volume(paths) for paths in (self.low, self.good))
        if low.shape != good.shape:
            raise SettingsError(f"The two series of {self.patient} have other slices: {low.shape} and {good.shape}.")
        return Pair(*grouped((low, good), groups, depth))


def _volume(paths: tuple[Path, ...]) -> Hounsfield:
    """From the feet up."""
    volume = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in paths])
    return np.ascontiguousarray(np.rint(volume.to_patient_orientation("HPL").array), np.int16)


@dataclass(frozen=True)
class HounsfieldPair:
    pair: NiftiPair

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def patient(self) -> str:
        return self.pair.patient

    def load(self, groups: int, depth: int) -> Pair:
        return Pair(*(np.rint(each).astype(np.int16) for each in grouped(self.pair.read(), groups, depth)))


def list_entries(data: str, patients: int) -> Sequence[Entry]:
    """`data` is `phantoms`, `ldct:FOLDER` (as LDCT-and-Projection-data is laid out) or `nifti:FOLDER`."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(FIRST_SEED + number) for number in range(patients)]
    if kind not in ("ldct", "nifti") or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms, ldct:FOLDER or nifti:FOLDER.")
    if kind == "nifti":
        return [HounsfieldPair(pair) for pair in nifti_pairs(Path(where), "_low.nii.gz", "_full.nii.gz")]
    found = list(_ldct(Path(where)))
    if not found:
        raise SettingsError(f"There is no pair of scans at a low and at the full dose in {where}.")
    return found


def _ldct(folder: Path) -> Iterator[DicomEntry]:
    """A folder a patient, in it series whose descriptions say which dose they are of."""
    for patient in sorted(path for path in folder.iterdir() if path.is_dir()):
        series: dict[str, list[Path]] = {}
        for path in sorted(each for each in patient.rglob("*.dcm")):
            said = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SeriesDescription"])
            series.setdefault(str(said.get("SeriesDescription", "")).lower(), []).append(path)
        doses = [next((paths for said, paths in series.items() if dose in said and "image" in said), None)
                 for dose in (_LOW, _HIGH)]  # fmt: skip
        if doses[0] is not None and doses[1] is not None:
            yield DicomEntry(patient.name, tuple(doses[0]), tuple(doses[1]))
