"""A making and its SEGs in, a report after TID 1500 out, of the SOP class that the destination takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from highdicom.sr import (
    CodedConcept,
    Comprehensive3DSR,
    ComprehensiveSR,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    LanguageOfContentItemAndDescendants,
    MeasurementReport,
    NumContentItem,
    ObservationContext,
    ObserverContext,
    RelationshipTypeValues,
    TextContentItem,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.encode.context import MANUFACTURER, coding_schemes, series_attributes, settle
from orthanc_plugin.encode.groups import groups
from orthanc_plugin.encode.identity import Origin, device_uid
from orthanc_plugin.encode.library import image_library
from orthanc_plugin.encode.making import Making, Predecessor
from orthanc_plugin.encode.regions import parts
from orthanc_plugin.measure.findings import Measurement

# Texts come from cards, which are written in English.
ENGLISH = Code("en", "RFC5646", "English")
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")

PROCEDURES: Mapping[str, Code] = {
    "CT": codes.LN.CTUnspecifiedBodyRegion,
    "MR": codes.LN.MRIUnspecifiedBodyRegion,
    "PT": codes.LN.PETUnspecifiedBodyRegion,
    "NM": codes.LN.NMUnspecifiedBodyRegion,
    "MG": codes.SCT.Mammography,
    "US": Code("16310003", "SCT", "Diagnostic ultrasonography"),
    **dict.fromkeys(("CR", "DX", "RF", "RG", "XA"), codes.LN.XRUnspecifiedBodyRegion),
}
# Of regions, as far as the standard's own tables name a code for them.
PROCEDURES_BY_REGION: Mapping[tuple[str, str], Code] = {
    ("CT", "chest"): Code("24627-2", "LN", "CT Chest"),
    ("CT", "abdomen"): Code("41806-1", "LN", "CT Abdomen"),
    ("CT", "head"): Code("24725-4", "LN", "CT Head"),
    ("PT", "whole-body"): codes.LN.PETWholeBody,
}


def report(making: Making, outlined: Sequence[Dataset]) -> Dataset:
    """`outlined` are the SEGs of the same findings, none where nothing was outlined."""
    outlined = outlined if "SEG" in making.profile.objects else ()
    content = MeasurementReport(
        observation_context=observer(making.origin),
        procedure_reported=_procedure(making.imaged.headers[0]),
        imaging_measurements=groups(making, outlined),
        title=codes.DCM.ImagingMeasurementReport,
        language_of_content_item_and_descendants=LanguageOfContentItemAndDescendants(CodedConcept.from_code(ENGLISH)),
    )
    content[0].ContentSequence.extend(_after_measurements(making))
    kind = Comprehensive3DSR if making.profile.report == "comprehensive-3d" else ComprehensiveSR
    result = document(making, content[0], outlined, kind)
    # Only now: of a long series the library is most of the report, and its making copies the content several times.
    result.ContentSequence.insert(_measurements_at(result), image_library(making.imaged, making.beside))
    return result


def document(
    making: Making,
    content: Dataset,
    outlined: Sequence[Dataset],
    kind: type[Comprehensive3DSR] | type[ComprehensiveSR],
) -> Dataset:
    """The content with all that stands around it; every image that was used is evidence.

    highdicom copies the content and looks through it several times, which took most of the time of a report with many
    findings; so it is given the first item, and the others are laid beside that. That what they refer to is evidence
    is checked afterwards (`check_report`).
    """
    others = list(content.ContentSequence)[1:]
    content.ContentSequence = ContentSequence(list(content.ContentSequence)[:1])
    attributes: dict[str, Any] = series_attributes("SR", making.header, making.identity, making.origin)
    result = kind(
        evidence=[*making.headers, *making.beside, *outlined],
        content=content,
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=coding_schemes(),
        **attributes,
    )
    result.ContentSequence.extend(others)
    if making.predecessors:
        result.PredecessorDocumentsSequence = predecessors(making.predecessors)
    settle(result, making.header, making.imaged, making.origin)
    return result


def observer(origin: Origin) -> ObservationContext:
    """The device alone: nobody has looked at what it says."""
    device = DeviceObserverIdentifyingAttributes(
        uid=device_uid(origin),
        name=origin.title,
        manufacturer_name=MANUFACTURER,
        model_name=origin.name,
        serial_number=origin.digest,
    )
    return ObservationContext(observer_device_context=ObserverContext(codes.DCM.Device, device))


def predecessors(earlier: Sequence[Predecessor]) -> list[Dataset]:
    """One item a study, in it one a series."""
    studies: dict[str, dict[str, list[Dataset]]] = {}
    for each in earlier:
        instance = Dataset()
        instance.ReferencedSOPClassUID, instance.ReferencedSOPInstanceUID = each.sop_class_uid, each.sop_instance_uid
        studies.setdefault(each.study_uid, {}).setdefault(each.series_uid, []).append(instance)
    items = []
    for study_uid, by_series in studies.items():
        item = Dataset()
        item.StudyInstanceUID, item.ReferencedSeriesSequence = study_uid, []
        for series_uid, instances in by_series.items():
            series = Dataset()
            series.SeriesInstanceUID, series.ReferencedSOPSequence = series_uid, instances
            item.ReferencedSeriesSequence.append(series)
        items.append(item)
    return items


def _procedure(header: Dataset) -> Code:
    """By modality, and by region where one code is sure; where neither is, an imaging procedure."""
    modality, shown = str(header.get("Modality") or ""), parts(header)
    if len(shown) == 1:
        [part] = shown
        of_region = PROCEDURES_BY_REGION.get((modality, part))
        if of_region is not None:
            return of_region
    procedure: Code = PROCEDURES.get(modality, codes.SCT.ImagingProcedure)
    return procedure


def _measurements_at(result: Dataset) -> int:
    names = [item.ConceptNameCodeSequence[0].CodeValue for item in result.ContentSequence]
    return names.index(codes.DCM.ImagingMeasurements.value)


def _after_measurements(making: Making) -> list[ContentItem]:
    remarks = [TextContentItem(codes.DCM.Comment, text, RelationshipTypeValues.CONTAINS) for text in making.remarks]
    given = [_given(value) for value in making.findings.given]
    named = ((QUALITATIVE_EVALUATIONS, remarks), (codes.DCM.PatientCharacteristics, given))
    return [_container(name, items) for name, items in named if items]


def _given(value: Measurement) -> ContentItem:
    return NumContentItem(value.name, value.value, value.unit, relationship_type=RelationshipTypeValues.CONTAINS)


def _container(name: Code, items: Sequence[ContentItem]) -> ContainerContentItem:
    container = ContainerContentItem(name, relationship_type=RelationshipTypeValues.CONTAINS)
    container.ContentSequence = ContentSequence(items)
    return container
