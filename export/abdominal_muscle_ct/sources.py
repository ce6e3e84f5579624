"""Where training data comes from: phantoms, DICOM series with SEG, or NIfTI pairs go in, `Case`s come out."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

import highdicom
import nibabel
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import CTImageStorage, SegmentationStorage

from export.abdominal_muscle_ct import TISSUES
from export.checkpoints import SettingsError
from export.phantoms import abdomen

_DRAWING = ("abdomen", "canvas", "cavity", "ends", "organs", "patient", "scanner", "spine", "tissue", "trunk")
_LEVELS_FILE = "levels.csv"
_Voxel = TypeVar("_Voxel", bound=np.generic)


@dataclass(frozen=True)
class Case:
    """Slices of one patient, from the feet up, rows to the back and columns to the left, as DICOM lays them.

    `labels_zyx` counts the tissues from 1. `offsets_mm`: how far each slice is above mid L3, NaN where not known.
    """

    voxels_zyx: NDArray[np.int16]
    labels_zyx: NDArray[np.uint8]
    offsets_mm: NDArray[np.float32]


@dataclass(frozen=True)
class Kept:
    """How many slices of a case, on how many rows; of phantoms at heights between these above mid L3."""

    slices: int
    rows: int
    lowest_mm: float
    highest_mm: float


class Entry(Protocol):
    """A case that is made when it is needed. One patient may have several; `case` is its name."""

    @property
    def case(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, kept: Kept) -> Case: ...


@dataclass(frozen=True)
class PhantomEntry:
    seed: int
    shifted: bool = False

    @property
    def case(self) -> str:
        """Names the generator's state too: what an older one made is never taken for this one's."""
        return f"{self.patient}-{_generator_digest()}"

    @property
    def patient(self) -> str:
        return f"{'shifted' if self.shifted else 'phantom'}-{self.seed}"

    def load(self, kept: Kept) -> Case:
        """The first slice is near mid L3, the others anywhere in the range."""
        anatomy = abdomen.draw_anatomy(self.seed, shifted=self.shifted)
        rng = np.random.default_rng([self.seed, int(self.shifted), 9])
        heights = np.append(rng.uniform(-8, 8), rng.uniform(kept.lowest_mm, kept.highest_mm, kept.slices - 1))
        rendered = [anatomy.render(float(z), kept.rows) for z in heights]
        return Case(
            voxels_zyx=np.stack([image for image, _ in rendered]),
            labels_zyx=np.stack([labels for _, labels in rendered]),
            offsets_mm=heights.astype(np.float32),
        )


@cache
def _generator_digest() -> str:
    """Of what draws a slice, not of what writes it as DICOM."""
    sources = [Path(abdomen.__file__).with_name(f"{name}.py") for name in _DRAWING]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]


def list_entries(data: str, patients: int) -> list[Entry]:
    """`data` is `phantoms`, `dicom:FOLDER` or `nifti:FOLDER`; phantoms are as many as asked for."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(seed) for seed in range(patients)]
    if kind not in ("dicom", "nifti") or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms, dicom:FOLDER or nifti:FOLDER.")
    entries: list[Entry] = list(_dicom_entries(Path(where)) if kind == "dicom" else _nifti_entries(Path(where)))
    if not entries:
        raise SettingsError(f"There is no labelled case in {where}.")
    return entries


def _dicom_entries(folder: Path) -> Iterator[Entry]:
    """One entry per CT series that a SEG refers to; other objects in the folder are passed over."""
    series: dict[str, list[Path]] = {}
    segmentations: dict[str, Path] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and pydicom.misc.is_dicom(p)):
        header = pydicom.dcmread(path, stop_before_pixels=True, force=False)
        if header.SOPClassUID == CTImageStorage:
            series.setdefault(header.SeriesInstanceUID, []).append(path)
        elif header.SOPClassUID == SegmentationStorage:
            segmentations[header.ReferencedSeriesSequence[0].SeriesInstanceUID] = path
    levels = _read_levels(folder)
    for uid, paths in series.items():
        if uid in segmentations:
            patient = str(pydicom.dcmread(paths[0], stop_before_pixels=True, specific_tags=["PatientID"]).PatientID)
            pair = _DicomPair(tuple(paths), segmentations[uid])
            yield RealEntry(uid, patient or uid, pair, levels.get(uid))


def _nifti_entries(folder: Path) -> Iterator[Entry]:
    levels = _read_levels(folder)
    for image in sorted(folder.rglob("*_image.nii.gz")):
        name = image.name.removesuffix("_image.nii.gz")
        labels = image.with_name(f"{name}_label.nii.gz")
        if not labels.exists():
            raise SettingsError(f"{image.name} has no {labels.name} beside it.")
        yield RealEntry(name, name, _NiftiPair(image, labels), levels.get(name))


@dataclass(frozen=True)
class Stack:
    """A labelled volume as read: axes as in `Case`, heights in mm along z towards the head."""

    voxels_zyx: NDArray[np.int16]
    labels_zyx: NDArray[np.uint8]
    heights_mm: NDArray[np.float64]


@dataclass(frozen=True)
class _DicomPair:
    slices: tuple[Path, ...]
    segmentation: Path

    def read(self) -> Stack:
        image = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in self.slices])
        image = image.to_patient_orientation("HPL")
        tissues = highdicom.seg.segread(self.segmentation)
        labels = np.zeros(image.spatial_shape, np.uint8)
        for number in tissues.segment_numbers:
            label = _tissue_of(tissues.get_segment_description(number).segment_label)
            if label:
                segment = tissues.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
                labels[segment.match_geometry(image).array > 0] = label
        heights = image.affine[2, 3] + image.affine[2, 0] * np.arange(image.spatial_shape[0])
        return Stack(np.rint(image.array).astype(np.int16), labels, heights)


def _tissue_of(segment_label: str) -> int:
    """1 for muscle, 2 and 3 for the fats, 0 for what is not asked for, from the words of a segment's label."""
    words = segment_label.lower()
    for number, tissue in enumerate(TISSUES, start=1):
        if tissue.split()[0] in words:
            return number
    return 0


@dataclass(frozen=True)
class _NiftiPair:
    image: Path
    labels: Path

    def read(self) -> Stack:
        """NIfTI's axes go right, forward, up (RAS+); ours left, back, up: two of them are turned round."""
        image = nibabel.as_closest_canonical(nibabel.load(self.image))
        labels = nibabel.as_closest_canonical(nibabel.load(self.labels))
        if not np.allclose(image.affine, labels.affine, atol=1e-3) or image.shape != labels.shape:
            raise SettingsError(f"{self.labels.name} is not on the grid of {self.image.name}.")
        heights = image.affine[2, 3] + image.affine[2, 2] * np.arange(image.shape[2])
        voxels = np.rint(np.asanyarray(image.dataobj)).astype(np.int16)
        return Stack(_ras_to_lps(voxels), _ras_to_lps(np.asanyarray(labels.dataobj).astype(np.uint8)), heights)


def _ras_to_lps(voxels_xyz: NDArray[_Voxel]) -> NDArray[_Voxel]:
    return np.ascontiguousarray(voxels_xyz.transpose(2, 1, 0)[:, ::-1, ::-1])


@dataclass(frozen=True)
class RealEntry:
    case: str
    patient: str
    pair: _DicomPair | _NiftiPair
    l3_mm: float | None

    def load(self, kept: Kept) -> Case:
        """Evenly over the whole stack."""
        stack = self.pair.read()
        count = min(kept.slices, len(stack.voxels_zyx))
        chosen = np.linspace(0, len(stack.voxels_zyx) - 1, count).round().astype(int)
        offsets = stack.heights_mm[chosen] - (np.nan if self.l3_mm is None else self.l3_mm)
        voxels, labels = stack.voxels_zyx[chosen], stack.labels_zyx[chosen]
        return Case(_to_rows(voxels, kept.rows), _to_rows(labels, kept.rows), offsets.astype(np.float32))


def _to_rows(slices: NDArray[_Voxel], rows: int) -> NDArray[_Voxel]:
    """Brings square slices to this many rows by the nearest voxel, which keeps labels whole."""
    if slices.shape[1] != slices.shape[2]:
        raise SettingsError(f"The slices have {slices.shape[1]} x {slices.shape[2]} pixels; they must be square.")
    if slices.shape[1] == rows:
        return slices
    nearest = ((np.arange(rows) + 0.5) * slices.shape[1] / rows).astype(int)
    return slices[:, nearest][:, :, nearest]


def _read_levels(folder: Path) -> dict[str, float]:
    """`levels.csv` (case, l3_z_mm): the height of mid L3 per series UID or NIfTI name; without it no level is known."""
    path = folder / _LEVELS_FILE
    if not path.exists():
        return {}
    with path.open(newline="") as lines:
        return {row["case"]: float(row["l3_z_mm"]) for row in csv.DictReader(lines)}
