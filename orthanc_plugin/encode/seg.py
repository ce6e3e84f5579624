"""Findings in, their outlines as SEGs on the source's own frames out: binary, as label map, or with soft boundaries."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from orthanc_plugin.encode.context import LO_LENGTH, coding_schemes, series_attributes, settle
from orthanc_plugin.encode.form import Form, form
from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.sources import Sources, name_frames, represent, sources
from orthanc_plugin.measure.findings import Segment

MOST = 255
"""What a fractional SEG stores for a probability of one."""

TYPES = {"binary": "BINARY", "labelmap": "LABELMAP", "fractional": "FRACTIONAL", "occupancy": "FRACTIONAL"}


def segmentations(making: Making) -> tuple[Dataset, ...]:
    """One for a volume, one for each instance of single images that holds an outline; viewers take one a series."""
    if not making.findings.segments:
        return ()
    found = ((on, _outlined(making, on)) for on in sources(making))
    return tuple(_segmentation(making, on, segments, form(making, segments, on)) for on, segments in found if segments)


def _outlined(making: Making, on: Sources) -> tuple[Segment, ...]:
    """The segments that are there; what is not there is not described, since viewers stumble over empty segments."""
    return tuple(segment for segment in making.findings.segments if on.of(segment.mask_zyx).any())


def _stored(segments: Sequence[Segment], on: Sources, written: Form) -> NDArray[np.generic]:
    """What highdicom is given: (frame, row, column, segment), of label maps (frame, row, column)."""
    if written == "labelmap":
        of_type = np.uint8 if len(segments) <= np.iinfo(np.uint8).max else np.uint16
        labels = np.zeros((len(on.indices), *on.shape_yx), of_type)
        for number, segment in enumerate(segments, start=1):
            labels[on.of(segment.mask_zyx)] = number
        return labels
    if written == "fractional":
        return np.moveaxis(np.stack([_probability(segment, on) for segment in segments]), 0, -1)
    return np.moveaxis(np.stack([on.of(segment.mask_zyx) for segment in segments]), 0, -1)


def _segmentation(making: Making, on: Sources, segments: Sequence[Segment], written: Form) -> Dataset:
    origin, identity = making.origin, making.identity
    result = Segmentation(
        source_images=on.images,
        pixel_array=_stored(segments, on, written),
        segmentation_type=TYPES[written],
        fractional_type="OCCUPANCY" if written == "occupancy" else "PROBABILITY",
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
    if written == "labelmap":
        # The background is a segment like others by the standard, but viewers count colours from the first item on.
        background, *described = result.SegmentSequence
        result.SegmentSequence = [*described, background]
    name_frames(result, on)
    represent(result, on, making.findings.telling)
    settle(result, on.header, making.imaged, origin)
    if not result.get("BodyPartExamined"):
        result.pop("Laterality", None)  # type 2C: unlike an image, it states no side of a part that nobody knows
    return result


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
