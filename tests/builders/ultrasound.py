"""Small ultrasound images as pixels and as data sets: a fan of speckle, what may be drawn on it, ways to store it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import UltrasoundImageStorage, UltrasoundMultiFrameImageStorage
from scipy.ndimage import gaussian_filter

ROWS, COLUMNS = 240, 300
Floats = NDArray[np.float32]


def fan() -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    depth = np.hypot(rows + 60, columns - COLUMNS / 2)
    angle = np.arctan2(columns - COLUMNS / 2, rows + 60)
    return np.asarray((depth > 70) & (depth < 285) & (np.abs(angle) < 0.5))


def speckle(seed: int = 0, coarse: float = 0.8) -> Floats:
    """Grey from 0 to 255 in the fan, black around it."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(ROWS, COLUMNS)), coarse)
    return np.where(fan(), np.clip(110 + 30 * noise / noise.std(), 12, 235), 0).astype(np.float32)


def coloured(grey: Floats) -> Floats:
    return np.repeat(grey[..., None], 3, axis=-1)


def lettered(grey: Floats, place: tuple[int, int], text: str = "LIVER") -> Floats:
    canvas = Image.fromarray(grey.astype(np.uint8))
    ImageDraw.Draw(canvas).text(place, text, fill=255, font=ImageFont.load_default(size=18))
    return np.asarray(canvas, np.float32)


def dataset(kind: str = "MONOCHROME2", frames: int = 1, seed: int = 0) -> Dataset:
    """The same speckle however it is stored; each frame has its own."""
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.SOPClassUID = UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    header.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.11.{frames}.{seed + 1}"
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.8.6", "1.2.826.0.1.3680043.8.498.8.7"
    header.PatientName, header.PatientID, header.PatientBirthDate, header.PatientSex = "Doe^Jo", "P-1", "19610102", "F"
    header.StudyDate, header.StudyTime, header.StudyID, header.AccessionNumber = "20260102", "101500", "S1", "A-9"
    header.ReferringPhysicianName, header.Manufacturer = "", "Scanner works"
    header.Modality, header.BodyPartExamined, header.SeriesNumber, header.InstanceNumber = "US", "LIVER", 3, 1
    header.ImageType, header.PatientOrientation = ["ORIGINAL", "PRIMARY"], ""
    header.Rows, header.Columns = ROWS, COLUMNS
    header.BitsAllocated = header.BitsStored = 8
    header.HighBit, header.PixelRepresentation, header.SamplesPerPixel = 7, 0, 1
    header.PhotometricInterpretation = kind
    if frames > 1:
        header.NumberOfFrames, header.FrameTime, header.FrameIncrementPointer = frames, 50, 0x00181063
    stored = np.stack([speckle(seed + frame).astype(np.uint8) for frame in range(frames)])
    if kind in ("RGB", "YBR_FULL"):
        header.SamplesPerPixel, header.PlanarConfiguration = 3, 0
        stored = np.repeat(stored[..., None], 3, axis=-1)
    if kind == "YBR_FULL":
        stored = np.stack([convert_color_space(frame, "RGB", "YBR_FULL") for frame in stored])
    if kind == "PALETTE COLOR":
        palette(header, np.arange(256)[::-1])
        stored = 255 - stored
    header.PixelData = stored.tobytes()
    header["PixelData"].VR = "OB"
    return header


def palette(header: Dataset, greys: NDArray[np.int64]) -> None:
    """Grey of each stored value, in words of 16 bits."""
    for colour in ("Red", "Green", "Blue"):
        setattr(header, f"{colour}PaletteColorLookupTableDescriptor", [len(greys), 0, 16])
        setattr(header, f"{colour}PaletteColorLookupTableData", (greys * 257).astype("<u2").tobytes())
