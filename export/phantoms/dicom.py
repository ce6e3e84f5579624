"""Writes phantoms as DICOM: a phantom goes in, one CT Image Storage file per slice comes out."""

import datetime
import uuid
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from export.phantoms import abdomen
from export.phantoms.abdomen import Phantom

_NAMESPACE = uuid.UUID("5b0c6b1e-3c0f-4d52-9c1e-6b7d6b0f2a11")
_IMPLEMENTATION_UID = UID("2.25.121033164523109923021367719131430161937")
_UNSIGNED_INTERCEPT = -1024
ENHANCED = ("arterial", "portal", "excretory")
_STUDY_ROWS = 256


def phantom_uid(*parts: str | int) -> UID:
    """The same parts always give the same UID (of a name-based UUID, PS3.5 B.2)."""
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join(map(str, parts))).int}")


def write_series(
    phantom: Phantom,
    folder: Path,
    *,
    study_uid: str | None = None,
    series_uid: str | None = None,
    uid_seed: str | int | None = None,
    transfer_syntax: UID = ExplicitVRLittleEndian,
    region: str = "Abdomen",
    body_part: str | None = None,
) -> list[Path]:
    """Files in InstanceNumber order, from the head down. `uid_seed` replaces the phantom's seed in new UIDs.

    Without a `body_part` the header states the region.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series = _series_header(phantom, uid_seed if uid_seed is not None else phantom.seed, region)
    series.BodyPartExamined = region.upper() if body_part is None else body_part
    series.StudyInstanceUID = study_uid or series.StudyInstanceUID
    series.SeriesInstanceUID = series_uid or series.SeriesInstanceUID
    paths = []
    for number, index in enumerate(reversed(range(len(phantom.voxels_zyx))), start=1):
        path = folder / f"CT{number:04d}.dcm"
        write_file(_slice(phantom, series, index, number), path, transfer_syntax)
        paths.append(path)
    return paths


def write_study(seed: int, folder: Path, *, shifted: bool = False, uid_seed: str | None = None) -> list[Path]:
    """A whole abdomen, of so many pixels that it is written in seconds."""
    made = abdomen.whole_phantom(seed, rows=_STUDY_ROWS, shifted=shifted)
    return write_series(made, folder, uid_seed=uid_seed)


def _series_header(phantom: Phantom, uid_seed: str | int, region: str) -> Dataset:
    header = Dataset()
    slices, rows, _ = phantom.voxels_zyx.shape
    key = (uid_seed, int(phantom.shifted), rows, slices, str(phantom.geometry.slice_spacing_mm))
    header.SOPClassUID = CTImageStorage
    header.StudyInstanceUID = phantom_uid("study", *key)
    header.SeriesInstanceUID = phantom_uid("series", *key)
    header.FrameOfReferenceUID = phantom_uid("frame of reference", *key)
    _add_patient(header, phantom, region)
    _add_study(header, phantom, region)
    _add_equipment(header, phantom, region)
    _add_acquisition(header, phantom)
    return header


def _add_patient(header: Dataset, phantom: Phantom, region: str) -> None:
    patient = phantom.patient
    header.PatientName = f"Phantom^{region}"
    header.PatientID = f"PHANTOM-{phantom.seed}"
    header.PatientBirthDate = ""
    header.PatientSex = patient.sex
    header.PatientAge = f"{patient.age_years:03d}Y"
    if patient.height_m is not None:
        header.PatientSize = format_number_as_ds(patient.height_m)


def _add_study(header: Dataset, phantom: Phantom, region: str) -> None:
    day = datetime.date(2024, 1, 1) + datetime.timedelta(days=phantom.seed % 366)
    for keyword in ("Study", "Series", "Acquisition", "Content"):
        setattr(header, f"{keyword}Date", day.strftime("%Y%m%d"))
        setattr(header, f"{keyword}Time", "101500")
    header.AccessionNumber = ""
    header.ReferringPhysicianName = ""
    header.StudyID = "1"
    header.StudyDescription = f"CT {region.lower()} (synthetic)"
    header.SeriesNumber = 2
    header.SeriesDescription = f"{region} {phantom.phase} {phantom.scan.slice_thickness_mm:g} mm {phantom.scan.kernel}"


def _add_equipment(header: Dataset, phantom: Phantom, region: str) -> None:
    header.Modality = "CT"
    header.Manufacturer = "Phantom generator"
    header.ManufacturerModelName = f"{region} {'shifted' if phantom.shifted else 'standard'}"
    header.SoftwareVersions = "1"
    header.PatientPosition = "HFS"
    header.PositionReferenceIndicator = ""
    header.ProtocolName = region


def _add_acquisition(header: Dataset, phantom: Phantom) -> None:
    scan, geometry = phantom.scan, phantom.geometry
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.AcquisitionNumber = 1
    header.KVP = scan.tube_kv
    header.XRayTubeCurrent = scan.tube_ma
    header.ExposureTime = 500
    header.ConvolutionKernel = scan.kernel.upper()
    header.GantryDetectorTilt = 0
    header.RotationDirection = "CW"
    header.SliceThickness = format_number_as_ds(scan.slice_thickness_mm)
    header.ReconstructionDiameter = format_number_as_ds(scan.field_of_view_mm)
    if phantom.phase in ENHANCED:
        header.ContrastBolusAgent = "Iodinated contrast"
        header.ContrastBolusRoute = "INTRAVENOUS"
    header.ImageOrientationPatient = [format_number_as_ds(v) for v in geometry.orientation]
    header.PixelSpacing = [
        format_number_as_ds(geometry.row_spacing_mm),
        format_number_as_ds(geometry.column_spacing_mm),
    ]
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows, header.Columns = phantom.voxels_zyx.shape[1:]
    header.BitsAllocated = 16
    header.BitsStored, header.HighBit = (16, 15) if scan.signed else (12, 11)
    header.PixelRepresentation = int(scan.signed)
    header.RescaleIntercept = 0 if scan.signed else _UNSIGNED_INTERCEPT
    header.RescaleSlope = 1
    header.WindowCenter, header.WindowWidth = 40, 400


def _slice(phantom: Phantom, series: Dataset, index: int, number: int) -> Dataset:
    image = Dataset()
    image.update(series)
    x, y, z = phantom.geometry.origin_lps
    image.SOPInstanceUID = phantom_uid("instance", series.SeriesInstanceUID, index)
    image.InstanceNumber = number
    position = (x, y, z + index * phantom.geometry.slice_spacing_mm)
    image.ImagePositionPatient = [format_number_as_ds(v) for v in position]
    image.SliceLocation = format_number_as_ds(position[2])
    hounsfield = phantom.voxels_zyx[index]
    if phantom.scan.signed:
        image.PixelData = hounsfield.astype("<i2").tobytes()
    else:
        image.PixelData = (hounsfield - np.int16(_UNSIGNED_INTERCEPT)).astype("<u2").tobytes()
    image["PixelData"].VR = "OW"
    return image


def write_file(image: Dataset, path: Path, transfer_syntax: UID = ExplicitVRLittleEndian) -> None:
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.ImplementationClassUID = _IMPLEMENTATION_UID
    image.file_meta.ImplementationVersionName = "PHANTOMS_1"
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if transfer_syntax.is_encapsulated:
        image.compress(transfer_syntax, generate_instance_uid=False)
    elif transfer_syntax != ExplicitVRLittleEndian:
        image.file_meta.TransferSyntaxUID = transfer_syntax
    image.save_as(path, enforce_file_format=True)
