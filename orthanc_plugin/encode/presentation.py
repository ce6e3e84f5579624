"""A making in, presentation states out: its outlines as contours on the source's images, for viewers without SEG."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache

import numpy as np
from highdicom.color import CIELabColor
from highdicom.content import ReferencedImageSequence
from highdicom.pr import (
    ColorSoftcopyPresentationState,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GrayscaleSoftcopyPresentationState,
)
from PIL import ImageCms
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, TM

from orthanc_plugin.encode.context import LO_LENGTH, altered, moment, series_attributes, settle, state_side
from orthanc_plugin.encode.display import Display, display, voi_items
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.view import header_of
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.measure.contour import contours
from orthanc_plugin.measure.findings import Segment

# One state holds for images of one matrix and one meaning of values. Of a series whose slices differ in these so many
# are made, for the slices with most of what was found.
STATES_MOST = 12
# On one slice of one segment; of what is speckled the largest parts and holes are drawn, the SEG has all.
LINES_MOST = 64
# What a state says of its own of how images are shown; highdicom would copy it from images that all say the same.
SHOWN = (
    *("RescaleSlope", "RescaleIntercept", "RescaleType", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction", "VOILUTSequence"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
)

log = logging.getLogger(__name__)


def presentation_states(making: Making) -> list[Dataset]:
    """None where nothing was outlined; the first is the one that the key slice would look for."""
    return [_state(making, shown, slices, number) for number, (shown, slices) in enumerate(_groups(making), start=1)]


def _groups(making: Making) -> list[tuple[Display, list[int]]]:
    """Outlined slices that are shown alike, those with most of what was found first."""
    outlined = np.sum([segment.mask_zyx.sum(axis=(1, 2)) for segment in making.findings.segments], axis=0)
    groups: dict[Display, list[int]] = {}
    found = [int(index) for index in np.flatnonzero(outlined)]
    named = [index for index in found if _nameable(making.imaged, index)]
    _left_out(making, len(found) - len(named), "their class has no frames that could be named")
    for index in named:
        groups.setdefault(display(making.imaged, index), []).append(index)
    by_size = sorted(groups.items(), key=lambda group: -int(outlined[group[1]].sum()))
    beyond = sum(len(slices) for _, slices in by_size[STATES_MOST:])
    _left_out(making, beyond, f"more than {STATES_MOST} states would be needed, so differently are they shown")
    return by_size[:STATES_MOST]


def _nameable(imaged: Imaged, index: int) -> bool:
    """Of several frames of a class that has none, no state can say which one it means."""
    frame = imaged.sources[index].frame_number
    try:
        ReferencedImageSequence([header_of(imaged, index)], referenced_frame_number=frame)
    except TypeError:
        return False
    return True


def _left_out(making: Making, count: int, why: str) -> None:
    if count:
        log.warning(
            "%s: %d images are without contours in presentation states, since %s", making.origin.name, count, why
        )


def _state(making: Making, shown: Display, slices: list[int], number: int) -> Dataset:
    layers = {segment.number: _layer(segment) for segment in making.findings.segments}
    attributes = series_attributes("PR", making.header, making.identity, making.origin)
    del attributes["content_date"], attributes["content_time"]  # it has a date of its own instead
    if number > 1:
        attributes["sop_instance_uid"] = making.identity.instance_uid(f"PR {number}")
    attributes |= {
        # One stands for all: highdicom takes no second multi-frame image. Those that are meant are named below.
        "referenced_images": [_example(making, slices[0])],
        "instance_number": number,
        "content_label": "OUTLINES",
        "content_description": making.origin.notice[:LO_LENGTH] or None,
        "graphic_layers": list(layers.values()),
    }
    if shown.colour:
        result: Dataset = ColorSoftcopyPresentationState(**attributes, icc_profile=_icc_profile(making, slices[0]))
    else:
        result = GrayscaleSoftcopyPresentationState(**attributes)
        _transform(result, making.imaged, shown, slices)
    result.ReferencedSeriesSequence[0].ReferencedImageSequence = _references(making.imaged, slices)
    result.GraphicAnnotationSequence = list(_annotations(making, slices, layers))
    _display_whole(result, making.imaged, slices)
    made_at = moment(making.header, making.origin)
    result.PresentationCreationDate, result.PresentationCreationTime = DA(made_at.date()), TM(made_at.time())
    settle(result, making.header, making.imaged, making.origin)
    state_side(result, making.header)
    return result


def _example(making: Making, index: int) -> Dataset:
    """Of the size and kind of that image, in the context of all our results, and without how it is shown."""
    own = header_of(making.imaged, index)
    size = {keyword: own[keyword].value for keyword in ("Rows", "Columns", "SamplesPerPixel")}
    bare = altered(making.header, **size, **dict.fromkeys(SHOWN))
    for keyword in SHOWN:
        del bare[keyword]
    bare.SharedFunctionalGroupsSequence, bare.PerFrameFunctionalGroupsSequence = [Dataset()], []
    return bare


def _layer(segment: Segment) -> GraphicLayer:
    return GraphicLayer(
        layer_name=f"SEGMENT {segment.number}",
        order=segment.number,
        description=segment.label[:LO_LENGTH],
        display_color=CIELabColor.from_rgb(*segment.rgb),
    )


def _annotations(making: Making, slices: list[int], layers: dict[int, GraphicLayer]) -> Iterator[GraphicAnnotation]:
    for index in slices:
        source = making.imaged.sources[index]
        rows, columns = making.imaged.shape_yx(index)
        for segment in making.findings.segments:
            mask_yx = segment.mask_zyx[index, :rows, :columns]
            if mask_yx.any():
                yield GraphicAnnotation(
                    referenced_images=[header_of(making.imaged, index)],
                    referenced_frame_number=source.frame_number,
                    graphic_layer=layers[segment.number],
                    graphic_objects=[_line(points, segment) for points in contours(mask_yx)[:LINES_MOST]],
                )


def _line(points_xy: np.ndarray, segment: Segment) -> GraphicObject:
    """Points are as in SCOORD: the upper left corner of the image is 0\\0 (PS3.3 C.10.5)."""
    return GraphicObject(
        graphic_type="POLYLINE",
        graphic_data=points_xy,
        units="PIXEL",
        tracking_id=segment.label[:LO_LENGTH],
        tracking_uid=segment.tracking_uid,
    )


def _transform(result: Dataset, imaged: Imaged, shown: Display, slices: list[int]) -> None:
    """From stored values to grey as the source has it."""
    if shown.slope:
        result.RescaleSlope, result.RescaleIntercept = shown.slope, shown.intercept
        result.RescaleType = shown.rescale_type
    result.PresentationLUTShape = shown.shape
    items = voi_items(imaged, slices)
    for item, its_slices in items:
        if len(its_slices) < len(slices):
            item.ReferencedImageSequence = _references(imaged, its_slices)
    if items:
        result.SoftcopyVOILUTSequence = [item for item, _ in items]


def _references(imaged: Imaged, slices: list[int]) -> list[Dataset]:
    items: dict[str, Dataset] = {}
    for index in slices:
        source = imaged.sources[index]
        item = items.setdefault(source.sop_instance_uid, Dataset())
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.sop_class_uid, source.sop_instance_uid
        if source.frame_number is not None:
            item.ReferencedFrameNumber = [*_numbers(item), source.frame_number]
    return list(items.values())


def _numbers(item: Dataset) -> list[int]:
    stated = item.get("ReferencedFrameNumber", [])
    return [stated] if isinstance(stated, int) else list(stated)


def _display_whole(result: Dataset, imaged: Imaged, slices: list[int]) -> None:
    """In the proportions of its pixels; highdicom takes them for square."""
    [area] = result.DisplayedAreaSelectionSequence
    del area.PixelOriginInterpretation  # for whole-slide images alone
    pixel_mm = imaged.pixel_mm(slices[0])
    if pixel_mm is not None:
        del area.PresentationPixelAspectRatio
        area.PresentationPixelSpacing = [f"{each:.6g}" for each in pixel_mm]


def _icc_profile(making: Making, index: int) -> bytes:
    """The source's own; for want of one its colours are taken for what screens show."""
    stated: bytes = header_of(making.imaged, index).get("ICCProfile") or _srgb()
    return stated


@cache
def _srgb() -> bytes:
    """As a colour space, which DICOM asks for (PS3.3 C.11.15), and without the moment at which it was made."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[:12] + b"spac" + made[16:24] + bytes.fromhex("07e8 0001 0001 0000 0000 0000") + made[36:]
