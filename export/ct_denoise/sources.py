"""Where training data comes from: phantoms, two DICOM series or two NIfTI files go in, pairs of volumes come out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray

from export.checkpoints import SettingsError
from export.phantoms.entry import PhantomPatient
from export.phantoms.lowdose.case import Case, draw_case
from export.restoring.pairs import Pair

FIRST_SEED = 400_000
_LOW, _HIGH = "low dose", "full dose"
_NIFTI_LOW, _NIFTI_HIGH = "_low.nii.gz", "_full.nii.gz"
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
    spacing = case.spacing_mm
    anywhere = case.heights(60, spacing)
    for number in range(groups):
        middle = case.lesions[0].z_mm if number == 0 and case.lesions else float(rng.choice(anywhere))
        yield [middle + (index - depth // 2) * spacing for index in range(depth)]


@dataclass(frozen=True)
class RealEntry:
    """Two volumes of the same slices, as files of two DICOM series or as one NIfTI file each."""

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
        count = min(groups, max(len(low) // depth, 1))
        starts = np.linspace(0, max(len(low) - depth, 0), count).round().astype(int)
        return Pair(*(np.stack([volume[start : start + depth] for start in starts]) for volume in (low, good)))


def _volume(paths: tuple[Path, ...]) -> Hounsfield:
    """From the feet up."""
    if paths[0].name.endswith(".nii.gz"):
        image = nibabel.as_closest_canonical(nibabel.load(paths[0]))
        voxels = np.asanyarray(image.dataobj).transpose(2, 1, 0)[:, ::-1, ::-1]
    else:
        image = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in paths])
        voxels = image.to_patient_orientation("HPL").array
    return np.ascontiguousarray(np.rint(voxels), np.int16)


def list_entries(data: str, patients: int) -> list[PhantomEntry] | list[RealEntry]:
    """`data` is `phantoms`, `ldct:FOLDER` (as LDCT-and-Projection-data is laid out) or `nifti:FOLDER`."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(FIRST_SEED + number) for number in range(patients)]
    readers = {"ldct": _ldct, "nifti": _nifti}
    if kind not in readers or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms, ldct:FOLDER or nifti:FOLDER.")
    found = list(readers[kind](Path(where)))
    if not found:
        raise SettingsError(f"There is no pair of scans at a low and at the full dose in {where}.")
    return found


def _ldct(folder: Path) -> Iterator[RealEntry]:
    """A folder a patient, in it series whose descriptions say which dose they are of."""
    for patient in sorted(path for path in folder.iterdir() if path.is_dir()):
        series: dict[str, list[Path]] = {}
        for path in sorted(each for each in patient.rglob("*.dcm")):
            said = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SeriesDescription"])
            series.setdefault(str(said.get("SeriesDescription", "")).lower(), []).append(path)
        doses = [next((paths for said, paths in series.items() if dose in said and "image" in said), None)
                 for dose in (_LOW, _HIGH)]  # fmt: skip
        if doses[0] is not None and doses[1] is not None:
            yield RealEntry(patient.name, tuple(doses[0]), tuple(doses[1]))


def _nifti(folder: Path) -> Iterator[RealEntry]:
    for low in sorted(folder.rglob(f"*{_NIFTI_LOW}")):
        name = low.name.removesuffix(_NIFTI_LOW)
        good = low.with_name(name + _NIFTI_HIGH)
        if not good.exists():
            raise SettingsError(f"{low.name} has no {good.name} beside it.")
        yield RealEntry(name, (low,), (good,))
