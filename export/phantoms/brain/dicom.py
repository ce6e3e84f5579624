"""Writes phantoms of MR of the head as DICOM: a seed or a case in, the files of one study out."""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from export.phantoms.brain import SERIES
from export.phantoms.brain.case import Case, draw_case
from export.phantoms.brain.scan import Grid
from export.phantoms.dicom import phantom_uid

_STORED_MOST = 4000
# Name of the series, echo, repetition and inversion time in ms, and what the sequence is called.
_SAID: Mapping[str, tuple[str, float, float, float, str]] = {
    "t1": ("T1 axial", 3.5, 1900.0, 0.0, "GR"),
    "t1c": ("T1 axial with contrast", 3.5, 1900.0, 0.0, "GR"),
    "t2": ("T2 TSE axial", 95.0, 5200.0, 0.0, "SE"),
    "flair": ("FLAIR axial", 110.0, 9000.0, 2500.0, "IR"),
}
_IMPLEMENTATION_UID = UID("2.25.121033164523109923021367719131430161937")


def write_study(
    seed: int,
    folder: Path,
    *,
    shifted: bool = False,
    ill: bool | None = None,
    apart: str | None = None,
    names: tuple[str, ...] = SERIES,
    voxel_mm: tuple[float, float] | None = None,
    uid_seed: str | int | None = None,
) -> list[Path]:
    """The files of all series, each in a folder of its own; one `apart` lies in another frame of reference.

    With `voxel_mm` slices are as thick and pixels as wide for all of them, which is written sooner than what scanners
    make. Without `apart` the head has not moved.
    """
    case = draw_case(seed, shifted=shifted, ill=ill, moved=False)
    if voxel_mm is not None:
        case = replace(case, grids={name: grid.coarsened(*voxel_mm) for name, grid in case.grids.items()})
    if apart is not None:
        case = _turned(case, apart)
    written = write_case(case, folder, names=names, uid_seed=uid_seed)
    return [path for paths in written.values() for path in paths]


def _turned(case: Case, name: str) -> Case:
    """The head lies anew for one of the series."""
    rng = np.random.default_rng([case.seed, int(case.shifted), 29])
    (a, b, c), (x, y, z) = rng.normal(0, 0.08, 3).tolist(), rng.normal(0, 5, 3).tolist()
    grid = replace(case.grids[name], turn=(a, b, c), shift_mm=(x, y, z))
    return replace(case, grids={**case.grids, name: grid}, moved=True)


def write_case(
    case: Case, folder: Path, *, names: tuple[str, ...] = SERIES, uid_seed: str | int | None = None
) -> dict[str, list[Path]]:
    """The files of each series, from the feet up."""
    key = uid_seed if uid_seed is not None else f"brain-{case.seed}-{int(case.shifted)}"
    written = {}
    for number, name in enumerate(SERIES, start=1):
        if name in names:
            (folder / name).mkdir(parents=True, exist_ok=True)
            written[name] = _write_series(case, name, number, folder / name, key)
    return written


def _write_series(case: Case, name: str, number: int, folder: Path, key: str | int) -> list[Path]:
    values, _ = case.series(name)
    grid = case.grids[name]
    scale = max(float(values.max()) / _STORED_MOST, 1e-6)
    stored = np.rint(values / scale).astype(np.uint16)
    header = _header(case, name, number, key)
    header.Rows, header.Columns = stored.shape[1:]
    header.WindowCenter = format_number_as_ds(float(np.percentile(stored, 99)) / 2)
    header.WindowWidth = format_number_as_ds(float(np.percentile(stored, 99)))
    paths = []
    for index, pixels in enumerate(stored):
        image = Dataset()
        image.update(header)
        image.SOPInstanceUID = phantom_uid("instance", header.SeriesInstanceUID, index)
        image.InstanceNumber = index + 1
        image.ImagePositionPatient = [format_number_as_ds(float(each)) for each in _corner(grid, index)]
        image.PixelData = pixels.astype("<u2").tobytes()
        image["PixelData"].VR = "OW"
        paths.append(folder / f"MR{index + 1:04d}.dcm")
        _save(image, paths[-1])
    return paths


def _corner(grid: Grid, index: int) -> NDArray[np.float64]:
    """Of the slice's first pixel, in the scanner's space, in which its axes are the patient's."""
    slices, rows, columns = grid.shape
    slice_mm, row_mm, column_mm = grid.step_mm
    return np.array([-(columns - 1) / 2 * column_mm, -(rows - 1) / 2 * row_mm, (index - (slices - 1) / 2) * slice_mm])


def _header(case: Case, name: str, number: int, key: str | int) -> Dataset:
    grid = case.grids[name]
    said, echo, repetition, inversion, kind = _SAID[name]
    header = Dataset()
    header.SOPClassUID = MRImageStorage
    header.StudyInstanceUID = phantom_uid("study", key)
    header.SeriesInstanceUID = phantom_uid("series", key, name)
    space = name if any((*grid.turn, *grid.shift_mm)) else "head"
    header.FrameOfReferenceUID = phantom_uid("frame of reference", key, space)
    header.PatientName, header.PatientID = "Phantom^Brain", f"PHANTOM-BRAIN-{case.seed}"
    header.PatientBirthDate, header.PatientSex, header.PatientAge = (
        "",
        "MF"[case.seed % 2],
        f"{40 + case.seed % 40:03d}Y",
    )
    day = (datetime.date(2024, 1, 1) + datetime.timedelta(days=case.seed % 366)).strftime("%Y%m%d")
    for moment in ("Study", "Series", "Acquisition", "Content"):
        setattr(header, f"{moment}Date", day)
        setattr(header, f"{moment}Time", f"10{10 + number}00")
    header.AccessionNumber = header.ReferringPhysicianName = ""
    header.StudyID, header.SeriesNumber, header.AcquisitionNumber = "1", number + 1, 1
    header.StudyDescription, header.SeriesDescription = "MR head (synthetic)", said
    header.Modality, header.BodyPartExamined, header.PatientPosition = "MR", "BRAIN", "HFS"
    header.Manufacturer = "Phantom generator"
    header.ManufacturerModelName = f"Brain {'shifted' if case.shifted else 'standard'}"
    header.SoftwareVersions, header.PositionReferenceIndicator = "1", ""
    header.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    header.ScanningSequence, header.SequenceVariant, header.ScanOptions = kind, "NONE", ""
    header.MRAcquisitionType = "2D"
    header.EchoTime, header.RepetitionTime = format_number_as_ds(echo), format_number_as_ds(repetition)
    if kind == "IR":
        header.InversionTime = format_number_as_ds(inversion)
    header.EchoTrainLength, header.MagneticFieldStrength = 1, "1.5" if not case.shifted else "3"
    if name == "t1c":
        header.ContrastBolusAgent = "Gadolinium-based contrast"
    slice_mm, row_mm, column_mm = grid.step_mm
    header.SliceThickness = header.SpacingBetweenSlices = format_number_as_ds(slice_mm)
    header.PixelSpacing = [format_number_as_ds(row_mm), format_number_as_ds(column_mm)]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 16, 12, 11, 0
    return header


def _save(image: Dataset, path: Path) -> None:
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.ImplementationClassUID = _IMPLEMENTATION_UID
    image.file_meta.ImplementationVersionName = "PHANTOMS_1"
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.save_as(path, enforce_file_format=True)
