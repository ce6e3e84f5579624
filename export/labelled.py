"""Volumes with outlines as others keep them in, one after the other out: CT series with a DICOM SEG, or NIfTI pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import highdicom
import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import CTImageStorage, SegmentationStorage

from export.checkpoints import SettingsError

_Voxel = TypeVar("_Voxel", bound=np.generic)
Structures = Sequence[Sequence[str]]
"""For each structure the words of which one is in the label of its segment; the first that fits counts."""


@dataclass(frozen=True)
class Labelled:
    """From the feet up, rows to the back and columns to the left, as DICOM lays them.

    `labels_zyx` counts the structures from 1; heights in mm along z towards the head.
    """

    voxels_zyx: NDArray[np.int16]
    labels_zyx: NDArray[np.uint8]
    heights_mm: NDArray[np.float64]
    pixel_mm: tuple[float, float]


class Pair(Protocol):
    """`name` is the UID of the series, or the name before `_image.nii.gz`."""

    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def read(self) -> Labelled: ...


def pairs(data: str, structures: Structures) -> list[Pair]:
    """`data` is `dicom:FOLDER` or `nifti:FOLDER`; at least one."""
    kind, _, where = data.partition(":")
    if kind not in ("dicom", "nifti") or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms, dicom:FOLDER or nifti:FOLDER.")
    found: list[Pair] = list(_dicom(Path(where), structures) if kind == "dicom" else _nifti(Path(where)))
    if not found:
        raise SettingsError(f"There is no labelled case in {where}.")
    return found


def _dicom(folder: Path, structures: Structures) -> Iterator[Pair]:
    """One per CT series that a SEG refers to; other objects in the folder are passed over."""
    series: dict[str, list[Path]] = {}
    segmentations: dict[str, Path] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and pydicom.misc.is_dicom(p)):
        header = pydicom.dcmread(path, stop_before_pixels=True, force=False)
        if header.SOPClassUID == CTImageStorage:
            series.setdefault(header.SeriesInstanceUID, []).append(path)
        elif header.SOPClassUID == SegmentationStorage:
            segmentations[header.ReferencedSeriesSequence[0].SeriesInstanceUID] = path
    for uid, paths in series.items():
        if uid in segmentations:
            patient = str(pydicom.dcmread(paths[0], stop_before_pixels=True, specific_tags=["PatientID"]).PatientID)
            yield DicomPair(uid, patient or uid, tuple(paths), segmentations[uid], structures)


def _nifti(folder: Path) -> Iterator[Pair]:
    for image in sorted(folder.rglob("*_image.nii.gz")):
        name = image.name.removesuffix("_image.nii.gz")
        labels = image.with_name(f"{name}_label.nii.gz")
        if not labels.exists():
            raise SettingsError(f"{image.name} has no {labels.name} beside it.")
        yield NiftiPair(name, name, image, labels)


@dataclass(frozen=True)
class DicomPair:
    name: str
    patient: str
    slices: tuple[Path, ...]
    segmentation: Path
    structures: Structures

    def read(self) -> Labelled:
        image = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in self.slices])
        image = image.to_patient_orientation("HPL")
        outlined = highdicom.seg.segread(self.segmentation)
        labels = np.zeros(image.spatial_shape, np.uint8)
        for number in outlined.segment_numbers:
            structure = self._structure(outlined.get_segment_description(number).segment_label)
            if structure:
                segment = outlined.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
                labels[segment.match_geometry(image).array > 0] = structure
        heights = image.affine[2, 3] + image.affine[2, 0] * np.arange(image.spatial_shape[0])
        _, rows_mm, columns_mm = image.spacing
        return Labelled(np.rint(image.array).astype(np.int16), labels, heights, (rows_mm, columns_mm))

    def _structure(self, segment_label: str) -> int:
        """0 for what is not asked for."""
        words = segment_label.lower()
        for number, named in enumerate(self.structures, start=1):
            if any(word in words for word in named):
                return number
        return 0


@dataclass(frozen=True)
class NiftiPair:
    name: str
    patient: str
    image: Path
    labels: Path

    def read(self) -> Labelled:
        """NIfTI's axes go right, forward, up (RAS+); ours left, back, up: two of them are turned round."""
        image = nibabel.as_closest_canonical(nibabel.load(self.image))
        labels = nibabel.as_closest_canonical(nibabel.load(self.labels))
        if not np.allclose(image.affine, labels.affine, atol=1e-3) or image.shape != labels.shape:
            raise SettingsError(f"{self.labels.name} is not on the grid of {self.image.name}.")
        heights = image.affine[2, 3] + image.affine[2, 2] * np.arange(image.shape[2])
        voxels = _ras_to_lps(np.rint(np.asanyarray(image.dataobj)).astype(np.int16))
        named = _ras_to_lps(np.asanyarray(labels.dataobj).astype(np.uint8))
        return Labelled(voxels, named, heights, (float(abs(image.affine[1, 1])), float(abs(image.affine[0, 0]))))


def _ras_to_lps(voxels_xyz: NDArray[_Voxel]) -> NDArray[_Voxel]:
    return np.ascontiguousarray(voxels_xyz.transpose(2, 1, 0)[:, ::-1, ::-1])
