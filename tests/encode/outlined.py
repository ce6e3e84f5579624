"""Outlines, maps and images on any source: a disc and a box as a network would give them, with soft boundaries."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import numpy as np
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    PositronEmissionTomographyImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from orthanc_plugin.deliver.profile import Encoding, Profile
from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Laid, Making
from orthanc_plugin.imaging.image import Imaged, Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import Volume, volume
from orthanc_plugin.measure.findings import DerivedImage, Findings, PlanarFinding, Segment, ValueMap
from orthanc_plugin.measure.planar import Plane
from tests.builders import series
from tests.encode import making
from tests.imaging.radiographs import radiograph

SCAN = series.Scan(rows=40, columns=36)
SAID = (("Disc", codes.SCT.Mass, (220, 40, 40)), ("Box", codes.SCT.Cyst, (40, 90, 220)))


def probabilities(on: Imaged, overlapping: bool = False) -> NDArray[np.float32]:
    """Disc and box (segment, slice, row, column), on all slices but the first; the box is not on the last two."""
    largest = np.max([on.shape_yx(index) for index in range(len(on))], axis=0)
    rows, columns = (int(length) for length in largest)
    y, x = np.ogrid[:rows, :columns]
    disc = np.clip(1.5 - np.hypot((y - rows * 0.4) / (rows * 0.3), (x - columns * 0.3) / (columns * 0.2)), 0, 1)
    box = np.zeros((rows, columns))
    box[rows // 2 : rows - 3, columns // (3 if overlapping else 2) + columns // 8 : columns - 2] = 0.9
    found = np.zeros((2, len(on), rows, columns), np.float32)
    for index in range(min(1, len(on) - 1), len(on)):
        height, width = on.shape_yx(index)
        found[0, index, :height, :width] = disc[:height, :width] * (1 - 0.02 * index)
        if index < max(1, len(on) - 2):
            found[1, index, :height, :width] = box[:height, :width]
    return found


def laid() -> Laid:
    """A CT series of another frame of reference, 3 mm higher and 2 mm further to the left than it says."""
    headers = deepcopy(making.volume().headers)
    for header in headers:
        header.SOPInstanceUID, header.SeriesInstanceUID = f"{header.SOPInstanceUID}.9", f"{header.SeriesInstanceUID}.9"
        header.FrameOfReferenceUID = f"{header.FrameOfReferenceUID}.9"
    matrix = np.eye(4)
    matrix[:3, 3] = (2, 0, 3)
    return Laid(headers, matrix)


def segments(on: Imaged, soft: bool = True, overlapping: bool = False) -> tuple[Segment, ...]:
    identity = Identity.of(on, making.origin())
    found = [
        Segment(
            number=0,
            label=label,
            category=codes.SCT.MorphologicallyAbnormalStructure,
            property=code,
            rgb=rgb,
            tracking_uid=identity.tracking_uid(label),
            mask_zyx=share >= 0.5,
            measurements=(),
            probability_zyx=share,
        )
        for (label, code, rgb), share in zip(SAID, probabilities(on, overlapping), strict=True)
    ]
    there = [segment if soft else replace(segment, probability_zyx=None) for segment in found if segment.mask_zyx.any()]
    return tuple(replace(segment, number=number) for number, segment in enumerate(there, start=1))


def findings(on: Imaged, soft: bool = True, overlapping: bool = False) -> Findings:
    return Findings(segments(on, soft, overlapping), (), len(on) // 2, "", (), ())


def made(on: Imaged, encoding: Encoding = "binary", soft: bool = True, overlapping: bool = False) -> Making:
    profile = Profile().model_copy(update={"segmentations": (encoding,)})
    return Making(findings(on, soft, overlapping), on, making.origin(), profile)


def flat(*datasets: Dataset) -> Images:
    return images(assemble([decode(series.part10(dataset)) for dataset in datasets]))


def projection(number: int = 1, rows: int = 48) -> Dataset:
    """A radiograph for presentation, with all that its class asks for."""
    header = radiograph("DX", number=number)
    header.PresentationIntentType, header.ImageType = "FOR PRESENTATION", ["ORIGINAL", "PRIMARY", ""]
    header.ImageLaterality, header.AnatomicRegionSequence = "U", [CodedConcept("51185008", "SCT", "Chest")]
    header.PixelIntensityRelationship, header.PixelIntensityRelationshipSign = "LOG", -1
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = 0, 1, "US"
    header.PresentationLUTShape, header.LossyImageCompression, header.BurnedInAnnotation = "IDENTITY", "00", "NO"
    header.DetectorType, header.AcquisitionContextSequence = "DIRECT", []
    header.WindowCenter, header.WindowWidth = 100, 200
    header.Rows, header.PixelData = rows, header.PixelData[: rows * header.Columns]
    return header


def mammogram(number: int = 1, rows: int = 48) -> Dataset:
    header = projection(number, rows)
    header.SOPClassUID, header.Modality = DigitalMammographyXRayImageStorageForPresentation, "MG"
    header.BodyPartExamined, header.ImageLaterality = "BREAST", "L" if number % 2 else "R"
    header.PositionerType, header.OrganExposed = "MAMMOGRAPHIC", "BREAST"
    header.AnatomicRegionSequence = [CodedConcept("76752008", "SCT", "Breast")]
    header.ViewCodeSequence = [CodedConcept("399162004", "SCT", "cranio-caudal")]
    header.ViewCodeSequence[0].ViewModifierCodeSequence = []
    header.BreastImplantPresent, header.PartialView = "NO", "NO"
    return header


def film(frames: int = 5) -> Dataset:
    """Ultrasound in colour, several frames in one instance."""
    header = radiograph("US", colour=True)
    header.SOPClassUID, header.NumberOfFrames = UltrasoundMultiFrameImageStorage, frames
    header.PixelData = header.PixelData * frames
    header.FrameTime, header.FrameIncrementPointer = 40, 0x00181063
    return header


FLAT = {
    "CR": lambda: flat(radiograph("CR")),
    "DX": lambda: flat(projection()),
    "MG of two sizes": lambda: flat(mammogram(1), mammogram(2, rows=40)),
    "US in colour": lambda: flat(radiograph("US", colour=True)),
    "US film in colour": lambda: flat(film()),
    "US of a retired class": lambda: flat(of_class("1.2.840.10008.5.1.4.1.1.6")),
}


def of_class(sop_class_uid: str) -> Dataset:
    dataset = radiograph("US", colour=True)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class_uid
    return dataset


def oblique_mr() -> Volume:
    return volume_of(series.slices(replace(SCAN, modality="MR", orientation=series.OBLIQUE, name="oblique MR")))


def pet() -> Volume:
    """As scanners write it, with what its class asks for."""
    datasets = series.slices(replace(SCAN, modality="PT", name="PET", intercept=0.0))
    for number, dataset in enumerate(datasets, start=1):
        dataset.SOPClassUID = PositronEmissionTomographyImageStorage
        dataset.Units, dataset.CountsSource, dataset.SeriesType = "BQML", "EMISSION", ["WHOLE BODY", "IMAGE"]
        dataset.NumberOfSlices, dataset.ImageIndex, dataset.DecayCorrection = len(datasets), number, "START"
        dataset.CorrectedImage, dataset.CollimatorType = ["DECY", "ATTN"], "NONE"
        dataset.ActualFrameDuration, dataset.FrameReferenceTime, dataset.DecayFactor = 60000, 0, 1
        dataset.SeriesDate, dataset.SeriesTime = "20260102", "030405"
        dataset.AcquisitionDate, dataset.AcquisitionTime = "20260102", "030405"
        dataset.RadiopharmaceuticalInformationSequence, dataset.PatientOrientationCodeSequence = [], []
        dataset.PatientGantryRelationshipCodeSequence = []
        del dataset.PatientPosition
    return volume_of(datasets)


def in_two_parts() -> Volume:
    """Two multi-frame instances that lie one on the other."""
    lower = replace(SCAN, slices=3, name="parts")
    upper = replace(lower, origin_mm=(-40.0, -60.0, 115.0))
    parts = [series.enhanced(lower), series.enhanced(upper)]
    parts[1].SOPInstanceUID = lower.uid("upper")
    return volume_of(parts)


def volume_of(datasets: list[Dataset]) -> Volume:
    return volume(assemble([decode(series.part10(dataset)) for dataset in datasets]))


def value_map(on: Imaged, slices: tuple[int, ...]) -> ValueMap:
    values = probabilities(on)[0]
    return ValueMap("Attention to a mass", codes.DCM.ClassActivation, codes.UCUM.NoUnits, slices, values[list(slices)])


def everything(on: Imaged) -> Findings:
    """All that a model can give: outlines with their contours, a map, an image, slices worth opening."""
    found = findings(on)
    return replace(
        found,
        planar=tuple(contours(on, found.segments)),
        maps=(value_map(on, (len(on) - 1,)),),
        images=(DerivedImage("Smoothed", codes.DCM.Smoothing, 200 * probabilities(on)[0]),),
        worth_opening=(found.key_slice,),
    )


def contours(on: Imaged, segments: tuple[Segment, ...]) -> Iterator[PlanarFinding]:
    """In a volume on the slice of the largest area, on single images on each."""
    identity = Identity.of(on, making.origin())
    for segment in segments:
        areas = segment.mask_zyx.sum(axis=(1, 2))
        for index in [int(areas.argmax())] if isinstance(on, Volume) else np.flatnonzero(areas):
            rows, columns = on.shape_yx(int(index))
            plane = Plane(segment.mask_zyx[index, :rows, :columns], making.SPACING_MM)
            each = None if isinstance(on, Volume) else identity.tracking_uid(f"{segment.label} {index}")
            yield plane.finding(segment.number, int(index), measured=True, tracking_uid=each)


def upward(on: Volume) -> bool:
    """Whether its slices go along the normal, as those of what arrives do; those of `making` go against it."""
    first, last = on.geometry.map_indices_to_reference(np.array([[0, 0, 0], [len(on) - 1, 0, 0]]))
    row, column = np.reshape(on.geometry.get_plane_orientation()[0].ImageOrientationPatient, (2, 3)).astype(float)
    return bool((last - first) @ np.cross(row, column) > 0)
