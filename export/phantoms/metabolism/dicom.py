"""One old patient's FDG PET as a scanner writes it: a case in, the DICOM files of its series out."""

import datetime
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import PositronEmissionTomographyImageStorage
from pydicom.valuerep import format_number_as_ds

from export.phantoms.brain.anatomy import Floats
from export.phantoms.dicom import phantom_uid, write_file
from export.phantoms.metabolism import Group
from export.phantoms.metabolism.case import Case, coarser, draw_case

_STORED_MOST = 32767
_BEGUN = datetime.timedelta(hours=10, minutes=12)
_FLUORINE = Code("77004003", "SCT", "^18^Fluorine")
_TRACER = Code("35321007", "SCT", "Fluorodeoxyglucose F^18^")
_INTRAVENOUS = Code("47625008", "SCT", "Intravenous route")
_RECUMBENT, _SUPINE = Code("102538003", "SCT", "recumbent"), Code("40199007", "SCT", "supine")
_HEADFIRST = Code("102540008", "SCT", "headfirst")
_HALF_LIFE_S, _POSITRONS = 6586.2, 0.967
_CORRECTED = ("NORM", "DTIM", "DECY", "ATTN", "SCAT", "RAN")
_RECONSTRUCTED = {"OSEM": "3D-OSEM", "FBP": "3D-FBP"}
_HEADER: dict[str, object] = {
    "SOPClassUID": PositronEmissionTomographyImageStorage, "Modality": "PT", "BodyPartExamined": "BRAIN",
    "Manufacturer": "Phantom generator", "SoftwareVersions": "1", "PositionReferenceIndicator": "",
    "StudyDescription": "PET brain FDG (synthetic)", "StudyID": "1",
    "SeriesNumber": 3, "AcquisitionNumber": 1, "AccessionNumber": "", "ReferringPhysicianName": "",
    "PatientBirthDate": "", "ImageType": ["ORIGINAL", "PRIMARY"], "Units": "BQML", "CountsSource": "EMISSION",
    "SeriesType": ["STATIC", "IMAGE"], "DecayCorrection": "START", "CollimatorType": "NONE",
    "AttenuationCorrectionMethod": "CT", "RandomsCorrectionMethod": "DLYD", "ScatterCorrectionMethod": "Model-based",
    "FrameReferenceTime": "0", "DecayFactor": "1", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16,
    "HighBit": 15, "RescaleIntercept": "0", "RescaleType": "BQML",
}  # fmt: skip


def write_study(
    seed: int,
    folder: Path,
    *,
    shifted: bool = False,
    group: Group | None = None,
    voxel_mm: float | None = None,
    uid_seed: str | int | None = None,
) -> list[Path]:
    """With `voxel_mm` in larger voxels than a scanner makes, which are written sooner."""
    case = draw_case(seed, shifted=shifted, group=group)
    return write_case(case if voxel_mm is None else coarser(case, voxel_mm), folder, uid_seed=uid_seed)


def write_case(case: Case, folder: Path, *, uid_seed: str | int | None = None) -> list[Path]:
    return write_values(case, case.series().values, folder, uid_seed=uid_seed)


def write_values(
    case: Case, values: Floats, folder: Path, *, uid_seed: str | int | None = None, said: str = "PET brain FDG AC"
) -> list[Path]:
    """`values` on the case's grid; slices run down in the series of some patients, up in those of others."""
    folder.mkdir(parents=True, exist_ok=True)
    header = _header(case, uid_seed if uid_seed is not None else f"metabolism-{case.seed}-{int(case.shifted)}")
    header.SeriesDescription = said
    header.NumberOfSlices, header.Rows, header.Columns = values.shape
    header.PixelRepresentation = int(case.scanner.reconstruction == "FBP")
    most = float(np.percentile(values, 99.9))
    header.WindowCenter, header.WindowWidth = format_number_as_ds(most / 2), format_number_as_ds(max(most, 1.0))
    upwards = case.seed % 2 == 0
    paths = []
    for number, index in enumerate(range(len(values)) if upwards else reversed(range(len(values))), start=1):
        paths.append(folder / f"PT{number:04d}.dcm")
        write_file(_slice(case, header, values[index], index, number), paths[-1])
    return paths


def _slice(case: Case, header: Dataset, values: Floats, index: int, number: int) -> Dataset:
    image, grid = Dataset(), case.scanner.grid
    image.update(header)
    image.SOPInstanceUID = phantom_uid("instance", header.SeriesInstanceUID, index)
    image.InstanceNumber = image.ImageIndex = number
    up, back, left = ((count - 1) / 2 * step for count, step in zip(grid.shape, grid.step_mm, strict=True))
    position = (-left, -back, index * grid.step_mm[0] - up)
    image.ImagePositionPatient = [format_number_as_ds(each) for each in position]
    image.SliceLocation = format_number_as_ds(position[2])
    slope = max(float(abs(values).max()) / _STORED_MOST, 1e-6)
    image.RescaleSlope = format_number_as_ds(slope)
    image.PixelData = np.rint(values / np.float32(slope)).astype("<i2").tobytes()
    image["PixelData"].VR = "OW"
    return image


def _header(case: Case, key: str | int) -> Dataset:
    header = Dataset()
    for name, value in _HEADER.items():
        setattr(header, name, value)
    for what in ("Study", "Series"):
        setattr(header, f"{what}InstanceUID", phantom_uid(what.lower(), key))
    header.FrameOfReferenceUID = phantom_uid("frame of reference", key)
    kind = "SHIFTED-" if case.shifted else ""
    header.PatientName, header.PatientID = "Phantom^Metabolism", f"PHANTOM-METABOLISM-{kind}{case.seed}"
    header.PatientSex, header.PatientAge = "MF"[case.seed % 2], f"{round(case.age_years):03d}Y"
    header.PatientWeight = format_number_as_ds(round(case.injection.weight_kg, 1))
    header.PatientSize = "1.7"
    begun = datetime.datetime(2024, 1, 1) + datetime.timedelta(days=case.seed % 366) + _BEGUN
    for moment in ("Study", "Series", "Acquisition", "Content"):
        setattr(header, f"{moment}Date", begun.strftime("%Y%m%d"))
        setattr(header, f"{moment}Time", begun.strftime("%H%M%S"))
    header.ManufacturerModelName = f"Metabolism {'shifted' if case.shifted else 'standard'}"
    header.CorrectedImage = list(_CORRECTED)
    header.ReconstructionMethod = _RECONSTRUCTED[case.scanner.reconstruction]
    header.ActualFrameDuration = str(round(case.scanner.minutes * 60_000))
    slices_mm, rows_mm, columns_mm = case.scanner.grid.step_mm
    header.SliceThickness = format_number_as_ds(slices_mm)
    header.PixelSpacing = [format_number_as_ds(rows_mm), format_number_as_ds(columns_mm)]
    header.RadiopharmaceuticalInformationSequence = [_injected(case, begun)]
    lying = _coded(_RECUMBENT)
    lying.PatientOrientationModifierCodeSequence = [_coded(_SUPINE)]
    header.PatientOrientationCodeSequence = [lying]
    header.PatientGantryRelationshipCodeSequence = [_coded(_HEADFIRST)]
    return header


def _injected(case: Case, begun: datetime.datetime) -> Dataset:
    item = Dataset()
    at = begun - datetime.timedelta(minutes=round(case.injection.minutes))
    item.Radiopharmaceutical, item.RadiopharmaceuticalRoute = "Fluorodeoxyglucose", "Intravenous route"
    item.RadiopharmaceuticalStartTime = at.strftime("%H%M%S")
    item.RadiopharmaceuticalStartDateTime = at.strftime("%Y%m%d%H%M%S")
    item.RadionuclideTotalDose = str(round(case.injection.dose_mbq * 1e6))
    item.RadionuclideHalfLife, item.RadionuclidePositronFraction = str(_HALF_LIFE_S), str(_POSITRONS)
    item.RadionuclideCodeSequence = [_coded(_FLUORINE)]
    item.RadiopharmaceuticalCodeSequence = [_coded(_TRACER)]
    item.AdministrationRouteCodeSequence = [_coded(_INTRAVENOUS)]
    return item


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
