"""Writes mammograms as DICOM: a patient's seed goes in, one file for each of her four views comes out."""

import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
)
from pydicom.valuerep import format_number_as_ds

from export.phantoms.dicom import phantom_uid
from export.phantoms.mammography.acquisition import Intent, Machine, machine, stored
from export.phantoms.mammography.anatomy import VIEWS, View
from export.phantoms.mammography.drawing import Drawing, draw
from export.phantoms.mammography.history import Ill, When, examined, history, machine_of
from export.phantoms.mammography.sheet import Window

COARSE_MM = 0.2
"""Of the pixels, where nobody asks for the detector's own: a twelfth of the time and of the size."""
MAGNIFICATION = 1.06
_IMPLEMENTATION_UID = UID("2.25.121033164523109923021367719131430161937")
_CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
_ORIENTATION = {"LCC": ["A", "R"], "RCC": ["P", "L"], "LMLO": ["A", "FR"], "RMLO": ["P", "FL"]}


def write_study(
    seed: int,
    folder: Path,
    *,
    shifted: bool = False,
    uid_seed: str | int | None = None,
    pixel_mm: float | None = COARSE_MM,
    intent: Intent | None = None,
    with_mass: bool | None = None,
    views: tuple[View, ...] = VIEWS,
) -> list[Path]:
    """One series. Without `pixel_mm` pixels are the detector's own; `uid_seed` replaces the seed in UIDs."""
    folder.mkdir(parents=True, exist_ok=True)
    by = machine(seed, shifted=shifted, intent=intent)
    key = (uid_seed if uid_seed is not None else seed, int(shifted), str(pixel_mm), by.intent)
    paths = []
    for number, view in enumerate(views, start=1):
        drawing = draw(seed, view, shifted=shifted, with_mass=with_mass)
        window = Window.whole(pixel_mm or by.pixel_mm)
        path = folder / f"MG{number:04d}.dcm"
        _save(_image(drawing, by, window, key, number), path)
        paths.append(path)
    return paths


def write_examination(
    seed: int,
    folder: Path,
    when: When = "now",
    *,
    shifted: bool = False,
    ill: Ill | None = None,
    uid_seed: str | int | None = None,
    pixel_mm: float = COARSE_MM,
    views: tuple[View, ...] = VIEWS,
    apart: bool = False,
) -> list[Path]:
    """A study of a patient with a history, or the one before it; `apart` makes a series of each image."""
    folder.mkdir(parents=True, exist_ok=True)
    by, days = machine_of(seed, when, shifted=shifted), history(seed, shifted=shifted, ill=ill).days
    key = (uid_seed if uid_seed is not None else seed, int(shifted), str(pixel_mm), when)
    paths = []
    for number, view in enumerate(views, start=1):
        drawing = examined(seed, view, when, shifted=shifted, ill=ill)
        header = _image(drawing, by, Window.whole(pixel_mm), key, number)
        _add_course(header, seed, days if when == "before" else 0, shifted)
        if apart:
            header.SeriesInstanceUID = phantom_uid("mammography series", *key, view)
            header.SeriesNumber, header.SeriesDescription = number, f"Mammography, {view}"
        paths.append(folder / f"MG{number:04d}.dcm")
        _save(header, paths[-1])
    return paths


def _add_course(header: Dataset, seed: int, days_ago: int, shifted: bool) -> None:
    """The same patient at both times."""
    day = datetime.date(2024, 1, 1) + datetime.timedelta(days=seed % 366 - days_ago)
    for keyword in ("Study", "Series", "Acquisition", "Content"):
        setattr(header, f"{keyword}Date", day.strftime("%Y%m%d"))
    header.PatientID = f"PHANTOM-BC-{'S' if shifted else ''}{seed}"
    header.PatientAge = f"{40 + seed % 35 - days_ago // 365:03d}Y"


def as_stored(drawing: Drawing, by: Machine, window: Window) -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    """A right breast is seen from the other side."""
    values = stored(drawing, by, window)
    return np.ascontiguousarray(values[:, ::-1]) if drawing.view.startswith("R") else values


def _image(drawing: Drawing, by: Machine, window: Window, key: tuple[str | int, ...], number: int) -> Dataset:
    header = Dataset()
    raw = by.intent == "FOR PROCESSING"
    classes = (DigitalMammographyXRayImageStorageForPresentation, DigitalMammographyXRayImageStorageForProcessing)
    header.SOPClassUID = classes[raw]
    header.StudyInstanceUID = phantom_uid("mammography study", *key)
    header.SeriesInstanceUID = phantom_uid("mammography series", *key)
    header.SOPInstanceUID = phantom_uid("mammography instance", *key, drawing.view)
    header.InstanceNumber = number
    _add_patient_and_study(header, drawing)
    _add_view(header, drawing)
    _add_acquisition(header, drawing, by, window)
    _add_pixels(header, drawing, by, window)
    return header


def _add_patient_and_study(header: Dataset, drawing: Drawing) -> None:
    header.PatientName = "Phantom^Breast"
    header.PatientID = f"PHANTOM-MG-{'S' if drawing.shifted else ''}{drawing.seed}"
    header.PatientBirthDate = ""
    header.PatientSex = "F"
    header.PatientAge = f"{40 + drawing.seed % 35:03d}Y"
    day = datetime.date(2024, 1, 1) + datetime.timedelta(days=drawing.seed % 366)
    for keyword in ("Study", "Series", "Acquisition", "Content"):
        setattr(header, f"{keyword}Date", day.strftime("%Y%m%d"))
        setattr(header, f"{keyword}Time", "093000")
    header.AccessionNumber = ""
    header.ReferringPhysicianName = ""
    header.StudyID = "1"
    header.StudyDescription = "Mammography (synthetic)"
    header.SeriesNumber = 1
    header.SeriesDescription = "Mammography, both breasts"


def _add_view(header: Dataset, drawing: Drawing) -> None:
    view = drawing.view[1:]
    header.ImageLaterality = drawing.view[0]
    header.ViewPosition = view
    header.PatientOrientation = _ORIENTATION[drawing.view]
    code, meaning = _CODES[view]
    coded = _coded(code, meaning)
    coded.ViewModifierCodeSequence = []
    header.ViewCodeSequence = [coded]
    header.AnatomicRegionSequence = [_coded("76752008", "Breast")]
    header.BodyPartExamined = "BREAST"
    header.OrganExposed = "BREAST"
    header.BreastImplantPresent = "NO"
    header.PartialView = "NO"


def _coded(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SCT", meaning
    return code


def _add_acquisition(header: Dataset, drawing: Drawing, by: Machine, window: Window) -> None:
    header.Modality = "MG"
    header.Manufacturer = "Phantom generator"
    header.ManufacturerModelName = "Mammography shifted" if drawing.shifted else "Mammography standard"
    header.SoftwareVersions = "1"
    header.PresentationIntentType = by.intent
    header.ImageType = ["ORIGINAL", "PRIMARY"]
    header.PositionerType = "MAMMOGRAPHIC"
    header.PositionerPrimaryAngle = 0 if drawing.view.endswith("CC") else (45 if drawing.view[0] == "L" else -45)
    header.KVP = 28
    header.ExposureInuAs = 80_000
    header.AnodeTargetMaterial = "TUNGSTEN"
    header.FilterMaterial = "RHODIUM"
    header.BodyPartThickness = 55
    header.CompressionForce = 95
    header.DetectorType = "DIRECT"
    header.ImagerPixelSpacing = [format_number_as_ds(window.pixel_mm)] * 2
    header.EstimatedRadiographicMagnificationFactor = format_number_as_ds(MAGNIFICATION)
    header.AcquisitionContextSequence = []
    header.BurnedInAnnotation = "NO"
    header.LossyImageCompression = "00"


def _add_pixels(header: Dataset, drawing: Drawing, by: Machine, window: Window) -> None:
    values = as_stored(drawing, by, window)
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME1" if by.inverted else "MONOCHROME2"
    header.PresentationLUTShape = "INVERSE" if by.inverted else "IDENTITY"
    header.PixelIntensityRelationship = "LIN" if by.intent == "FOR PROCESSING" else "LOG"
    header.PixelIntensityRelationshipSign = 1 if by.inverted else -1
    header.Rows, header.Columns = values.shape
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, by.bits, by.bits - 1
    header.PixelRepresentation = 0
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = 0, 1, "US"
    if by.intent == "FOR PRESENTATION":
        header.WindowCenter, header.WindowWidth = (by.highest + 1) // 2, by.highest + 1
    header.PixelData = values.astype("<u2").tobytes()
    header["PixelData"].VR = "OW"


def _save(image: Dataset, path: Path) -> None:
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
    image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    image.file_meta.ImplementationClassUID = _IMPLEMENTATION_UID
    image.file_meta.ImplementationVersionName = "PHANTOMS_1"
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.save_as(path, enforce_file_format=True)
