"""One old patient's T1 as a scanner writes it: a case in, the DICOM files of its series out."""

import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage
from pydicom.valuerep import format_number_as_ds

from export.phantoms.ageing.case import Case, coarser, draw_case
from export.phantoms.brain.anatomy import Floats
from export.phantoms.brain.scan import Grid
from export.phantoms.dicom import phantom_uid, write_file

_STORED_MOST = 4000
_SAGITTAL, _AXIAL = [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 1, 0]
_HEADER: dict[str, object] = {
    "SOPClassUID": MRImageStorage, "Modality": "MR", "BodyPartExamined": "BRAIN", "PatientPosition": "HFS",
    "Manufacturer": "Phantom generator", "SoftwareVersions": "1", "PositionReferenceIndicator": "",
    "StudyDescription": "MR head (synthetic)", "StudyID": "1", "SeriesNumber": 2, "AcquisitionNumber": 1,
    "AccessionNumber": "", "ReferringPhysicianName": "", "PatientBirthDate": "",
    "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"], "ScanningSequence": ["GR", "IR"], "SequenceVariant": "MP",
    "ScanOptions": "", "MRAcquisitionType": "3D", "EchoTime": "2.98", "RepetitionTime": "2300",
    "InversionTime": "900", "FlipAngle": "9", "EchoTrainLength": 1,
    "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 12,
    "HighBit": 11, "PixelRepresentation": 0,
}  # fmt: skip


def write_study(
    seed: int,
    folder: Path,
    *,
    shifted: bool = False,
    ill: bool | None = None,
    voxel_mm: float | None = None,
    uid_seed: str | int | None = None,
) -> list[Path]:
    """With `voxel_mm` in larger voxels than a scanner makes, which are written sooner."""
    case = draw_case(seed, shifted=shifted, ill=ill)
    return write_case(case if voxel_mm is None else coarser(case, voxel_mm), folder, uid_seed=uid_seed)


def write_case(case: Case, folder: Path, *, uid_seed: str | int | None = None) -> list[Path]:
    return write_values(case, case.series().values, folder, uid_seed=uid_seed)


def write_values(
    case: Case,
    values: Floats,
    folder: Path,
    *,
    uid_seed: str | int | None = None,
    said: str = "T1 MPRAGE",
    axial: bool = False,
) -> list[Path]:
    """`values` on the case's grid; slices run to the left in sagittal series, up in the axial ones of some patients.

    Where some are negative, as after a subtraction, the pixels are signed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sagittal, grid = case.seed % 4 != 0 and not axial, case.scanner.grid
    scale = stored_step(values)
    stored = np.rint(values / scale).astype("<i2")
    slices = stored.transpose(2, 0, 1)[:, ::-1] if sagittal else stored
    header = _header(case, sagittal, uid_seed if uid_seed is not None else f"ageing-{case.seed}-{int(case.shifted)}")
    header.SeriesDescription = header.ProtocolName = said
    header.Rows, header.Columns = slices.shape[1:]
    if stored.min() < 0:
        header.PixelRepresentation, header.BitsStored, header.HighBit = 1, 16, 15
    most = float(np.percentile(stored, 99))
    header.WindowCenter, header.WindowWidth = format_number_as_ds(most / 2), format_number_as_ds(max(most, 1.0))
    paths = []
    for index, pixels in enumerate(slices):
        image = Dataset()
        image.update(header)
        image.SOPInstanceUID = phantom_uid("instance", header.SeriesInstanceUID, index)
        image.InstanceNumber = index + 1
        image.ImagePositionPatient = [format_number_as_ds(float(each)) for each in _corner(grid, index, sagittal)]
        image.PixelData = np.ascontiguousarray(pixels).tobytes()
        image["PixelData"].VR = "OW"
        paths.append(folder / f"MR{index + 1:04d}.dcm")
        write_file(image, paths[-1])
    return paths


def stored_step(values: Floats) -> float:
    """What one step of the stored numbers stands for."""
    return max(float(values.max()) / _STORED_MOST, 1e-6)


def _corner(grid: Grid, index: int, sagittal: bool) -> NDArray[np.float64]:
    """Of the slice's first pixel: x, y, z in the scanner's space, in which its axes are the patient's."""
    ends = [(count - 1) / 2 * step for count, step in zip(grid.shape, grid.step_mm, strict=True)]
    slice_mm, _, column_mm = grid.step_mm
    if sagittal:
        return np.array([index * column_mm - ends[2], -ends[1], ends[0]])
    return np.array([-ends[2], -ends[1], index * slice_mm - ends[0]])


def _header(case: Case, sagittal: bool, key: str | int) -> Dataset:
    header = Dataset()
    for name, value in _HEADER.items():
        setattr(header, name, value)
    for what in ("Study", "Series"):
        setattr(header, f"{what}InstanceUID", phantom_uid(what.lower(), key))
    header.FrameOfReferenceUID = phantom_uid("frame of reference", key)
    kind = "SHIFTED-" if case.shifted else ""
    header.PatientName, header.PatientID = "Phantom^Ageing", f"PHANTOM-AGEING-{kind}{case.seed}"
    header.PatientSex, header.PatientAge = "MF"[case.seed % 2], f"{round(case.head.ageing.age_years):03d}Y"
    day = (datetime.date(2024, 1, 1) + datetime.timedelta(days=case.seed % 366)).strftime("%Y%m%d")
    for moment in ("Study", "Series", "Acquisition", "Content"):
        setattr(header, f"{moment}Date", day)
        setattr(header, f"{moment}Time", "101200")
    header.ManufacturerModelName = f"Ageing {'shifted' if case.shifted else 'standard'}"
    header.MagneticFieldStrength = "1.5" if case.shifted else "3"
    up_mm, back_mm, left_mm = case.scanner.grid.step_mm
    between_mm, rows_mm, columns_mm = (left_mm, up_mm, back_mm) if sagittal else (up_mm, back_mm, left_mm)
    header.SliceThickness = header.SpacingBetweenSlices = format_number_as_ds(between_mm)
    header.PixelSpacing = [format_number_as_ds(rows_mm), format_number_as_ds(columns_mm)]
    header.ImageOrientationPatient = _SAGITTAL if sagittal else _AXIAL
    return header
