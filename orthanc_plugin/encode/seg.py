"""Findings in, their outlines as one binary SEG on the source's own frames out."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from orthanc_plugin.encode.context import LO_LENGTH, altered, coding_schemes, series_attributes, settle
from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.making import Making
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Segment


def segmentation(making: Making, volume: Volume) -> Dataset:
    """On `volume`, which is what the making has; its findings must hold a segment: viewers open no SEG without any."""
    findings, origin, identity = making.findings, making.origin, making.identity
    result = Segmentation(
        source_images=_in_order(making.headers, volume),
        pixel_array=np.moveaxis(np.stack([segment.mask_zyx for segment in findings.segments]), 0, -1),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(segment, origin) for segment in findings.segments],
        content_label="SEGMENTATION",
        content_description=origin.notice[:LO_LENGTH] or None,
        coding_schemes=coding_schemes(),
        **series_attributes("SEG", making.header, identity, origin),
    )
    dimensions = identity.dimension_organization_uid("SEG")
    for item in (*result.DimensionOrganizationSequence, *result.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
    _name_frames(result, volume)
    settle(result, making.header, volume, origin)
    return result


def _in_order(headers: Sequence[Dataset], volume: Volume) -> list[Dataset]:
    """Sources whose planes are the volume's slices one by one: highdicom then copies each place from its source."""
    if volume.sources[0].frame_number is None:
        return [_turned(header, headers[0]) for header in headers]
    [header] = headers
    frames = header.PerFrameFunctionalGroupsSequence
    used = [altered(frames[int(source.frame_number or 1) - 1]) for source in volume.sources]
    return [altered(header, PerFrameFunctionalGroupsSequence=used, NumberOfFrames=len(used))]


def _turned(header: Dataset, first: Dataset) -> Dataset:
    """Scanners round the directions of each slice anew; a SEG has one orientation for all of them."""
    if header.ImageOrientationPatient == first.ImageOrientationPatient:
        return header
    return altered(header, ImageOrientationPatient=first.ImageOrientationPatient)


def _name_frames(result: Dataset, volume: Volume) -> None:
    """References into the reordered source become references into the source."""
    if volume.sources[0].frame_number is None:
        return
    images = [
        item.DerivationImageSequence[0].SourceImageSequence[0] for item in result.PerFrameFunctionalGroupsSequence
    ]
    for image in {id(image): image for image in images}.values():  # frames of several segments share one
        image.ReferencedFrameNumber = volume.sources[image.ReferencedFrameNumber - 1].frame_number


def _description(segment: Segment, origin: Origin) -> SegmentDescription:
    algorithm = hd.AlgorithmIdentificationSequence(
        name=origin.name[:LO_LENGTH],
        family=codes.DCM.ArtificialIntelligence,
        version=origin.version,
        source=origin.digest,
        parameters={name: str(value) for name, value in origin.parameters} or None,
    )
    return SegmentDescription(
        segment_number=segment.number,
        segment_label=segment.label[:LO_LENGTH],
        segmented_property_category=segment.category,
        segmented_property_type=segment.property,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.label[:LO_LENGTH],
        display_color=CIELabColor.from_rgb(*segment.rgb),
    )
