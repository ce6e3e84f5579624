"""Findings in, the measurement groups of a report out: what was outlined, what was not found, what was classified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import highdicom as hd
import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    FindingSite,
    ImageRegion,
    MeasurementsAndQualitativeEvaluations,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    SourceImageForRegion,
    SourceSeriesForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.making import Making
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import (
    Absence,
    ClassFinding,
    Conclusion,
    Measurement,
    PlanarFinding,
    RegionFinding,
    Segment,
    SliceScore,
    Verdict,
)

VERDICTS: dict[Verdict, Code] = {
    "present": codes.SCT.Present,
    "absent": codes.SCT.Absent,
    "undetermined": codes.SCT.Undetermined,
}

NO_UNITS = codes.UCUM.NoUnits

Group = (
    VolumetricROIMeasurementsAndQualitativeEvaluations
    | PlanarROIMeasurementsAndQualitativeEvaluations
    | MeasurementsAndQualitativeEvaluations
)


def groups(making: Making, outlined: Sequence[Dataset]) -> list[Group]:
    """A group with a region for every group without: a viewer that draws groups has nothing to draw otherwise.

    `outlined` are the SEGs of the same findings, none where the destination takes none.
    """
    findings, imaged, origin = making.findings, making.imaged, making.origin
    found: list[Group] = []
    for segment in findings.segments:
        found += _whole(segment, making, outlined)
        planar = (each for each in findings.planar if each.segment_number == segment.number)
        found += [_planar(segment, each, imaged, origin) for each in planar]
    found += [_absent(absence, findings.key_slice, imaged, origin) for absence in findings.absent]
    found += [_classified(each, imaged, origin) for each in findings.classes]
    found += [_looked_at(each, imaged, origin) for each in findings.regions]
    found += [_concluded(each, findings.key_slice, imaged, origin) for each in findings.conclusions]
    return found + [_on_slice(each, score, imaged, origin) for each in findings.classes for score in each.telling]


def algorithm(origin: Origin, *more: str) -> AlgorithmIdentification:
    return AlgorithmIdentification(name=origin.title, version=origin.version, parameters=parameters(origin, *more))


def parameters(origin: Origin, *more: str) -> list[str]:
    return [*(f"{name} = {value}" for name, value in origin.parameters), *more, f"model digest = {origin.digest}"]


def operating_point(found: ClassFinding) -> str:
    """What says which probability is which verdict."""
    if found.undetermined is None:
        return f"operating threshold = {found.threshold:g}"
    least, most = found.undetermined
    return f"operating threshold = {found.threshold:g}, undetermined from {least:g} to {most:g}"


def _whole(segment: Segment, making: Making, outlined: Sequence[Dataset]) -> Iterator[Group]:
    """What is said of all slices together; single images have no volume, and a group only for numbers on all."""
    flat = not isinstance(making.imaged, Volume)
    if flat and not segment.measurements:
        return
    if flat or "SEG" not in making.profile.objects:
        yield MeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(segment.tracking_uid, segment.label),
            finding_type=segment.property,
            algorithm_id=algorithm(making.origin),
            measurements=_numbers(segment.measurements),
        )
        return
    yield _volumetric(segment, making, outlined)


def _volumetric(segment: Segment, making: Making, outlined: Sequence[Dataset]) -> Group:
    segmentation, number = _described(segment, outlined)
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(segment.tracking_uid, segment.label),
        referenced_segment=ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=number,
            # The frames of the SEG name their images one by one; here the series says it in one item.
            source_series=SourceSeriesForSegmentation(str(making.imaged.headers[0].SeriesInstanceUID)),
        ),
        finding_type=segment.property,
        algorithm_id=algorithm(making.origin),
        measurements=_numbers(segment.measurements),
    )


def _described(segment: Segment, outlined: Sequence[Dataset]) -> tuple[Dataset, int]:
    """The SEG with this segment, and the segment's number there."""
    for segmentation in outlined:
        for item in segmentation.SegmentSequence:
            if item.get("TrackingUID") == segment.tracking_uid:
                return segmentation, int(item.SegmentNumber)
    raise Broken("A report on outlines needs the segmentation that holds them.", stage="encode")


def _planar(segment: Segment, found: PlanarFinding, imaged: Imaged, origin: Origin) -> Group:
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(found.tracking_uid or segment.tracking_uid, segment.label),
        referenced_region=_region(found.contour_xy, found.slice_index, imaged),
        finding_type=segment.property,
        finding_sites=[FindingSite(found.site)] if found.site is not None else None,
        algorithm_id=algorithm(origin),
        measurements=_numbers(found.measurements),
    )


def _on_slice(found: ClassFinding, score: SliceScore, imaged: Imaged, origin: Origin) -> Group:
    """What the classifier says of one slice alone, which is no verdict; its place is the whole slice."""
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(score.tracking_uid, f"{found.label}, this image alone"),
        referenced_region=_whole_slice(score.slice_index, imaged),
        finding_type=found.code,
        algorithm_id=algorithm(origin),
        measurements=[hd.sr.Measurement(codes.DCM.Probability, score.probability, codes.UCUM.NoUnits)],
    )


def _whole_slice(slice_index: int, imaged: Imaged) -> ImageRegion:
    rows, columns = imaged.shape_yx(slice_index)
    border = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows), (0, 0)], np.float64)
    return _region(border, slice_index, imaged)


def _absent(absence: Absence, slice_index: int, imaged: Imaged, origin: Origin) -> Group:
    """What was not found is said about the whole key slice, so that this group too has a place."""
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(absence.tracking_uid, absence.label),
        referenced_region=_whole_slice(slice_index, imaged),
        finding_type=absence.property,
        algorithm_id=algorithm(origin),
        qualitative_evaluations=[QualitativeEvaluation(codes.DCM.PresenceOfProperty, codes.SCT.Absent)],
    )


def _classified(found: ClassFinding, imaged: Imaged, origin: Origin) -> Group:
    """The verdict with the probability and, among the parameters, the operating threshold that says which."""
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(found.tracking_uid, found.label),
        referenced_region=_region(found.contour_xy, found.slice_index, imaged),
        finding_type=found.code,
        finding_sites=[FindingSite(found.site, found.laterality)] if found.site is not None else None,
        algorithm_id=algorithm(origin, operating_point(found)),
        measurements=_numbers([found.measured or Measurement(codes.DCM.Probability, found.probability, NO_UNITS)]),
        qualitative_evaluations=[QualitativeEvaluation(codes.DCM.PresenceOfProperty, VERDICTS[found.verdict])],
    )


def _looked_at(found: RegionFinding, imaged: Imaged, origin: Origin) -> Group:
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(found.tracking_uid, found.label),
        referenced_region=_region(found.contour_xy, found.slice_index, imaged),
        finding_type=found.finding,
        finding_sites=[FindingSite(found.site)] if found.site is not None else None,
        algorithm_id=algorithm(origin),
        measurements=_numbers(found.measurements),
        qualitative_evaluations=[QualitativeEvaluation(what, how) for what, how in found.evaluations] or None,
    )


def _concluded(found: Conclusion, slice_index: int, imaged: Imaged, origin: Origin) -> Group:
    """Of all slices, said about the whole key slice, so that this group too has a place."""
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(found.tracking_uid, found.label),
        referenced_region=_whole_slice(slice_index, imaged),
        finding_type=found.finding,
        algorithm_id=algorithm(origin),
        measurements=_numbers(found.measurements),
        qualitative_evaluations=[QualitativeEvaluation(what, how) for what, how in found.evaluations] or None,
    )


def _region(contour_xy: NDArray[np.float64], slice_index: int, imaged: Imaged) -> ImageRegion:
    source = imaged.sources[slice_index]
    frames = None if source.frame_number is None else [source.frame_number]
    return ImageRegion(
        graphic_type=hd.sr.GraphicTypeValues.POLYLINE,
        graphic_data=contour_xy,
        source_image=SourceImageForRegion(source.sop_class_uid, source.sop_instance_uid, frames),
    )


def _numbers(measurements: Sequence[Measurement]) -> list[hd.sr.Measurement]:
    return [
        hd.sr.Measurement(
            name=measured.name,
            value=measured.value,
            unit=measured.unit,
            method=measured.method,
            derivation=measured.derivation,
        )
        for measured in measurements
    ]
