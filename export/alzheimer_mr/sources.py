"""Where training data comes from: phantoms, or a tree of DICOM series as ADNI's, go in; `Scan`s come out."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import highdicom
import numpy as np
import pydicom
from pydicom.uid import MRImageStorage, SegmentationStorage

from export.alzheimer_mr import SIDES
from export.alzheimer_mr.reference import reference_of, registered
from export.alzheimer_mr.settings import Settings
from export.alzheimer_mr.window import Floats, place_of, shown, window_of
from export.checkpoints import SettingsError
from export.phantoms.ageing.case import draw_case
from export.phantoms.entry import PhantomPatient
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume

_GROUPS = {"AD": True, "CN": False}
_COLUMNS = ("Subject", "Group")


@dataclass(frozen=True)
class Scan:
    """The window that the network is given [slices, rows, columns], from 0 to 1; where the head lies in it (3, 4); the
    hippocampi's shares of its cubes [2, …], None where nobody outlined them.
    """

    window: Floats
    place: Floats
    hippocampi: Floats | None
    ill: bool


class Entry(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, settings: Settings) -> Scan: ...


@dataclass(frozen=True)
class PhantomEntry(PhantomPatient):
    drawing = (
        *(f"ageing.{name}" for name in ("ageing", "canvas", "case", "head", "medial", "scan")),
        *("brain.anatomy", "brain.scan"),
    )

    def load(self, settings: Settings) -> Scan:
        case = draw_case(self.seed, shifted=self.shifted)
        seen = case.in_cubes(settings.step_mm)
        return Scan(
            window=window_of(shown(seen.values), settings.window),
            place=place_of(case.to_usual, seen.values.shape, settings),
            hippocampi=np.stack([window_of(side, settings.window) for side in seen.hippocampi]),
            ill=case.ill,
        )


@dataclass(frozen=True)
class DicomEntry:
    """A T1 series, the segmentation of its hippocampi or None, and one series of a healthy person that heads are laid
    upon.
    """

    name: str
    patient: str
    files: tuple[Path, ...]
    segmentation: Path | None
    ill: bool
    reference: tuple[Path, ...]

    def load(self, settings: Settings) -> Scan:
        window, hippocampi = _read(self.files, self.segmentation, settings)
        reference, _ = _read(self.reference, None, settings)
        place = reference_of(reference, settings)
        if self.files != self.reference:
            place = registered(window, reference, place, settings)
        return Scan(window, place, hippocampi, self.ill)


def _read(files: Sequence[Path], segmentation: Path | None, settings: Settings) -> tuple[Floats, Floats | None]:
    """In cubes from the feet up, to the back, to the left, as the node brings a series to them."""
    read = volume(assemble([decode(path.read_bytes()) for path in files]))
    upright = read.geometry.with_array(read.voxels_zyx).to_patient_orientation("HPL")
    values = window_of(shown(np.asarray(upright.array, np.float32)), settings.window, upright.spacing, settings.step_mm)
    if segmentation is None:
        return values, None
    outlined = highdicom.seg.segread(segmentation)
    sides = []
    for side in SIDES:
        mask = np.zeros(upright.spatial_shape, np.float32)
        for number in outlined.segment_numbers:
            label = outlined.get_segment_description(number).segment_label.lower()
            if "hippocamp" in label and side in label:
                segment = outlined.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
                mask[segment.match_geometry(upright).array > 0] = 1
        sides.append(window_of(mask, settings.window, upright.spacing, settings.step_mm))
    return values, np.stack(sides)


def list_entries(data: str, patients: int) -> list[Entry]:
    """`data` is `phantoms`, or `dicom:FOLDER` with series in any tree below it and a table of diagnoses."""
    kind, _, where = data.partition(":")
    if kind == "phantoms" and not where:
        return [PhantomEntry(seed) for seed in range(patients)]
    if kind != "dicom" or not where:
        raise SettingsError(f"The data is '{data}'; it must be phantoms or dicom:FOLDER.")
    folder = Path(where)
    found = list(_dicom(folder, _diagnoses(folder)))
    if {entry.ill for entry in found} != {True, False}:
        raise SettingsError(
            f"The series in {folder} are not of both groups, {' and '.join(_GROUPS)}, of the table of diagnoses."
        )
    return list(found)


def _diagnoses(folder: Path) -> Mapping[str, bool]:
    """By subject; those of other groups, as of mild impairment, are left out."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
        if rows and all(column in rows[0] for column in _COLUMNS):
            return {row["Subject"].strip(): _GROUPS[row["Group"].strip()] for row in rows
                    if row["Group"].strip() in _GROUPS}  # fmt: skip
    raise SettingsError(f"There is no table with the columns {' and '.join(_COLUMNS)} in {folder}.")


def _dicom(folder: Path, diagnoses: Mapping[str, bool]) -> Iterator[DicomEntry]:
    """All MR series of subjects with a diagnosis; the first healthy one by its name is what all are laid upon."""
    series: dict[str, list[Path]] = {}
    subjects: dict[str, str] = {}
    segmentations: dict[str, Path] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and pydicom.misc.is_dicom(each)):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        if header.SOPClassUID == MRImageStorage and str(header.PatientID) in diagnoses:
            series.setdefault(header.SeriesInstanceUID, []).append(path)
            subjects[header.SeriesInstanceUID] = str(header.PatientID)
        elif header.SOPClassUID == SegmentationStorage:
            segmentations[header.ReferencedSeriesSequence[0].SeriesInstanceUID] = path
    healthy = sorted((subject, uid) for uid, subject in subjects.items() if not diagnoses[subject])
    for uid, files in series.items() if healthy else ():
        subject = subjects[uid]
        first = tuple(series[healthy[0][1]])
        yield DicomEntry(uid, subject, tuple(files), segmentations.get(uid), diagnoses[subject], first)
