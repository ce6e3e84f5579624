"""Writes phantoms as DICOM: a seed goes in, one file of US Image Storage or its multi-frame sibling comes out."""

import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    RLELossless,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from export.phantoms.dicom import phantom_uid
from export.phantoms.ultrasound.image import Liver, liver
from export.phantoms.ultrasound.screen import screen

Kind = Literal["MONOCHROME2", "RGB", "YBR_FULL", "PALETTE COLOR"]
KINDS: tuple[Kind, ...] = ("RGB", "MONOCHROME2", "YBR_FULL", "PALETTE COLOR")
FRAMES = 4
_IMPLEMENTATION_UID = UID("2.25.121033164523109023921367719131430161937")


def write_study(
    seed: int, folder: Path, *, shifted: bool = False, uid_seed: str | int | None = None, kind: Kind | None = None,
    frames: int | None = None,
) -> list[Path]:  # fmt: skip
    """One file; how its colours are stored, and whether it has several frames, follows from the seed unless stated."""
    kind = kind or KINDS[(seed // 4) % len(KINDS)]
    frames = frames or (FRAMES if seed % 5 == 3 else 1)
    phantom = liver(seed, shifted=shifted, frames=frames)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "US0001.dcm"
    write(dataset(phantom, kind, uid_seed if uid_seed is not None else seed), path)
    return [path]


def dataset(phantom: Liver, kind: Kind, uid_seed: str | int) -> Dataset:
    header = Dataset()
    frames = len(phantom.grey)
    key = (uid_seed, int(phantom.shifted), kind, frames, "ultrasound")
    header.SOPClassUID = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    header.SOPInstanceUID = phantom_uid("instance", *key)
    header.StudyInstanceUID = phantom_uid("study", *key)
    header.SeriesInstanceUID = phantom_uid("series", *key)
    _add_patient_and_study(header, phantom)
    _add_machine(header, phantom)
    _add_regions(header, phantom)
    if frames > 1:
        header.NumberOfFrames = frames
        header.FrameTime = 66.7
        header.FrameIncrementPointer = 0x00181063
    shown = np.stack([screen(phantom, frame, coloured=kind != "MONOCHROME2") for frame in range(frames)])
    _add_pixels(header, shown, kind)
    return header


def _add_patient_and_study(header: Dataset, phantom: Liver) -> None:
    day = datetime.date(2024, 1, 1) + datetime.timedelta(days=phantom.seed % 366)
    header.PatientName = "Phantom^Liver"
    header.PatientID = f"PHANTOM-US-{phantom.seed}"
    header.PatientBirthDate = ""
    header.PatientSex = "FM"[phantom.seed % 2]
    header.PatientAge = f"{30 + phantom.seed % 45:03d}Y"
    for keyword in ("Study", "Series", "Content"):
        setattr(header, f"{keyword}Date", day.strftime("%Y%m%d"))
        setattr(header, f"{keyword}Time", "093000")
    header.AccessionNumber = ""
    header.ReferringPhysicianName = ""
    header.StudyID = "1"
    header.StudyDescription = "US abdomen (synthetic)"
    header.SeriesDescription = "Liver"
    header.SeriesNumber = 1
    header.InstanceNumber = 1


def _add_machine(header: Dataset, phantom: Liver) -> None:
    header.Modality = "US"
    header.Manufacturer = "Phantom generator"
    header.ManufacturerModelName = "Liver shifted" if phantom.shifted else "Liver standard"
    header.SoftwareVersions = "1"
    header.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
    header.BodyPartExamined = "LIVER" if phantom.seed % 3 else "ABDOMEN"
    header.ProtocolName = "Abdomen"
    header.TransducerData = ["C5-2", "", ""]
    header.MechanicalIndex = 1.1
    header.BurnedInAnnotation = "YES"
    header.LossyImageCompression = "00"
    header.PatientOrientation = ""


def _add_regions(header: Dataset, phantom: Liver) -> None:
    """Where the picture is on the screen and how large its pixels are; some machines leave that out."""
    if phantom.seed % 7 == 6:
        return
    column, row = phantom.machine.apex_px
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 2
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, int(0.03 * phantom.machine.rows)
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = phantom.machine.columns - 1, phantom.machine.rows - 1
    region.ReferencePixelX0, region.ReferencePixelY0 = int(column), int(row)
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = phantom.machine.pixel_mm / 10
    header.SequenceOfUltrasoundRegions = [region]


def _add_pixels(header: Dataset, shown: NDArray[np.uint8], kind: Kind) -> None:
    """`shown` is (frames, rows, columns, RGB)."""
    header.Rows, header.Columns = shown.shape[1:3]
    header.BitsAllocated, header.BitsStored, header.HighBit, header.PixelRepresentation = 8, 8, 7, 0
    header.PhotometricInterpretation = kind
    if kind in ("RGB", "YBR_FULL"):
        header.SamplesPerPixel, header.PlanarConfiguration = 3, 0
        stored = shown if kind == "RGB" else np.stack([convert_color_space(each, "RGB", "YBR_FULL") for each in shown])
    else:
        header.SamplesPerPixel = 1
        stored = shown[..., 1] if kind == "MONOCHROME2" else _indexed(header, shown)
    header.PixelData = np.ascontiguousarray(stored, np.uint8).tobytes()
    if len(header.PixelData) % 2:
        header.PixelData += b"\0"
    header["PixelData"].VR = "OB"


def _indexed(header: Dataset, shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Even greys from 0 to 254 and one colour for all that was written in colour."""
    apart = np.ptp(shown.astype(np.int16), axis=-1) > 4
    table = np.repeat(np.arange(0, 256, dtype=np.uint16)[:, None] * 257, 3, axis=1)
    table[255] = (65535, 59000, 23000)
    for number, colour in enumerate(("Red", "Green", "Blue")):
        setattr(header, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(header, f"{colour}PaletteColorLookupTableData", table[:, number].astype("<u2").tobytes())
    return np.where(apart, 255, np.minimum(shown[..., 1], 254)).astype(np.uint8)


def write(header: Dataset, path: Path) -> None:
    header.file_meta = FileMetaDataset()
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    header.file_meta.ImplementationClassUID = _IMPLEMENTATION_UID
    header.file_meta.ImplementationVersionName = "PHANTOMS_1"
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if header.get("NumberOfFrames") and header.SamplesPerPixel == 3 and header.PhotometricInterpretation == "RGB":
        header.compress(RLELossless, generate_instance_uid=False)
    header.save_as(path, enforce_file_format=True)
