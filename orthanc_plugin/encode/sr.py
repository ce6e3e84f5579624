"""Findings and their SEG in, a Comprehensive 3D SR after TID 1500 out."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom as hd
import numpy as np
from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    ImageRegion,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForRegion,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.encode.context import MANUFACTURER, coding_schemes, series_attributes, settle
from orthanc_plugin.encode.identity import Origin, device_uid
from orthanc_plugin.encode.library import image_library
from orthanc_plugin.encode.making import Making
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.measure.findings import (
    Absence,
    ClassFinding,
    Findings,
    Measurement,
    PlanarFinding,
    Segment,
    Verdict,
)

PROCEDURES: dict[str, Code] = {
    "CT": codes.LN.CTUnspecifiedBodyRegion,
    "MR": codes.LN.MRIUnspecifiedBodyRegion,
    "PT": codes.LN.PETUnspecifiedBodyRegion,
    "NM": codes.LN.NMUnspecifiedBodyRegion,
    **dict.fromkeys(("CR", "DX", "MG", "RF", "XA"), codes.LN.XRUnspecifiedBodyRegion),
}
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
PRESENCE = Code("presence", "99INODE", "Presence in the image")
PROBABILITY = Code("probability", "99INODE", "Probability")
VERDICTS: dict[Verdict, Code] = {
    "present": codes.SCT.Present,
    "absent": codes.SCT.Absent,
    "undetermined": codes.SCT.Undetermined,
}

Group = VolumetricROIMeasurementsAndQualitativeEvaluations | PlanarROIMeasurementsAndQualitativeEvaluations


def report(making: Making, segmentation: Dataset | None) -> Dataset:
    """`segmentation` is the SEG of the same findings, None where nothing was outlined."""
    imaged, origin, headers = making.imaged, making.origin, making.headers
    content = MeasurementReport(
        observation_context=_observer(origin),
        procedure_reported=_procedure(making.header),
        imaging_measurements=_groups(making.findings, imaged, segmentation, origin),
        title=codes.DCM.ImagingMeasurementReport,
    )
    items = content[0].ContentSequence
    items.insert(len(items) - 1, image_library(headers, imaged))
    items.append(_remarks(making.remarks))
    result = Comprehensive3DSR(
        evidence=[*headers, *making.beside, *([segmentation] if segmentation is not None else [])],
        content=content[0],
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=coding_schemes(),
        **series_attributes("SR", making.header, making.identity, origin),
    )
    settle(result, making.header, imaged, origin)
    return result


def _observer(origin: Origin) -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=device_uid(origin),
        name=origin.title,
        manufacturer_name=MANUFACTURER,
        model_name=origin.name,
        serial_number=origin.digest,
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def _procedure(header: Dataset) -> Code:
    procedure: Code = PROCEDURES.get(header.Modality, codes.SCT.ImagingProcedure)
    return procedure


def _groups(findings: Findings, imaged: Imaged, segmentation: Dataset | None, origin: Origin) -> list[Group]:
    """A group with a region for every group without: a viewer that draws groups has nothing to draw otherwise."""
    groups: list[Group] = []
    for segment in findings.segments:
        if segmentation is None:
            raise Broken("A report on outlines needs the segmentation that holds them.", stage="encode")
        groups.append(_volumetric(segment, str(imaged.headers[0].SeriesInstanceUID), segmentation, origin))
        planar = [found for found in findings.planar if found.segment_number == segment.number]
        groups += [_planar(segment, found, imaged, origin) for found in planar]
    groups += [_absent(absence, findings.key_slice, imaged, origin) for absence in findings.absent]
    return groups + [_classified(found, imaged, origin) for found in findings.classes]


def _volumetric(segment: Segment, series_uid: str, segmentation: Dataset, origin: Origin) -> Group:
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(segment.tracking_uid, segment.label),
        referenced_segment=ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=segment.number,
            # The frames of the SEG name their images one by one; here the series says it in one item.
            source_series=SourceSeriesForSegmentation(series_uid),
        ),
        finding_type=segment.property,
        algorithm_id=_algorithm(origin),
        measurements=_numbers(segment.measurements),
    )


def _planar(segment: Segment, found: PlanarFinding, imaged: Imaged, origin: Origin) -> Group:
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(segment.tracking_uid, segment.label),
        referenced_region=_region(found.contour_xy, found.slice_index, imaged),
        finding_type=segment.property,
        finding_sites=[FindingSite(found.site)] if found.site is not None else None,
        algorithm_id=_algorithm(origin),
        measurements=_numbers(found.measurements),
    )


def _absent(absence: Absence, slice_index: int, imaged: Imaged, origin: Origin) -> Group:
    """What was not found is said about the whole key slice, so that this group too has a place."""
    rows, columns = imaged.shape_yx(slice_index)
    border = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows), (0, 0)], np.float64)
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(absence.tracking_uid, absence.label),
        referenced_region=_region(border, slice_index, imaged),
        finding_type=absence.property,
        algorithm_id=_algorithm(origin),
        qualitative_evaluations=[QualitativeEvaluation(PRESENCE, codes.SCT.Absent)],
    )


def _classified(found: ClassFinding, imaged: Imaged, origin: Origin) -> Group:
    """The verdict with the probability and, among the parameters, the operating threshold that says which."""
    return PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(found.tracking_uid, found.label),
        referenced_region=_region(found.contour_xy, found.slice_index, imaged),
        finding_type=found.code,
        algorithm_id=_algorithm(origin, f"operating threshold = {found.threshold:g}"),
        measurements=[hd.sr.Measurement(PROBABILITY, found.probability, codes.UCUM.NoUnits)],
        qualitative_evaluations=[QualitativeEvaluation(PRESENCE, VERDICTS[found.verdict])],
    )


def _region(contour_xy: np.ndarray, slice_index: int, imaged: Imaged) -> ImageRegion:
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


def _algorithm(origin: Origin, *more: str) -> AlgorithmIdentification:
    parameters = [*(f"{name} = {value}" for name, value in origin.parameters), *more]
    return AlgorithmIdentification(
        name=origin.title,
        version=origin.version,
        parameters=[*parameters, f"model digest = {origin.digest}"],
    )


def _remarks(texts: Sequence[str]) -> ContainerContentItem:
    """The notice and the cautions, where a reader of the document meets them as text."""
    remarks = ContainerContentItem(QUALITATIVE_EVALUATIONS, relationship_type=RelationshipTypeValues.CONTAINS)
    remarks.ContentSequence = ContentSequence(
        [TextContentItem(codes.DCM.Comment, text, RelationshipTypeValues.CONTAINS) for text in texts]
    )
    return remarks
