"""Where training data comes from: phantoms, or folders of NIfTI files as ISLES has them, go in; `Scan`s come out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import nibabel
import numpy as np
from numpy.typing import NDArray

from export.checkpoints import SettingsError
from export.cubes import labels_in_cubes, shape_in_cubes, values_in_cubes
from export.phantoms.entry import PhantomPatient
from export.phantoms.stroke.case import draw_case

_ANGIOGRAPHY, _OUTLINED = ("cta",), ("msk", "mask", "lesion", "seg", "label")
_ENDINGS = (".nii.gz", ".nii")
_PIXEL = 0.6
"""Of a cube's edge: what a phantom's pixels measure."""


@dataclass(frozen=True)
class Scan:
    """HU and the infarct on cubes; axes go up, to the back, to the left."""

    hu: NDArray[np.int16]
    infarct: NDArray[np.bool_]


class Entry(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, step_mm: float) -> Scan: ...


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    drawing = ("stroke.case", "stroke.head", "stroke.infarct", "stroke.scan", "stroke.vessels", "brain.anatomy")

    def load(self, step_mm: float) -> Scan:
        """The scanner's series brought to cubes as the node brings it: cubes that are drawn look a little otherwise."""
        case = draw_case(self.seed, shifted=self.shifted)
        scan = case.acquisition.scan
        rows = round(scan.field_of_view_mm / (_PIXEL * step_mm))
        seen = case.series(rows)
        pixel_mm = scan.field_of_view_mm / rows
        return _in_cubes(seen.hu_zyx, seen.infarct_zyx, (scan.slice_thickness_mm, pixel_mm, pixel_mm), step_mm)


@dataclass(frozen=True)
class NiftiEntry:
    """A patient's angiography, and the outline of the infarct on the same grid."""

    name: str
    angiography: Path
    outline: Path

    @property
    def patient(self) -> str:
        return self.name

    def load(self, step_mm: float) -> Scan:
        image, outline = (nibabel.as_closest_canonical(nibabel.load(each)) for each in (self.angiography, self.outline))
        if image.shape != outline.shape or not np.allclose(image.affine, outline.affine, atol=1e-2):
            raise SettingsError(f"{self.outline.name} is not on the grid of {self.angiography.name}.")
        own_mm = tuple(np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))[::-1].tolist())
        return _in_cubes(_turned(image), _turned(outline) > 0, own_mm, step_mm)


def _in_cubes(
    hu: NDArray[np.int16] | NDArray[np.float32], infarct: NDArray[np.bool_], own_mm: tuple[float, ...], step_mm: float
) -> Scan:
    shape = shape_in_cubes(hu.shape, own_mm, step_mm)
    cubes = np.clip(values_in_cubes(hu.astype(np.float32), shape), -1024, 3071)
    return Scan(np.rint(cubes).astype(np.int16), labels_in_cubes(infarct, shape))


def _turned(image: Any) -> NDArray[np.float32]:
    """NIfTI's axes go right, forward, up (RAS+); ours up, back, left."""
    values = np.asanyarray(image.dataobj).astype(np.float32)
    return np.ascontiguousarray(values.transpose(2, 1, 0)[:, ::-1, ::-1])


def list_entries(data: str, patients: int) -> list[Entry]:
    """`data` is `phantoms` or `nifti:FOLDER` with a folder for each patient, as ISLES has them."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(seed) for seed in range(patients)]
    if kind != "nifti" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or nifti:FOLDER.")
    found: list[Entry] = list(_nifti(Path(where)))
    if not found:
        raise SettingsError(f"There is no folder with a CTA and the mask of its lesion as NIfTI files in {where}.")
    return found


def _nifti(folder: Path) -> Iterator[NiftiEntry]:
    """ISLES keeps the files of a patient's two sessions in folders within the patient's."""
    for patient in sorted(each for each in folder.iterdir() if each.is_dir()):
        files = {_ending(path): path for path in sorted(patient.rglob("*")) if path.name.endswith(_ENDINGS)}
        image, outline = (
            next((files[each] for each in called if each in files), None) for called in (_ANGIOGRAPHY, _OUTLINED)
        )
        if image is not None and outline is not None:
            yield NiftiEntry(patient.name, image, outline)


def _ending(path: Path) -> str:
    """The last word of the name: `msk` of `sub-stroke0001_ses-02_lesion-msk.nii.gz`."""
    bare = next(path.name.removesuffix(ending) for ending in _ENDINGS if path.name.endswith(ending))
    return bare.replace("-", "_").rpartition("_")[2].lower()
