"""A making on mammograms or on the chest in, a CAD report out: Mammography CAD (TID 4000) or Chest CAD (TID 4100).

Both templates are closed: they hold what was detected where, how surely and by which algorithm. Volumes, scores and
remarks have no place of their own there; remarks and verdicts go along with the parameters of the algorithm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from highdicom.sr import (
    CodeContentItem,
    CodedConcept,
    ComprehensiveSR,
    ContainerContentItem,
    ContentItem,
    ContentSequence,
    GraphicTypeValues,
    LanguageOfContentItemAndDescendants,
    NumContentItem,
    RelationshipTypeValues,
    ScoordContentItem,
    TextContentItem,
    UIDRefContentItem,
)
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID, ChestCADSRStorage, MammographyCADSRStorage

from orthanc_plugin.encode.cad_library import Library
from orthanc_plugin.encode.groups import operating_point, parameters
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.regions import parts
from orthanc_plugin.encode.sr import ENGLISH, document

CONTAINS = RelationshipTypeValues.CONTAINS
HAS_CONCEPT_MOD = RelationshipTypeValues.HAS_CONCEPT_MOD
HAS_OBS_CONTEXT = RelationshipTypeValues.HAS_OBS_CONTEXT
HAS_PROPERTIES = RelationshipTypeValues.HAS_PROPERTIES
INFERRED_FROM = RelationshipTypeValues.INFERRED_FROM

SELECTED_REGION = Code("111099", "DCM", "Selected region")
OPACITY = Code("112033", "DCM", "Abnormal opacity")
DENSITY = Code("129793001", "SCT", "Mammography breast density")
CLUSTER = Code("129769006", "SCT", "Calcification Cluster")
# What findings are called by these templates: codes of CID 6014 as they are, a mass as the density that it is there.
OF_BREAST = {Code("129788004", "SCT", "Mass"): DENSITY, DENSITY: DENSITY, CLUSTER: CLUSTER}
# CID 6104: these say which sort of opacity.
OPACITIES = frozenset(
    Code(value, scheme, "")
    for value, scheme in (
        *(("27925004", "SCT"), ("4147007", "SCT"), ("308689002", "SCT"), ("112121", "DCM"), ("112120", "DCM")),
        *(("112001", "DCM"), ("112122", "DCM"), ("112127", "DCM"), ("112065", "DCM"), ("112067", "DCM")),
    )
)
PRESENT = Code("111150", "DCM", "Presentation Required: Rendering device is expected to present")
PERHAPS = Code("111151", "DCM", "Presentation Optional: Rendering device may present")
WITH_FINDINGS = Code("111242", "DCM", "All algorithms succeeded; with findings")
WITHOUT_FINDINGS = Code("111241", "DCM", "All algorithms succeeded; without findings")
SUCCEEDED = Code("111222", "DCM", "Succeeded")
NOT_ATTEMPTED = Code("111225", "DCM", "Not Attempted")
DETECTION_PERFORMED = Code("111022", "DCM", "Detection Performed")
FINDING_MODIFIER = Code("112024", "DCM", "Single Image Finding Modifier")
IMPRESSION = Code("111034", "DCM", "Individual Impression/Recommendation")
OUTLINE, CENTER = Code("111041", "DCM", "Outline"), Code("111010", "DCM", "Center")


@dataclass(frozen=True)
class Template:
    sop_class_uid: UID
    identifier: str
    root: Code
    of_breast: bool


MAMMOGRAPHY = Template(MammographyCADSRStorage, "4000", Code("111036", "DCM", "Mammography CAD Report"), True)
CHEST = Template(ChestCADSRStorage, "4100", Code("112000", "DCM", "Chest CAD Report"), False)


@dataclass(frozen=True, eq=False)
class Mark:
    """Something found at a place; `percent` is there where the model says how sure it is."""

    label: str
    code: Code
    tracking_uid: UID
    slice_index: int
    contour_xy: NDArray[np.float64]
    sure: bool = True
    percent: float | None = None


def template(making: Making) -> Template | None:
    """None where the destination wants no such report, or none is made for such images."""
    header = making.imaged.headers[0]
    if making.profile.template != "cad":
        return None
    if header.get("Modality") == "MG":
        return MAMMOGRAPHY
    return CHEST if header.get("Modality") in ("CR", "DX", "CT") and "chest" in parts(header) else None


def cad_report(making: Making, of: Template) -> Dataset:
    marks = _marks(making)
    library = Library.of(making.imaged, [mark.slice_index for mark in marks], of_breast=of.of_breast)
    root = ContainerContentItem(of.root, template_id=of.identifier)
    language = LanguageOfContentItemAndDescendants(CodedConcept.from_code(ENGLISH))
    root.ContentSequence = ContentSequence([*language, library.item()], is_root=False)
    result = document(making, root, (), ComprehensiveSR)
    result.ContentSequence = [
        *result.ContentSequence,
        _summary(making, of, marks, library),
        _detections(making, of, marks, library),
        _code(codes.DCM.SummaryOfAnalyses, NOT_ATTEMPTED, CONTAINS),
    ]
    result.SOPClassUID = result.file_meta.MediaStorageSOPClassUID = of.sop_class_uid
    return result


def _marks(making: Making) -> list[Mark]:
    """What is absent leaves none; that it was looked for is said of the detection."""
    findings = making.findings
    segments = {segment.number: segment for segment in findings.segments}
    outlined = [(each, segments[each.segment_number]) for each in findings.planar]
    return [
        *(
            Mark(
                *(segment.label, segment.property, found.tracking_uid or segment.tracking_uid),
                *(found.slice_index, found.contour_xy),
            )
            for found, segment in outlined
        ),
        *(
            Mark(
                *(found.label, found.code, found.tracking_uid, found.slice_index, found.contour_xy),
                sure=found.verdict == "present",
                percent=100 * found.probability,
            )
            for found in findings.classes
            if found.verdict != "absent"
        ),
    ]


def _summary(making: Making, of: Template, marks: Sequence[Mark], library: Library) -> Dataset:
    """Of mammograms each finding is the ground of an impression (TID 4003), of the chest it stands by itself."""
    found: list[Dataset] = []
    for mark in marks:
        if of.of_breast:
            within = [_code(codes.DCM.RenderingIntent, _intent(mark), HAS_CONCEPT_MOD)]
            within.append(_finding(making, of, mark, library, CONTAINS))
            found.append(_with(ContainerContentItem(IMPRESSION, relationship_type=INFERRED_FROM), within))
        else:
            found.append(_finding(making, of, mark, library, INFERRED_FROM))
    value = WITH_FINDINGS if marks else WITHOUT_FINDINGS
    return _with(_code(codes.DCM.CADProcessingAndFindingsSummary, value, CONTAINS), found)


def _finding(
    making: Making, of: Template, mark: Mark, library: Library, relationship: RelationshipTypeValues
) -> Dataset:
    """TID 4006 or 4104."""
    kind, modifier = _kind(of, mark)
    said: list[Dataset] = [_code(FINDING_MODIFIER, modifier, HAS_CONCEPT_MOD)] if modifier is not None else []
    said += [
        _code(codes.DCM.RenderingIntent, _intent(mark), HAS_CONCEPT_MOD),
        TextContentItem(codes.DCM.TrackingIdentifier, mark.label, HAS_OBS_CONTEXT),
        UIDRefContentItem(codes.DCM.TrackingUniqueIdentifier, mark.tracking_uid, HAS_OBS_CONTEXT),
        *_algorithm(making, HAS_PROPERTIES if of.of_breast else HAS_OBS_CONTEXT),
    ]
    if mark.percent is not None:
        certainty = codes.DCM.CertaintyOfFinding
        said.append(
            NumContentItem(certainty, float(mark.percent), codes.UCUM.Percent, relationship_type=HAS_PROPERTIES)
        )
    said += _geometry(mark, library)
    if kind == SELECTED_REGION:
        said.append(TextContentItem(codes.DCM.SelectedRegionDescription, mark.label, HAS_PROPERTIES))
    return _with(_code(codes.DCM.SingleImageFinding, kind, relationship), said)


def _kind(of: Template, mark: Mark) -> tuple[Code, Code | None]:
    """What the template calls it, and which sort of that it is; what it has no name for is a region with a text."""
    if of.of_breast:
        return OF_BREAST.get(mark.code, SELECTED_REGION), None
    return (OPACITY, mark.code) if mark.code in OPACITIES else (SELECTED_REGION, None)


def _intent(mark: Mark) -> Code:
    return PRESENT if mark.sure else PERHAPS


def _geometry(mark: Mark, library: Library) -> Iterator[Dataset]:
    """TID 4021 or 4107: the middle of what the contour encloses, and the contour."""
    low, high = mark.contour_xy.min(axis=0), mark.contour_xy.max(axis=0)
    shapes = (
        (CENTER, GraphicTypeValues.POINT, ((low + high) / 2)[np.newaxis]),
        (OUTLINE, GraphicTypeValues.POLYLINE, mark.contour_xy),
    )
    for name, kind, xy in shapes:
        contour = ScoordContentItem(name, kind, xy, relationship_type=HAS_PROPERTIES)
        yield _with(contour, [library.reference(mark.slice_index, RelationshipTypeValues.SELECTED_FROM)])


def _detections(making: Making, of: Template, marks: Sequence[Mark], library: Library) -> Dataset:
    """One for each kind of finding that the templates tell apart, at least one; all images were looked at."""
    kinds = dict.fromkeys(_kind(of, mark)[0] for mark in marks) or {SELECTED_REGION: None}
    verdicts = [
        f"{found.label}: {found.verdict} ({found.probability:.3g}; {operating_point(found)})"
        for found in making.findings.classes
    ]
    verdicts += [f"{absence.label}: absent" for absence in making.findings.absent]
    performed = [
        _with(
            _code(DETECTION_PERFORMED, kind, CONTAINS),
            [*_algorithm(making, HAS_PROPERTIES, *verdicts), *library.references(HAS_PROPERTIES)],
        )
        for kind in kinds
    ]
    successful = ContainerContentItem(codes.DCM.SuccessfulDetections, relationship_type=INFERRED_FROM)
    return _with(_code(codes.DCM.SummaryOfDetections, SUCCEEDED, CONTAINS), [_with(successful, performed)])


def _algorithm(making: Making, relationship: RelationshipTypeValues, *more: str) -> Iterator[ContentItem]:
    """TID 4019."""
    origin = making.origin
    yield TextContentItem(codes.DCM.AlgorithmName, origin.title, relationship)
    yield TextContentItem(codes.DCM.AlgorithmVersion, origin.version, relationship)
    for text in parameters(origin, *more, *making.remarks):
        yield TextContentItem(codes.DCM.AlgorithmParameters, text, relationship)


def _code(name: Code, value: Code, relationship: RelationshipTypeValues) -> Dataset:
    return CodeContentItem(name, value, relationship_type=relationship)


def _with(item: Dataset, below: Sequence[Dataset]) -> Dataset:
    """As a plain dataset: highdicom's items take no references to other items of the document below them."""
    whole = Dataset()
    whole.update(item)
    if below:
        whole.ContentSequence = list(below)
    return whole
