"""A report in, nothing out: Broken with a sentence where it names what is not there, or would not be shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    ChestCADSRStorage,
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    MammographyCADSRStorage,
)

from orthanc_plugin.encode.cad import template
from orthanc_plugin.encode.check import demand
from orthanc_plugin.encode.making import Making

ROOTS = {
    Comprehensive3DSRStorage: ("126000", "1500"),
    ComprehensiveSRStorage: ("126000", "1500"),
    MammographyCADSRStorage: ("111036", "4000"),
    ChestCADSRStorage: ("112000", "4100"),
}
CLASSES = {"comprehensive-3d": Comprehensive3DSRStorage, "comprehensive": ComprehensiveSRStorage}
OF_SPACE = "SCOORD3D"
MEASUREMENT_GROUP, TRACKING_UID, DEVICE_UID = "125007", "112040", "121012"


def report(result: Dataset, outlined: Sequence[Dataset], making: Making) -> None:
    """References resolve and are declared as evidence, and every group has a place on an image.

    `outlined` are the SEGs that are stored with it.
    """
    items = list(_items(result))
    _has_its_root(result, items, making)
    _references_resolve(result, items, outlined, making)
    _contours_inside(result, items, making)
    groups = [item for item in items if _concept(item) == MEASUREMENT_GROUP]
    demand(bool(groups) or result.SOPClassUID not in CLASSES.values(), "The report measures nothing.")
    _groups_have_places(groups)


def _has_its_root(result: Dataset, items: Sequence[Dataset], making: Making) -> None:
    kept = str(result.ContentTemplateSequence[0].TemplateIdentifier) if "ContentTemplateSequence" in result else ""
    demand(
        (_concept(result), kept) == ROOTS.get(result.SOPClassUID),
        "The report's title and template are not those of its class.",
    )
    of = template(making)
    wanted = CLASSES[making.profile.report] if of is None else of.sop_class_uid
    demand(result.SOPClassUID == wanted, "The report is not of the class that the destination takes.")
    if result.SOPClassUID in CLASSES.values():
        demand(any(_concept(item) == DEVICE_UID for item in items), "The report does not say which device observed.")
    if result.SOPClassUID != Comprehensive3DSRStorage:
        demand(
            all(item.get("ValueType") != OF_SPACE for item in items),
            "The report has coordinates in space, which its class does not allow.",
        )


def _references_resolve(result: Dataset, items: Sequence[Dataset], outlined: Sequence[Dataset], making: Making) -> None:
    known = {source.sop_instance_uid for source in making.imaged.sources}
    known |= {str(other.SOPInstanceUID) for other in (*making.beside, *outlined)}
    named = [item.ReferencedSOPSequence[0] for item in items if item.get("ValueType") in ("IMAGE", "COMPOSITE")]
    uids = {str(reference.ReferencedSOPInstanceUID) for reference in named}
    demand(uids <= known, "The report names an image that is neither a source nor a result.")
    demand(uids <= _declared(result), "The report names an image that its evidence leaves out.")
    for reference in named:
        demand(
            not ("ReferencedFrameNumber" in reference and "ReferencedSegmentNumber" in reference),
            "The report names a frame and a segment in one reference.",
        )
    for item in items:
        if "ReferencedContentItemIdentifier" in item:
            demand(_at(result, item) is not None, "The report refers to an item that it does not have.")


def _declared(result: Dataset) -> set[str]:
    return {
        str(instance.ReferencedSOPInstanceUID)
        for keyword in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence")
        for study in result.get(keyword) or []
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }


def _at(result: Dataset, reference: Dataset) -> Dataset | None:
    """The item at a path through the tree, whose first step is the root."""
    path = reference.ReferencedContentItemIdentifier
    item = result
    for step in [path] if isinstance(path, int) else list(path)[1:]:
        below = item.get("ContentSequence") or []
        if not 1 <= step <= len(below):
            return None
        item = below[step - 1]
    return item


def _contours_inside(result: Dataset, items: Sequence[Dataset], making: Making) -> None:
    """Each within the image that it is selected from."""
    imaged = making.imaged
    shapes = {
        (source.sop_instance_uid, source.frame_number): imaged.shape_yx(index)
        for index, source in enumerate(imaged.sources)
    }
    for item in items:
        if item.get("ValueType") != "SCOORD":
            continue
        shape_yx = shapes.get(_selected_from(result, item))
        demand(shape_yx is not None, "A contour of the report lies on no image that the findings lie on.")
        xy = np.asarray(item.GraphicData, np.float64).reshape(-1, 2)
        inside = (xy >= 0).all() and (xy <= (shape_yx or (0, 0))[::-1]).all()
        demand(bool(inside), "A contour of the report leaves its image.")


def _selected_from(result: Dataset, contour: Dataset) -> tuple[str, int | None]:
    for below in contour.get("ContentSequence") or []:
        image = _at(result, below) if "ReferencedContentItemIdentifier" in below else below
        if image is not None and image.get("ValueType") == "IMAGE":
            reference = image.ReferencedSOPSequence[0]
            return str(reference.ReferencedSOPInstanceUID), reference.get("ReferencedFrameNumber")
    return "", None


def _groups_have_places(groups: Sequence[Dataset]) -> None:
    """A viewer that draws a group without coordinates of its own takes those of its tracking identifier, or breaks."""
    tracked = [(_tracking(group), any(item.get("ValueType") == "SCOORD" for item in _items(group))) for group in groups]
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
    for below in item.get("ContentSequence") or []:
        yield below
        yield from _items(below)


def _concept(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeValue) if "ConceptNameCodeSequence" in item else ""
