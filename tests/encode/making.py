"""A tiny abdomen as a volume with headers as scanners write them, and findings on it: axial, oblique, multi-frame."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

from orthanc_plugin.encode.identity import Identity, Origin
from orthanc_plugin.imaging.volume import SourceSlice, Volume
from orthanc_plugin.measure import body_composition
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.measure.level import Level
from orthanc_plugin.routing.card import Card

MODEL = Path(__file__).resolve().parents[2] / "onnx_models" / "abdominal-muscle-ct"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
# Rows tipped by 30 degrees about the left-right axis, columns turned by 20 degrees in the plane.
_turn, _tip = np.deg2rad(20), np.deg2rad(30)
OBLIQUE = tuple(
    float(round(cosine, 9))
    for cosine in (
        *(np.cos(_turn), np.sin(_turn) * np.cos(_tip), np.sin(_turn) * np.sin(_tip)),
        *(-np.sin(_turn), np.cos(_turn) * np.cos(_tip), np.cos(_turn) * np.sin(_tip)),
    )
)
SPACING_MM = (1.25, 0.75)
BETWEEN_MM = 3.0
FRAME_OF_REFERENCE = "1.2.826.0.1.3680043.8.498.1.7"


def geometry(shape_zyx: tuple[int, int, int], orientation: tuple[float, ...] = AXIAL) -> hd.VolumeGeometry:
    return hd.VolumeGeometry.from_attributes(
        image_position=(-60.5, -80.25, 1000.0),
        image_orientation=orientation,
        rows=shape_zyx[1],
        columns=shape_zyx[2],
        pixel_spacing=SPACING_MM,
        spacing_between_slices=BETWEEN_MM,
        number_of_frames=shape_zyx[0],
        coordinate_system="PATIENT",
        frame_of_reference_uid=FRAME_OF_REFERENCE,
    )


def masks(shape_zyx: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Muscle, visceral and subcutaneous fat: rings in an ellipse that narrows towards the head, lopsided in x and y."""
    slices, rows, columns = shape_zyx
    z, y, x = np.ogrid[:slices, :rows, :columns]
    size = 1 - 0.25 * z / max(slices - 1, 1)
    across = np.hypot((y - rows * 0.48) / (rows * 0.40), (x - columns * 0.53) / (columns * 0.42)) / size
    notch = (x > columns * 0.70) & (y < rows * 0.30)
    subcutaneous = (across <= 1) & (across > 0.8) & ~notch
    muscle = (across <= 0.8) & (across > 0.6)
    visceral = (across <= 0.5) & ((x // 4 + y // 6) % 3 == 0)
    return np.stack([muscle, visceral, subcutaneous])


def voxels_hu(masks_szyx: NDArray[np.bool_]) -> NDArray[np.float32]:
    muscle, visceral, subcutaneous = masks_szyx
    hu = np.full(muscle.shape, -1000, np.float32)
    rows, columns = muscle.shape[1:]
    y, x = np.ogrid[:rows, :columns]
    inside = np.hypot((y - rows * 0.48) / (rows * 0.40), (x - columns * 0.53) / (columns * 0.42)) <= 0.6
    hu[:, inside] = 30
    hu[muscle], hu[visceral], hu[subcutaneous] = 50, -100, -105
    return hu


def volume(
    shape_zyx: tuple[int, int, int] = (6, 64, 80),
    orientation: tuple[float, ...] = AXIAL,
    character_set: str | list[str] = "ISO_IR 100",
    patient_name: str = "Müller^Jürgen",
) -> Volume:
    """Single-frame CT; its headers went through bytes, as everything that arrives does."""
    place = geometry(shape_zyx, orientation)
    headers = []
    for index in range(shape_zyx[0]):
        header = _patient(character_set, patient_name)
        header.SOPClassUID = CTImageStorage
        header.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.2.{index + 1}"
        header.InstanceNumber = shape_zyx[0] - index
        header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        header.ImagePositionPatient = [f"{x:.9g}" for x in place.map_indices_to_reference(np.array([[index, 0, 0]]))[0]]
        header.ImageOrientationPatient = [f"{cosine:.9g}" for cosine in orientation]
        header.PixelSpacing = list(SPACING_MM)
        header.SliceThickness = BETWEEN_MM
        header.Rows, header.Columns = shape_zyx[1:]
        header.KVP, header.AcquisitionNumber = 120, 1
        _ct_pixels(header)
        headers.append(_through_bytes(header))
    sources = tuple(SourceSlice(CTImageStorage, str(header.SOPInstanceUID), None) for header in headers)
    return _volume(shape_zyx, place, sources, tuple(headers))


def enhanced_volume(
    shape_zyx: tuple[int, int, int] = (6, 64, 80), orientation: tuple[float, ...] = AXIAL, shared: bool = True
) -> Volume:
    """One multi-frame CT whose frames lie in no order; without `shared` every frame repeats orientation and spacing."""
    place = geometry(shape_zyx, orientation)
    header = _patient("ISO_IR 100", "Müller^Jürgen")
    header.SOPClassUID, header.SOPInstanceUID = EnhancedCTImageStorage, "1.2.826.0.1.3680043.8.498.3.1"
    header.InstanceNumber, header.NumberOfFrames = 1, shape_zyx[0]
    header.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    header.Rows, header.Columns = shape_zyx[1:]
    _ct_pixels(header)
    frame_of_slice = list(range(shape_zyx[0] - 1, -1, -2)) + list(range(shape_zyx[0] - 2, -1, -2))
    frames: list[Dataset] = [Dataset() for _ in frame_of_slice]
    for index, frame in enumerate(frame_of_slice):
        position = Dataset()
        position.ImagePositionPatient = [
            f"{x:.9g}" for x in place.map_indices_to_reference(np.array([[index, 0, 0]]))[0]
        ]
        frames[frame].PlanePositionSequence = [position]
    orientation_item, measures = Dataset(), Dataset()
    orientation_item.ImageOrientationPatient = [f"{cosine:.9g}" for cosine in orientation]
    measures.PixelSpacing, measures.SliceThickness = list(SPACING_MM), BETWEEN_MM
    for item in [common := Dataset()] if shared else frames:
        item.PlaneOrientationSequence = [orientation_item]
        item.PixelMeasuresSequence = [measures]
    header.SharedFunctionalGroupsSequence = [common if shared else Dataset()]
    header.PerFrameFunctionalGroupsSequence = frames
    header = _through_bytes(header)
    sources = tuple(SourceSlice(EnhancedCTImageStorage, header.SOPInstanceUID, frame + 1) for frame in frame_of_slice)
    return _volume(shape_zyx, place, sources, (header,))


def card() -> Card:
    return Card.model_validate_json((MODEL / "card.json").read_bytes())


def origin() -> Origin:
    described = card()
    return Origin(
        name=described.name,
        title=described.title,
        version=described.version,
        digest="5f" * 32,
        notice=described.notice,
        clinical_use=described.clinical_use,
        parameters=(),
        provider="cpu",
        created_at=datetime(2026, 2, 3, 14, 5, 6, tzinfo=UTC),
        software_version="0.1.0",
    )


def findings(
    on: Volume, masks_szyx: NDArray[np.bool_] | None = None, level: Level | None = None, height_m: float | None = 1.75
) -> Findings:
    described = card()
    identity = Identity.of(on, origin())
    found = masks(on.voxels_zyx.shape) if masks_szyx is None else masks_szyx
    at = Level(len(on.voxels_zyx) // 2, 4.0, "") if level is None else level
    uids = [identity.tracking_uid(segment.label) for segment in described.segments]
    return body_composition.findings(described, on, found, at, height_m, uids)


def written(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def read_back(dataset: Dataset) -> Dataset:
    return dcmread(BytesIO(written(dataset)))


def _volume(
    shape_zyx: tuple[int, int, int],
    place: hd.VolumeGeometry,
    sources: tuple[SourceSlice, ...],
    headers: tuple[Dataset, ...],
) -> Volume:
    return Volume(
        voxels_zyx=voxels_hu(masks(shape_zyx)),
        geometry=place,
        sources=sources,
        headers=headers,
        pixel_digests=tuple(f"{index:064x}" for index in range(len(headers))),
        cautions=(),
    )


def _patient(character_set: str | list[str], patient_name: str) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = character_set
    header.PatientName, header.PatientID = patient_name, "P-17"
    header.PatientBirthDate, header.PatientSex, header.PatientSize = "19610102", "M", 1.75
    header.StudyInstanceUID, header.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.4.1", "1.2.826.0.1.3680043.8.498.4.2"
    header.StudyDate, header.StudyTime, header.StudyID = "20260102", "101500", "S1"
    header.SeriesDate, header.SeriesTime = "20260102", "101600"
    header.AcquisitionDate, header.AcquisitionTime = "20260102", "101700"
    header.ContentDate, header.ContentTime = "20260102", "101700"
    header.AccessionNumber, header.ReferringPhysicianName = "A-9", ""
    header.StudyDescription, header.SeriesDescription, header.SeriesNumber = "CT Abdomen", "Portal venous", 3
    header.Modality, header.BodyPartExamined, header.PatientPosition = "CT", "ABDOMEN", "HFS"
    header.Manufacturer, header.ManufacturerModelName = "Scanner works", "S 64"
    header.FrameOfReferenceUID, header.PositionReferenceIndicator = FRAME_OF_REFERENCE, ""
    procedure = Dataset()
    procedure.CodeValue, procedure.CodingSchemeDesignator, procedure.CodeMeaning = "CT1", "99HOSPITAL", "CT Bauchraum"
    header.ProcedureCodeSequence = [procedure]
    return header


def _ct_pixels(header: Dataset) -> None:
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, 1
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = 0, 1, "HU"


def _through_bytes(header: Dataset) -> Dataset:
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    return read_back(header)
