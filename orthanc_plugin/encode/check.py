"""Results in, nothing out: Broken with a sentence where one names what is not there, or would not be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged

SCOORD, IMAGE = "SCOORD", "IMAGE"
MEASUREMENT_GROUP, TRACKING_UID = "125007", "112040"


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
    demand(uids <= known, "The report names an image that is neither a source nor a result.")
    demand(uids <= declared, "The report names an image that its evidence leaves out.")
    for reference in named:
        demand(
            not ("ReferencedFrameNumber" in reference and "ReferencedSegmentNumber" in reference),
            "The report names a frame and a segment in one reference.",
        )
    _contours_inside(items, imaged)
    _groups_have_places([item for item in items if _concept(item) == MEASUREMENT_GROUP])


def capture(result: Dataset, imaged: Imaged) -> None:
    known = {(source.sop_instance_uid, source.frame_number) for source in imaged.sources}
    for item in result.SourceImageSequence:
        named = (str(item.ReferencedSOPInstanceUID), item.get("ReferencedFrameNumber"))
        demand(named in known, "The picture names an image that is not among its sources.")


def _contours_inside(items: Sequence[Dataset], imaged: Imaged) -> None:
    """Of the largest image; those of one series rarely differ."""
    rows, columns = np.max([imaged.shape_yx(index) for index in range(len(imaged))], axis=0)
    for item in items:
        if item.ValueType == SCOORD:
            xy = np.asarray(item.GraphicData, np.float64).reshape(-1, 2)
            inside = (xy >= 0).all() and (xy <= (columns, rows)).all()
            demand(bool(inside), "A contour of the report leaves its image.")


def _groups_have_places(groups: Sequence[Dataset]) -> None:
    """A viewer that draws a group without coordinates of its own takes those of its tracking identifier, or breaks."""
    tracked = [(_tracking(group), any(item.ValueType == SCOORD for item in _items(group))) for group in groups]
    placed = {uid for uid, has_place in tracked if has_place}
    demand(
        all(uid in placed for uid, _ in tracked),
        "A measurement group of the report has no place on an image, nor has another under its tracking identifier.",
    )


def _tracking(group: Dataset) -> str:
    uids = [str(item.UID) for item in group.ContentSequence if _concept(item) == TRACKING_UID]
    demand(len(uids) == 1, "A measurement group of the report has no tracking identifier.")
    return uids[0]


def _items(item: Dataset) -> Iterator[Dataset]:
    """The content items below, at any depth."""
    for below in item.get("ContentSequence", []):
        yield below
        yield from _items(below)


def _concept(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue) if "ConceptNameCodeSequence" in item else ""


def demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise broken(otherwise)


def broken(sentence: str) -> Broken:
    return Broken(f"{sentence} Nothing was stored; report this as an error of the node.", stage="encode")
