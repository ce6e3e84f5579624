"""Writes radiographs of the chest as DICOM: a seed goes in, a study of one CR or DX image comes out."""

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)
from pydicom.valuerep import format_number_as_ds
from scipy.ndimage import zoom

from export.phantoms.chest.film import Floats
from export.phantoms.chest.radiograph import Radiograph, radiograph
from export.phantoms.dicom import phantom_uid

_FIELD_MM = 400.0  # the longer side of the detector
_BITS = 12
_GROWN = 5
_GRAIN = 0.004
cid4010 = codes.cid4010


def write_study(
    seed: int,
    folder: Path,
    *,
    shifted: bool = False,
    uid_seed: str | int | None = None,
    wanted: str | None = None,
    lateral: bool = False,
    quarters: int = 0,
    negative: bool = False,
    says_view: bool = True,
    grown: int = _GROWN,
) -> list[Path]:
    """One file. Every third seed is CR, portable ones among them; every fourth DX is stored as MONOCHROME1.

    `wanted` is a finding that is surely there; `quarters` lays the image on its side by quarter turns against the
    clock; `negative` inverts it without a word in the header; without `says_view` the header is silent about the view.
    """
    made = radiograph(seed, shifted=shifted, lateral=lateral, wanted=wanted)
    image = np.rot90(made.image, quarters)
    made = replace(made, image=np.ascontiguousarray(1 - image if negative else image))
    header = _header(made, seed if uid_seed is None else uid_seed, (quarters, negative, lateral, wanted or ""))
    if not says_view:
        del header.ViewPosition
        if "ViewCodeSequence" in header:
            del header.ViewCodeSequence
    _add_pixels(header, _stored(made, grown), made)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{header.Modality}0001.dcm"
    header.save_as(path, enforce_file_format=True)
    return [path]


def _header(made: Radiograph, uid_seed: str | int, laid: tuple[object, ...]) -> Dataset:
    header, patient, day = Dataset(), made.patient, datetime.date(2024, 1, 1) + datetime.timedelta(days=made.seed % 366)
    modality = "CR" if made.seed % 3 == 0 else "DX"
    key = ("chest radiograph", uid_seed, int(made.shifted), *map(str, laid))
    header.SOPClassUID = ComputedRadiographyImageStorage if modality == "CR" else DigitalXRayImageStorageForPresentation
    header.SOPInstanceUID = phantom_uid("instance", *key)
    header.StudyInstanceUID, header.SeriesInstanceUID = phantom_uid("study", *key), phantom_uid("series", *key)
    header.PatientName, header.PatientID, header.PatientBirthDate = "Phantom^Chest", f"PHANTOM-CXR-{made.seed}", ""
    header.PatientSex, header.PatientAge = patient.sex, f"{patient.age_years:03d}Y"
    for keyword in ("Study", "Series", "Acquisition", "Content"):
        setattr(header, f"{keyword}Date", day.strftime("%Y%m%d"))
        setattr(header, f"{keyword}Time", "101500")
    header.AccessionNumber = header.ReferringPhysicianName = ""
    header.StudyID, header.SeriesNumber, header.InstanceNumber, header.AcquisitionNumber = "1", 1, 1, 1
    header.StudyDescription = "Chest radiograph (synthetic)"
    header.SeriesDescription = f"Chest {made.view}"
    header.Modality, header.BodyPartExamined, header.ViewPosition = modality, "CHEST", made.view
    header.Manufacturer, header.SoftwareVersions = "Phantom generator", "1"
    header.ManufacturerModelName = "Chest shifted" if made.shifted else "Chest standard"
    header.ImageType = ["ORIGINAL", "PRIMARY", ""]
    header.KVP, header.ExposureTime = (90, 12) if patient.portable else (125, 6)
    if modality == "DX":
        _add_detector(header, made)
    header.file_meta = FileMetaDataset()
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.ImplementationClassUID = UID("2.25.121033164523109923021367719131430161937")
    header.file_meta.ImplementationVersionName = "PHANTOMS_1"
    return header


def _add_detector(header: Dataset, made: Radiograph) -> None:
    """What DX asks for beyond CR."""
    header.PresentationIntentType = "FOR PRESENTATION"
    header.PatientOrientation = ["A", "F"] if made.view == "LL" else ["L", "F"]
    header.ImageLaterality, header.PositionerType, header.BurnedInAnnotation = "U", "NONE", "NO"
    header.DetectorType, header.PixelIntensityRelationship, header.PixelIntensityRelationshipSign = "DIRECT", "LOG", -1
    header.LossyImageCompression = "00"
    view = {"PA": cid4010.PosteroAnterior, "AP": cid4010.AnteroPosterior, "LL": cid4010.LeftLateral}[made.view]
    for keyword, code in (("ViewCodeSequence", view), ("AnatomicRegionSequence", codes.SCT.Chest)):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
        setattr(header, keyword, [item])


def _stored(made: Radiograph, grown: int) -> Floats:
    """A larger matrix, with the detector's grain at its own resolution."""
    image = zoom(made.image, grown, order=1, grid_mode=True, mode="nearest") if grown > 1 else made.image
    rng = np.random.default_rng([made.seed, 7])
    grain = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(_GRAIN)
    return np.asarray(np.clip(image + grain, 0, 1), np.float32)


def _add_pixels(header: Dataset, image: Floats, made: Radiograph) -> None:
    most = (1 << _BITS) - 1
    values: NDArray[np.uint16] = np.rint(image * most).astype(np.uint16)
    turned = header.Modality == "DX" and made.seed % 4 == 1
    header.SamplesPerPixel, header.PixelRepresentation = 1, 0
    header.PhotometricInterpretation = "MONOCHROME1" if turned else "MONOCHROME2"
    header.Rows, header.Columns = values.shape
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, _BITS, _BITS - 1
    spacing = format_number_as_ds(_FIELD_MM / max(values.shape))
    header.ImagerPixelSpacing = [spacing, spacing]
    header.WindowCenter, header.WindowWidth = most // 2 + 1, most + 1
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = 0, 1, "US"
    header.PresentationLUTShape = "INVERSE" if turned else "IDENTITY"
    stored = most - values if turned else values
    header.PixelData = stored.astype("<u2").tobytes()
    header["PixelData"].VR = "OW"
