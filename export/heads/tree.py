"""A tree of DICOM series as ADNI hands them out, and the table that comes with it, in; who has what, and files, out."""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import pydicom
from highdicom import Volume
from pydicom.dataset import Dataset
from pydicom.uid import UID, SegmentationStorage

from export.checkpoints import SettingsError
from export.heads.settings import HeadSettings
from export.heads.window import Floats, window_of
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume

_COLUMNS = ("Subject", "Group")
Group = TypeVar("Group")


def diagnoses(folder: Path, groups: Mapping[str, Group]) -> dict[str, Group]:
    """By subject, from any CSV in the folder that has the columns; those of other groups are left out."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
        if rows and all(column in rows[0] for column in _COLUMNS):
            return {row["Subject"].strip(): groups[row["Group"].strip()] for row in rows
                    if row["Group"].strip() in groups}  # fmt: skip
    raise SettingsError(f"There is no table with the columns {' and '.join(_COLUMNS)} in {folder}.")


@dataclass(frozen=True)
class Tree:
    """By the UID of a series its files and the subject, and the segmentation that refers to it."""

    series: Mapping[str, tuple[Path, ...]]
    subjects: Mapping[str, str]
    segmentations: Mapping[str, Path]

    def first_of(self, subjects: Collection[str]) -> tuple[Path, ...]:
        """Files of the first of these by their name, which the others are laid upon; none where they have none."""
        of_them = sorted((subject, uid) for uid, subject in self.subjects.items() if subject in subjects)
        return self.series[of_them[0][1]] if of_them else ()


class Wanted(Protocol):
    def __call__(self, header: Dataset) -> bool: ...


def read_tree(folder: Path, sop_class: UID, subjects: Collection[str], wanted: Wanted = lambda header: True) -> Tree:
    series: dict[str, list[Path]] = {}
    of_series: dict[str, str] = {}
    segmentations: dict[str, Path] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and pydicom.misc.is_dicom(each)):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        if header.SOPClassUID == sop_class and str(header.PatientID) in subjects and wanted(header):
            series.setdefault(header.SeriesInstanceUID, []).append(path)
            of_series[header.SeriesInstanceUID] = str(header.PatientID)
        elif header.SOPClassUID == SegmentationStorage:
            segmentations[header.ReferencedSeriesSequence[0].SeriesInstanceUID] = path
    return Tree({uid: tuple(files) for uid, files in series.items()}, of_series, segmentations)


def read_upright(files: Sequence[Path]) -> Volume:
    """From the feet up, to the back, to the left, as the node brings a series."""
    read = volume(assemble([decode(path.read_bytes()) for path in files]))
    return read.geometry.with_array(read.voxels_zyx).to_patient_orientation("HPL")


def window_of_cubes(values: Floats, upright: Volume, settings: HeadSettings) -> Floats:
    """What lies on the voxels of a series, as the network is given it."""
    slices, rows, columns = upright.spacing
    return window_of(np.asarray(values, np.float32), settings.window, (slices, rows, columns), settings.step_mm)
