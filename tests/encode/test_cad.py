"""Findings on mammograms and on the chest become CAD reports: what was found where, how surely, by which algorithm."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode import check_report
from orthanc_plugin.encode.cad import CHEST, MAMMOGRAPHY, cad_report, template
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.measure.findings import ClassFinding, Findings, Verdict
from tests import judges
from tests.encode import making, test_classes
from tests.imaging.radiographs import radiograph

CAD = Profile(Objects=("SR",), Template="cad")
MASS = Code("129788004", "SCT", "Mass")
CLUSTER = Code("129769006", "SCT", "Calcification Cluster")
NODULE = Code("27925004", "SCT", "Nodule")
TUMOUR = Code("pretend", "99TEST", "Tumour")


def mammogram() -> Imaged:
    header = radiograph("DX")
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    header.Modality, header.BodyPartExamined = "MG", "BREAST"
    header.ImageLaterality, header.ViewPosition = "L", "MLO"
    return test_classes.flat(header)


def chest_ct() -> Imaged:
    on = making.volume()
    for header in on.headers:
        header.BodyPartExamined = "CHEST"
    return on


SOURCES: dict[str, Callable[[], Imaged]] = {
    "MG": mammogram,
    "DX": lambda: test_classes.flat(radiograph("DX")),
    "CR": lambda: test_classes.flat(radiograph("CR")),
    "CT": chest_ct,
    "multi-frame CT": lambda: chest_frames(),
}


def chest_frames() -> Imaged:
    on = making.enhanced_volume()
    on.headers[0].BodyPartExamined = "CHEST"
    return on


def said(on: Imaged, *verdicts: tuple[str, Code, float, Verdict]) -> Findings:
    base = test_classes.findings(on)
    classes: list[ClassFinding] = [
        replace(base.classes[0], label=label, code=code, probability=share, verdict=verdict)
        for label, code, share, verdict in verdicts
    ]
    return replace(base, classes=tuple(classes))


def made(on: Imaged, findings: Findings) -> Dataset:
    [result] = encode(Making(findings, on, making.origin(), profile=CAD))
    return making.read_back(result.dataset)


def named(item: Dataset, meaning: str) -> list[Dataset]:
    return [
        below
        for below in item.get("ContentSequence", [])
        if "ConceptNameCodeSequence" in below and below.ConceptNameCodeSequence[0].CodeMeaning == meaning
    ]


def stored(document: Dataset, at: Path) -> Path:
    at.write_bytes(making.written(document))
    return at


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("present", [True, False])
def test_the_judges_hold_nothing_against_it(source: str, present: bool, tmp_path: Path) -> None:
    on = SOURCES[source]()
    positive: list[tuple[str, Code, float, Verdict]] = [
        ("Mass", MASS, 0.9, "present"),
        ("Calcifications", CLUSTER, 0.5, "undetermined"),
        ("Nodule", NODULE, 0.8, "present"),
    ]
    document = made(on, said(on, *(positive if present else []), ("Tumour", TUMOUR, 0.25, "absent")))
    path = stored(document, tmp_path / "cad.dcm")

    assert document.SOPClassUID == (MAMMOGRAPHY if source == "MG" else CHEST).sop_class_uid
    assert judges.dciodvfy(path) == []
    assert "Summary of Detections" in judges.dsrdump(path)


@pytest.mark.slow
@pytest.mark.parametrize("present", [True, False])
def test_mammograms_keep_to_template_4000(present: bool, tmp_path: Path) -> None:
    on = mammogram()
    verdict: Verdict = "present" if present else "absent"
    classes = (("Mass", MASS), ("Calcifications", CLUSTER), ("Tumour", TUMOUR))
    document = made(on, said(on, *((label, code, 0.75, verdict) for label, code in classes)))

    path = stored(document, tmp_path / "cad.dcm")
    assert judges.pixelmed_sr(path, "TID_4000") == []


def test_a_finding_says_how_sure_it_is_and_where_it_is_by_reference_to_the_library() -> None:
    on = mammogram()
    document = made(on, said(on, ("Mass", MASS, 0.75, "present")))

    [summary] = named(document, "CAD Processing and Findings Summary")
    assert summary.ConceptCodeSequence[0].CodeMeaning == "All algorithms succeeded; with findings"
    [impression] = named(summary, "Individual Impression/Recommendation")
    [finding] = named(impression, "Single Image Finding")
    assert finding.ConceptCodeSequence[0].CodeMeaning == "Mammography breast density"
    assert named(finding, "Certainty of Finding")[0].MeasuredValueSequence[0].NumericValue == 75
    assert named(finding, "Center")[0].GraphicData == [20, 24]
    assert named(finding, "Outline")[0].GraphicData == [0, 0, 40, 0, 40, 48, 0, 48, 0, 0]
    for contour in (*named(finding, "Center"), *named(finding, "Outline")):
        [selected] = contour.ContentSequence
        assert list(selected.ReferencedContentItemIdentifier) == [1, 2, 1]
    [library] = named(document, "Image Library")
    [image] = library.ContentSequence
    assert document.ContentSequence[1] == library
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == on.sources[0].sop_instance_uid
    told = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in image.ContentSequence}
    assert told["Image Laterality"].ConceptCodeSequence[0].CodeMeaning == "Left breast"
    assert told["Image View"].ConceptCodeSequence[0].CodeMeaning == "medio-lateral oblique"


def test_what_was_looked_for_and_not_found_is_said_of_the_detection() -> None:
    on = SOURCES["DX"]()
    document = made(on, said(on, ("Tumour", TUMOUR, 0.25, "absent")))

    [summary] = named(document, "CAD Processing and Findings Summary")
    assert summary.ConceptCodeSequence[0].CodeMeaning == "All algorithms succeeded; without findings"
    assert "ContentSequence" not in summary
    [detections] = named(document, "Summary of Detections")
    [performed] = named(named(detections, "Successful Detections")[0], "Detection Performed")
    texts = [item.TextValue for item in named(performed, "Algorithm Parameters")]
    assert "Tumour: absent (0.25; operating threshold = 0.5)" in texts
    assert making.origin().notice in texts


def test_an_opacity_of_the_chest_says_which_sort_and_anything_else_is_a_region_with_a_text() -> None:
    on = chest_ct()
    document = made(on, said(on, ("Nodule", NODULE, 0.75, "present"), ("Tumour", TUMOUR, 0.5, "undetermined")))

    nodule, tumour = named(named(document, "CAD Processing and Findings Summary")[0], "Single Image Finding")
    assert nodule.ConceptCodeSequence[0].CodeMeaning == "Abnormal opacity"
    assert named(nodule, "Single Image Finding Modifier")[0].ConceptCodeSequence[0].CodeMeaning == "Nodule"
    assert tumour.ConceptCodeSequence[0].CodeMeaning == "Selected region"
    assert named(tumour, "Selected Region Description")[0].TextValue == "Tumour"
    intents = [named(item, "Rendering Intent")[0].ConceptCodeSequence[0].CodeValue for item in (nodule, tumour)]
    assert intents == ["111150", "111151"]


def test_a_finding_on_a_multi_frame_source_names_its_frame() -> None:
    on = chest_frames()
    document = made(on, said(on, ("Nodule", NODULE, 0.75, "present")))

    [finding] = named(named(document, "CAD Processing and Findings Summary")[0], "Single Image Finding")
    *_, place = named(finding, "Center")[0].ContentSequence[0].ReferencedContentItemIdentifier
    image = named(document, "Image Library")[0].ContentSequence[place - 1]
    assert image.ReferencedSOPSequence[0].ReferencedFrameNumber == on.sources[len(on) // 2].frame_number


def test_outlines_are_findings_without_a_certainty() -> None:
    on = making.volume()
    for header in on.headers:
        header.BodyPartExamined = "CHEST"
    findings = making.findings(on)
    document = made(on, findings)

    marks = named(named(document, "CAD Processing and Findings Summary")[0], "Single Image Finding")
    assert [str(named(mark, "Tracking Unique Identifier")[0].UID) for mark in marks] == [
        segment.tracking_uid for segment in findings.segments
    ]
    assert not any(named(mark, "Certainty of Finding") for mark in marks)


def test_elsewhere_in_the_body_the_report_is_one_of_measurements() -> None:
    on = making.volume()

    assert template(Making(making.findings(on), on, making.origin(), profile=CAD)) is None
    assert made(on, making.findings(on)).ContentTemplateSequence[0].TemplateIdentifier == "1500"


def test_a_reference_that_leads_nowhere_is_caught() -> None:
    on = mammogram()
    what = Making(said(on, ("Mass", MASS, 0.75, "present")), on, making.origin(), profile=CAD)
    document = cad_report(what, MAMMOGRAPHY)
    [library] = named(document, "Image Library")
    library.ContentSequence = []

    with pytest.raises(Broken) as caught:
        check_report.report(document, (), what)
    assert caught.value.sentence == (
        "The report refers to an item that it does not have. Nothing was stored; report this as an error of the node."
    )


def test_the_same_making_gives_the_same_bytes() -> None:
    on = mammogram()
    findings = said(on, ("Mass", MASS, 0.75, "present"))

    assert making.written(made(on, findings)) == making.written(made(on, findings))
