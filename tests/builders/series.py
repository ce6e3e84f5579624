"""Tiny synthetic series as pydicom data sets: what a scanner sends, and each of the ways in which it goes wrong.

`slices(scan)` gives the sound series of a `Scan`; every other builder names the one thing that is odd about it.
`part10(dataset)` gives the bytes of its file. The same scan always gives the same bytes, UIDs included.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
# Rotated about x by 20 degrees, then about z by 30 degrees.
OBLIQUE = (0.866025, 0.5, 0.0, -0.469846, 0.813798, 0.342020)


@dataclass(frozen=True)
class Scan:
    """What a scanner was told: the first slice lies at `origin_mm`, the others follow along the normal."""

    slices: int = 6
    rows: int = 16
    columns: int = 12
    orientation: tuple[float, ...] = AXIAL
    origin_mm: tuple[float, float, float] = (-40.0, -60.0, 100.0)
    pixel_spacing_mm: tuple[float, float] = (0.8, 0.7)
    step_mm: float = 5.0
    thickness_mm: float | None = 5.0
    modality: str = "CT"
    body_part: str = "ABDOMEN"
    signed: bool = False
    slope: float = 1.0
    intercept: float = -1024.0
    bits_stored: int = 16
    patient_id: str = "BUILT-1"
    name: str = "built"

    def uid(self, *parts: object) -> UID:
        return generate_uid(entropy_srcs=[self.name, *(str(part) for part in parts)])

    @property
    def normal(self) -> NDArray[np.float64]:
        return np.cross(self.orientation[:3], self.orientation[3:])

    def position_mm(self, index: int) -> list[float]:
        at = np.asarray(self.origin_mm) + index * self.step_mm * self.normal
        return [round(float(part), 6) for part in at]

    def hounsfield(self, index: int) -> NDArray[np.float64]:
        """Whole HU from -1000 to 1200, another picture for each slice."""
        return np.random.default_rng(index).integers(-1000, 1200, (self.rows, self.columns)).astype(np.float64)

    def stored(self, index: int) -> NDArray[np.integer]:
        values = np.rint((self.hounsfield(index) - self.intercept) / self.slope)
        return values.astype("<i2" if self.signed else "<u2")


def slices(scan: Scan = Scan()) -> list[Dataset]:
    """A sound series, one data set a slice, from the lowest position along the normal to the highest."""
    return [_slice(scan, index) for index in range(scan.slices)]


def part10(dataset: Dataset, transfer_syntax: UID = ExplicitVRLittleEndian) -> bytes:
    """The bytes of a file, in any transfer syntax that pydicom writes or compresses to (JPEG 2000: from 32 x 32 on)."""
    copied = deepcopy(dataset)
    if not transfer_syntax.is_little_endian:
        copied.PixelData = np.frombuffer(copied.PixelData, "<u2").byteswap().tobytes()
    if transfer_syntax.is_encapsulated:
        copied.compress(transfer_syntax, generate_instance_uid=False)
    copied.file_meta.TransferSyntaxUID = transfer_syntax
    copied.file_meta.MediaStorageSOPClassUID = copied.SOPClassUID
    copied.file_meta.MediaStorageSOPInstanceUID = copied.SOPInstanceUID
    file = BytesIO()
    copied.save_as(
        file,
        implicit_vr=transfer_syntax.is_implicit_VR,
        little_endian=transfer_syntax.is_little_endian,
        enforce_file_format=True,
    )
    return file.getvalue()


def oblique() -> list[Dataset]:
    return slices(Scan(orientation=OBLIQUE, name="oblique"))


def numbered_backwards() -> list[Dataset]:
    """InstanceNumber counts from the head to the feet, as many scanners do."""
    series = slices(Scan(name="numbered backwards"))
    for dataset in series:
        dataset.InstanceNumber = len(series) + 1 - dataset.InstanceNumber
    return series[::-1]


def missing_slice(index: int = 2) -> list[Dataset]:
    series = slices(Scan(name="missing slice"))
    return series[:index] + series[index + 1 :]


def mixed_spacing() -> list[Dataset]:
    """Fine slices below, and steps of two and a half times theirs above."""
    series = slices(Scan(name="mixed spacing"))
    for index, dataset in enumerate(series[3:], start=1):
        dataset.ImagePositionPatient[2] = series[2].ImagePositionPatient[2] + index * 12.3
    return series


def mixed_orientation() -> list[Dataset]:
    return slices(Scan(slices=3, name="mixed")) + slices(Scan(slices=3, orientation=SAGITTAL, name="mixed"))[1:]


def with_localizer() -> list[Dataset]:
    scan = Scan(name="with localizer")
    localizer = _slice(replace(scan, orientation=SAGITTAL), 99)
    localizer.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    return [localizer, *slices(scan)]


def with_duplicate() -> list[Dataset]:
    """The third slice came again under another SOP instance UID."""
    scan = Scan(name="with duplicate")
    series = slices(scan)
    again = deepcopy(series[2])
    again.SOPInstanceUID = scan.uid("again")
    return [*series, again]


def two_phases() -> list[Dataset]:
    """Two different images at each position, as arterial and venous phases in one series."""
    scan = Scan(name="two phases")
    later = [_slice(scan, 100 + index) for index in range(scan.slices)]
    for dataset, first in zip(later, slices(scan), strict=True):
        dataset.ImagePositionPatient = first.ImagePositionPatient
    return slices(scan) + later


def gantry_tilt(degrees: float = 15.0) -> list[Dataset]:
    """The planes are tilted, but the table still moves along z."""
    angle = np.radians(degrees)
    tilted = (1.0, 0.0, 0.0, 0.0, round(float(np.cos(angle)), 6), round(float(np.sin(angle)), 6))
    series = slices(Scan(orientation=tilted, name="gantry tilt"))
    for index, dataset in enumerate(series):
        dataset.ImagePositionPatient = [-40.0, -60.0, 100.0 + 5.0 * index]
    return series


def mixed_matrix() -> list[Dataset]:
    return slices(Scan(slices=3, name="matrix")) + slices(Scan(slices=5, rows=15, name="matrix"))[3:]


def mixed_frames_of_reference() -> list[Dataset]:
    series = slices(Scan(name="frames"))
    series[-1].FrameOfReferenceUID = generate_uid(entropy_srcs=["another"])
    return series


def mixed_signs() -> list[Dataset]:
    """Half the slices signed with intercept 0, half unsigned with -1024: the same HU all the same."""
    unsigned, signed = Scan(name="signs"), Scan(name="signs", signed=True, intercept=0.0)
    return slices(unsigned)[:3] + slices(signed)[3:]


def without(keyword: str, modality: str = "CT") -> list[Dataset]:
    """A series whose instances all lack one attribute."""
    series = slices(Scan(modality=modality, name=f"without {keyword}"))
    for dataset in series:
        delattr(dataset, keyword)
    return series


def stating(modality: str = "CT", **values: object) -> list[Dataset]:
    """A series whose instances all state other values than a scanner would."""
    series = slices(Scan(modality=modality, name=f"stating {sorted(values)}"))
    for dataset in series:
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
    return series


def truncated(kept: float = 0.7) -> bytes:
    """The first part of a file that ends within its pixel data."""
    whole = part10(slices(Scan(slices=1, rows=32, columns=32, name="truncated"))[0])
    return whole[: int(len(whole) * kept)]


def absurd_size() -> bytes:
    """A header that promises 8 GiB, and the pixel data of a small image."""
    return part10(stating(Rows=65535, Columns=65535)[0])


def enhanced(scan: Scan = Scan(name="enhanced")) -> Dataset:
    """The whole scan as one enhanced multi-frame instance; the frames lie in it from the last slice to the first."""
    frames = slices(scan)[::-1]
    dataset = deepcopy(frames[0])
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(dataset, keyword)
    del dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType
    dataset.SOPClassUID = EnhancedCTImageStorage if scan.modality == "CT" else EnhancedMRImageStorage
    dataset.SOPInstanceUID = scan.uid("enhanced")
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = b"".join(frame.PixelData for frame in frames)
    dataset.SharedFunctionalGroupsSequence = [_shared_groups(frames[0])]
    dataset.PerFrameFunctionalGroupsSequence = [_frame_groups(frame) for frame in frames]
    return dataset


def _shared_groups(frame: Dataset) -> Dataset:
    return _dataset(
        PlaneOrientationSequence=[_dataset(ImageOrientationPatient=frame.ImageOrientationPatient)],
        PixelMeasuresSequence=[_dataset(PixelSpacing=frame.PixelSpacing, SliceThickness=frame.SliceThickness)],
    )


def _frame_groups(frame: Dataset) -> Dataset:
    transformation = _dataset(
        RescaleSlope=frame.RescaleSlope, RescaleIntercept=frame.RescaleIntercept, RescaleType=frame.RescaleType
    )
    return _dataset(
        PlanePositionSequence=[_dataset(ImagePositionPatient=frame.ImagePositionPatient)],
        PixelValueTransformationSequence=[transformation],
        FrameContentSequence=[_dataset(FrameAcquisitionNumber=frame.InstanceNumber)],
    )


def _slice(scan: Scan, index: int) -> Dataset:
    dataset = _dataset(
        SOPClassUID=CTImageStorage if scan.modality == "CT" else MRImageStorage,
        SOPInstanceUID=scan.uid("instance", scan.orientation, index),
        StudyInstanceUID=scan.uid("study"),
        SeriesInstanceUID=scan.uid("series"),
        FrameOfReferenceUID=scan.uid("frame of reference"),
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        Modality=scan.modality,
        BodyPartExamined=scan.body_part,
        InstanceNumber=index + 1,
        ImageOrientationPatient=list(scan.orientation),
        ImagePositionPatient=scan.position_mm(index),
        PixelSpacing=list(scan.pixel_spacing_mm),
        RescaleSlope=scan.slope,
        RescaleIntercept=scan.intercept,
        RescaleType="HU",
        **_patient_and_study(scan),
    )
    if scan.thickness_mm is not None:
        dataset.SliceThickness = scan.thickness_mm
    _set_pixels(dataset, scan, scan.stored(index))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _patient_and_study(scan: Scan) -> dict[str, object]:
    """The attributes of type 2 that results are written from."""
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": "Built^Series",
        "PatientID": scan.patient_id,
        "PatientBirthDate": "19500101",
        "PatientSex": "O",
        "StudyID": "1",
        "StudyDate": "20260102",
        "StudyTime": "030405",
        "AccessionNumber": "A1",
        "ReferringPhysicianName": "",
        "SeriesNumber": 2,
        "SeriesDescription": scan.name,
        "Manufacturer": "Builders",
        "PatientPosition": "HFS",
        "PositionReferenceIndicator": "",
        "AcquisitionNumber": 1,
        "KVP": 120,
    }


def _set_pixels(dataset: Dataset, scan: Scan, stored: NDArray[np.integer]) -> None:
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = 16
    dataset.BitsStored = scan.bits_stored
    dataset.HighBit = scan.bits_stored - 1
    dataset.PixelRepresentation = int(scan.signed)
    dataset.PixelData = stored.tobytes()


def _dataset(**values: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset
