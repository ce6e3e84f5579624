"""Findings in, their outlines as SEGs on the source's own frames out: binary, as label map, or with soft boundaries."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from orthanc_plugin.deliver.profile import Encoding
from orthanc_plugin.encode.context import LO_LENGTH, coding_schemes, series_attributes, settle
from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.sources import Sources, name_frames, sources, without_place
from orthanc_plugin.measure.findings import Segment

MOST = 255
"""What a fractional SEG stores for a probability of one."""

log = logging.getLogger(__name__)


def segmentations(making: Making) -> tuple[Dataset, ...]:
    """One for a volume, one for each instance of single images that holds an outline; viewers take one a series."""
    if not making.findings.segments:
        return ()
    encoding = _encoding(making)
    found = ((on, outlined(making, on)) for on in sources(making))
    return tuple(_segmentation(making, on, segments, encoding) for on, segments in found if segments)


def outlined(making: Making, on: Sources) -> tuple[Segment, ...]:
    """The segments that are there; what is not there is not described, since viewers stumble over empty segments."""
    return tuple(segment for segment in making.findings.segments if on.of(segment.mask_zyx).any())


def stored(segments: Sequence[Segment], on: Sources, encoding: Encoding) -> NDArray[np.generic]:
    """What highdicom is given: (frame, row, column, segment), of label maps (frame, row, column)."""
    if encoding == "labelmap":
        of_type = np.uint8 if len(segments) <= np.iinfo(np.uint8).max else np.uint16
        labels = np.zeros((len(on.indices), *on.shape_yx), of_type)
        for number, segment in enumerate(segments, start=1):
            labels[on.of(segment.mask_zyx)] = number
        return labels
    if encoding == "fractional":
        return np.moveaxis(np.stack([_probability(segment, on) for segment in segments]), 0, -1)
    return np.moveaxis(np.stack([on.of(segment.mask_zyx) for segment in segments]), 0, -1)


def _segmentation(making: Making, on: Sources, segments: Sequence[Segment], encoding: Encoding) -> Dataset:
    origin, identity = making.origin, making.identity
    result = Segmentation(
        source_images=on.images,
        pixel_array=stored(segments, on, encoding),
        segmentation_type=hd.seg.SegmentationTypeValues(encoding.upper()),
        max_fractional_value=MOST,
        segment_descriptions=[_description(number, each, origin) for number, each in enumerate(segments, start=1)],
        content_label="SEGMENTATION",
        content_description=origin.notice[:LO_LENGTH] or None,
        coding_schemes=coding_schemes(),
        **series_attributes("SEG", on.header, identity, origin, on.part),
    )
    dimensions = identity.dimension_organization_uid(f"SEG {on.part}" if on.part else "SEG")
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    if encoding == "labelmap":
        # The background is a segment like others by the standard, but viewers count colours from the first item on.
        background, *described = result.SegmentSequence
        result.SegmentSequence = [*described, background]
    name_frames(result, on)
    if not on.placed:
        without_place(result, on)
    settle(result, on.header, making.imaged, origin)
    return result


def _encoding(making: Making) -> Encoding:
    """What the destination takes, the card's preference first, as far as the outlines can be written so."""
    profile, segments = making.profile, making.findings.segments
    wanted = profile.segmentation(making.findings.encoding)
    for encoding in dict.fromkeys((wanted, *profile.segmentations)):
        why_not = _hindrance(encoding, segments)
        if not why_not:
            return encoding
        log.warning("%s: no %s segmentation, since %s", making.origin.name, encoding, why_not)
    return "binary"


def _hindrance(encoding: Encoding, segments: Sequence[Segment]) -> str:
    if encoding == "labelmap" and _overlap(segments):
        return "outlines overlap, and a label map holds one at each place"
    if encoding == "fractional" and all(segment.probability_zyx is None for segment in segments):
        return "the model gave outlines without probabilities"
    return ""


def _overlap(segments: Sequence[Segment]) -> bool:
    covered = np.zeros_like(segments[0].mask_zyx)
    for segment in segments:
        if (covered & segment.mask_zyx).any():
            return True
        covered |= segment.mask_zyx
    return False


def _probability(segment: Segment, on: Sources) -> NDArray[np.float32]:
    """An outline that came without probabilities is certain."""
    values = segment.mask_zyx if segment.probability_zyx is None else segment.probability_zyx
    return np.asarray(on.of(values), np.float32)


def _description(number: int, segment: Segment, origin: Origin) -> SegmentDescription:
    algorithm = hd.AlgorithmIdentificationSequence(
        name=origin.name[:LO_LENGTH],
        family=codes.DCM.ArtificialIntelligence,
        version=origin.version,
        source=origin.digest,
        parameters={name: str(value) for name, value in origin.parameters} or None,
    )
    return SegmentDescription(
        segment_number=number,
        segment_label=segment.label[:LO_LENGTH],
        segmented_property_category=segment.category,
        segmented_property_type=segment.property,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.label[:LO_LENGTH],
        display_color=CIELabColor.from_rgb(*segment.rgb),
    )
