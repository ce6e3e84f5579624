"""Results in, nothing out: Broken with a sentence where one lies elsewhere than its source, or names what is not there.

No validator sees a segmentation that is mirrored or shifted, so each frame is held against the image that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.stack import ORIENTATION_TOLERANCE
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Findings

# Positions are copied as text; what differs by more was computed from something else.
SAME_PLACE_MM = 1e-3

SCOORD, IMAGE = "SCOORD", "IMAGE"
MEASUREMENT_GROUP, TRACKING_UID = "125007", "112040"


@dataclass(frozen=True)
class Place:
    """Where a frame lies: the centre of its first pixel, its directions, its spacing."""

    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]

    def same(self, other: Place) -> bool:
        return (
            np.allclose(self.position_mm, other.position_mm, rtol=0, atol=SAME_PLACE_MM)
            and np.allclose(self.orientation, other.orientation, rtol=0, atol=ORIENTATION_TOLERANCE)
            and np.allclose(self.spacing_mm, other.spacing_mm, rtol=0, atol=SAME_PLACE_MM)
        )


def segmentation(result: Dataset, findings: Findings, volume: Volume) -> None:
    """Each frame lies where its image lies and holds the mask of its segment there; no frame of a mask is missing."""
    first = volume.headers[0]
    _demand(_series_of(result) == _series_of(first), "The segmentation is of another patient, study or space.")
    _demand((result.Rows, result.Columns) == (first.Rows, first.Columns), "The segmentation has another matrix.")
    slices = {(source.sop_instance_uid, source.frame_number): n for n, source in enumerate(volume.sources)}
    headers = {str(header.SOPInstanceUID): header for header in volume.headers}
    masks = {segment.number: segment.mask_zyx for segment in findings.segments}
    seen: set[tuple[int, int]] = set()
    for number, (groups, pixels) in enumerate(zip(_frame_groups(result), _frames(result), strict=True), start=1):
        named = _only_source(groups, number)
        _demand(named in slices, f"Frame {number} of the segmentation names an image that is not among its sources.")
        place = _source_place(headers[named[0]], named[1])
        _demand(
            _geometry_agrees(volume, slices[named], place),
            f"Slice {slices[named] + 1} of the volume lies elsewhere than its image.",
        )
        _demand(
            _place(result, groups).same(place),
            f"Frame {number} of the segmentation lies elsewhere than the image that it names.",
        )
        segment = int(groups["SegmentIdentificationSequence"][0].ReferencedSegmentNumber)
        _demand(segment in masks, f"Frame {number} of the segmentation is of a segment that was not found.")
        _demand(
            np.array_equal(pixels, masks[segment][slices[named]]),
            f"Frame {number} of the segmentation holds another outline than the model gave for its image.",
        )
        seen.add((segment, slices[named]))
    there = {(segment, int(n)) for segment, mask in masks.items() for n in np.flatnonzero(mask.any(axis=(1, 2)))}
    _demand(seen == there, "The segmentation lacks frames of an outline, or repeats them.")


def _geometry_agrees(volume: Volume, slice_index: int, place: Place) -> bool:
    """The measured geometry is a regular grid, from which a slice may stray a little, but never by half a step."""
    [expected] = volume.geometry.map_indices_to_reference(np.array([[slice_index, 0, 0]]))
    off_mm = float(np.linalg.norm(expected - place.position_mm))
    return off_mm < volume.geometry.spacing_between_slices / 2


def report(result: Dataset, segmentation: Dataset | None, imaged: Imaged) -> None:
    """References resolve and are declared as evidence, and every group has a place on an image."""
    known = {source.sop_instance_uid for source in imaged.sources}
    if segmentation is not None:
        known.add(segmentation.SOPInstanceUID)
    declared = {
        str(instance.ReferencedSOPInstanceUID)
        for study in result.get("CurrentRequestedProcedureEvidenceSequence", [])
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }
    items = list(_items(result))
    named = [item.ReferencedSOPSequence[0] for item in items if item.ValueType == IMAGE]
    uids = {str(reference.ReferencedSOPInstanceUID) for reference in named}
    _demand(uids <= known, "The report names an image that is neither a source nor a result.")
    _demand(uids <= declared, "The report names an image that its evidence leaves out.")
    for reference in named:
        _demand(
            not ("ReferencedFrameNumber" in reference and "ReferencedSegmentNumber" in reference),
            "The report names a frame and a segment in one reference.",
        )
    _contours_inside(items, imaged)
    _groups_have_places([item for item in items if _concept(item) == MEASUREMENT_GROUP])


def capture(result: Dataset, imaged: Imaged) -> None:
    known = {(source.sop_instance_uid, source.frame_number) for source in imaged.sources}
    for item in result.SourceImageSequence:
        named = (str(item.ReferencedSOPInstanceUID), item.get("ReferencedFrameNumber"))
        _demand(named in known, "The picture names an image that is not among its sources.")


def _contours_inside(items: Sequence[Dataset], imaged: Imaged) -> None:
    """Of the largest image; those of one series rarely differ."""
    rows, columns = np.max([imaged.shape_yx(index) for index in range(len(imaged))], axis=0)
    for item in items:
        if item.ValueType == SCOORD:
            xy = np.asarray(item.GraphicData, np.float64).reshape(-1, 2)
            inside = (xy >= 0).all() and (xy <= (columns, rows)).all()
            _demand(bool(inside), "A contour of the report leaves its image.")


def _groups_have_places(groups: Sequence[Dataset]) -> None:
    """A viewer that draws a group without coordinates of its own takes those of its tracking identifier, or breaks."""
    tracked = [(_tracking(group), any(item.ValueType == SCOORD for item in _items(group))) for group in groups]
    placed = {uid for uid, has_place in tracked if has_place}
    _demand(
        all(uid in placed for uid, _ in tracked),
        "A measurement group of the report has no place on an image, nor has another under its tracking identifier.",
    )


def _tracking(group: Dataset) -> str:
    uids = [str(item.UID) for item in group.ContentSequence if _concept(item) == TRACKING_UID]
    _demand(len(uids) == 1, "A measurement group of the report has no tracking identifier.")
    return uids[0]


def _items(item: Dataset) -> Iterator[Dataset]:
    """The content items below, at any depth."""
    for below in item.get("ContentSequence", []):
        yield below
        yield from _items(below)


def _concept(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue) if "ConceptNameCodeSequence" in item else ""


def _series_of(header: Dataset) -> tuple[str, ...]:
    keywords = ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID")
    return tuple(str(header.get(keyword) or "") for keyword in keywords)


def _frame_groups(result: Dataset) -> Iterator[dict[str, Sequence[Dataset]]]:
    """Functional groups by keyword, those of a frame over the shared ones."""
    shared = {element.keyword: element.value for element in result.SharedFunctionalGroupsSequence[0]}
    for item in result.PerFrameFunctionalGroupsSequence:
        yield shared | {element.keyword: element.value for element in item}


def _frames(result: Dataset) -> NDArray[np.bool_]:
    """Binary frames follow one another bit by bit, also within a byte (PS3.5 8.1.1)."""
    shape = (int(result.NumberOfFrames), int(result.Rows), int(result.Columns))
    bits = np.unpackbits(np.frombuffer(result.PixelData, np.uint8), count=int(np.prod(shape)), bitorder="little")
    return bits.reshape(shape).view(np.bool_)


def _only_source(groups: dict[str, Sequence[Dataset]], number: int) -> tuple[str, int | None]:
    images = [
        image
        for derivation in groups.get("DerivationImageSequence", [])
        for image in derivation.get("SourceImageSequence", [])
    ]
    _demand(len(images) == 1, f"Frame {number} of the segmentation does not name one image.")
    frame = images[0].get("ReferencedFrameNumber")
    return str(images[0].ReferencedSOPInstanceUID), None if frame is None else int(frame)


def _source_place(header: Dataset, frame_number: int | None) -> Place:
    if frame_number is None:
        return _as_place(header.ImagePositionPatient, header.ImageOrientationPatient, header.PixelSpacing)
    shared = {element.keyword: element.value for element in header.SharedFunctionalGroupsSequence[0]}
    item = header.PerFrameFunctionalGroupsSequence[frame_number - 1]
    return _place(header, shared | {element.keyword: element.value for element in item})


def _place(image: Dataset, groups: dict[str, Sequence[Dataset]]) -> Place:
    try:
        return _as_place(
            groups["PlanePositionSequence"][0].ImagePositionPatient,
            groups["PlaneOrientationSequence"][0].ImageOrientationPatient,
            groups["PixelMeasuresSequence"][0].PixelSpacing,
        )
    except KeyError as error:
        raise _broken(f"A frame of {image.Modality} does not say where it lies.") from error


def _as_place(position: Sequence[float], orientation: Sequence[float], spacing: Sequence[float]) -> Place:
    return Place(*(tuple(float(value) for value in values) for values in (position, orientation, spacing)))


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _broken(otherwise)


def _broken(sentence: str) -> Broken:
    return Broken(f"{sentence} Nothing was stored; report this as an error of the node.", stage="encode")
