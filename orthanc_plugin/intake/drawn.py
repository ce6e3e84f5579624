"""Structured reports of a study in, the newest region that somebody drew on one of its images out, as parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.imaging.header import DAMAGED, integer, text
from orthanc_plugin.imaging.parenchyma import Box
from orthanc_plugin.imaging.roi import LEAST_PX, ROI, ROI_FRAME, ROI_INSTANCE
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.jobs.job import Parameter
from orthanc_plugin.routing.results import MADE_BY, result_kind

REPORT = "structured report or key object selection"
# Of a circle the middle and a point on it, of an ellipse the ends of its axes (PS3.3 C.18.6.1).
AREAS = ("POLYLINE", "CIRCLE", "ELLIPSE")


@dataclass(frozen=True)
class Drawn:
    """A rectangle around what was drawn on an instance, or on one of its frames."""

    box: Box
    sop_instance_uid: str
    frame: int | None

    def lies_on(self, image: OneImage) -> bool:
        same_frame = image.frame is None or self.frame in (None, image.frame)
        return self.sop_instance_uid == image.sop_instance_uid and same_frame

    @property
    def parameters(self) -> tuple[tuple[str, Parameter], ...]:
        box = self.box
        named: list[tuple[str, Parameter]] = [
            (ROI, f"{box.left},{box.top},{box.width},{box.height}"),
            (ROI_INSTANCE, self.sop_instance_uid),
        ]
        return (*named, (ROI_FRAME, self.frame)) if self.frame is not None else tuple(named)


def drawn_on(orthanc: Orthanc, series_uid: str, largest_px: int) -> Drawn | None:
    """The last region of the newest report that no node made; `largest_px` is the side of the square that is wanted."""
    found = orthanc.find_series(series_uid)
    if not found:
        return None
    images = {each.sop_instance_uid for each in orthanc.stored(found[0].id)}
    study_uid = str(orthanc.header(found[0].instance_ids[0]).get("StudyInstanceUID") or "")
    drawn = [
        (when, region)
        for report in _reports(orthanc, study_uid)
        for when, region in [(_when(report), region_of(report, images, largest_px))]
        if region is not None
    ]
    return max(drawn, key=lambda each: each[0])[1] if drawn else None


def _reports(orthanc: Orthanc, study_uid: str) -> Iterator[Dataset]:
    for series in orthanc.series_of_study(study_uid):
        if result_kind(orthanc.header(series.instance_ids[0])) not in (REPORT, "structured report"):
            continue
        for instance_id in series.instance_ids:
            try:
                report = pydicom.dcmread(BytesIO(orthanc.file(instance_id)))
            except DAMAGED:
                continue
            if not _by_a_node(report):
                yield report


def _by_a_node(report: Dataset) -> bool:
    contributors = report.get("ContributingEquipmentSequence") or []
    return any(text(item, "Manufacturer") == MADE_BY for item in (report, *contributors))


def _when(report: Dataset) -> tuple[str, str]:
    return text(report, "ContentDate"), text(report, "ContentTime")


def region_of(report: Dataset, images: Collection[str], largest_px: int) -> Drawn | None:
    """The last of a report that is large enough and lies on one of the images."""
    found = [each for each in _areas(report, largest_px) if each.sop_instance_uid in images]
    return found[-1] if found else None


def _areas(item: Dataset, largest_px: int) -> Iterator[Drawn]:
    for below in item.get("ContentSequence") or []:
        if text(below, "ValueType") == "SCOORD" and text(below, "GraphicType") in AREAS:
            box = _box(below, largest_px)
            reference = _selected_from(below)
            if box is not None and reference is not None:
                uid, frame = text(reference, "ReferencedSOPInstanceUID"), integer(reference, "ReferencedFrameNumber")
                yield Drawn(box, uid, frame)
        yield from _areas(below, largest_px)


def _selected_from(area: Dataset) -> Dataset | None:
    for below in area.get("ContentSequence") or []:
        if text(below, "ValueType") == "IMAGE" and below.get("ReferencedSOPSequence"):
            reference: Dataset = below.ReferencedSOPSequence[0]
            return reference
    return None


def _box(area: Dataset, largest_px: int) -> Box | None:
    """The square in the middle of what was drawn, smaller where that is; None for a line or a speck."""
    try:
        points_xy = np.asarray(area.GraphicData, np.float64).reshape(-1, 2)
    except DAMAGED:
        return None
    if text(area, "GraphicType") == "CIRCLE" and len(points_xy) == 2:
        points_xy = points_xy[0] + np.array([-1.0, 1.0])[:, None] * float(np.linalg.norm(points_xy[1] - points_xy[0]))
    if len(points_xy) < 2 or not np.isfinite(points_xy).all():
        return None
    left, top, right, bottom = _square(np.rint(points_xy.min(axis=0)), np.rint(points_xy.max(axis=0)), largest_px)
    if min(right - left, bottom - top) < LEAST_PX or min(left, top) < 0:
        return None
    return Box(left, top, right - left, bottom - top)


def _square(least_xy: NDArray[np.float64], most_xy: NDArray[np.float64], largest_px: int) -> tuple[int, int, int, int]:
    size = np.minimum(most_xy - least_xy, largest_px).astype(int)
    first = np.rint((least_xy + most_xy - size) / 2).astype(int)
    return int(first[0]), int(first[1]), int(first[0] + size[0]), int(first[1] + size[1])
