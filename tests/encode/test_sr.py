import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode import check_report
from orthanc_plugin.encode.identity import Identity, device_uid
from orthanc_plugin.encode.making import Making, Predecessor
from orthanc_plugin.encode.seg import segmentations
from orthanc_plugin.encode.sr import report
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure import calcium, infarct
from orthanc_plugin.measure.calcium import Score
from orthanc_plugin.measure.contour import outline
from orthanc_plugin.measure.findings import Conclusion, Findings, Measurement, PlanarFinding
from orthanc_plugin.measure.territory import FOSSA
from tests import judges
from tests.encode import making, outlined, test_classes

GIVEN = (Measurement(Code("8302-2", "LN", "Body height"), 1.75, codes.UCUM.Meter),)
AREA = Measurement(codes.SCT.Area, 1.5, Code("cm2", "UCUM", "square centimeter"))
WITHOUT_SEG = Profile(Objects=("SR",), Report="comprehensive")


def made(on: Imaged, findings: Findings | None = None, profile: Profile | None = None) -> Dataset:
    if findings is None:
        assert isinstance(on, Volume)
        findings = making.findings(on)
    what = Making(findings, on, making.origin(), profile=profile or Profile())
    return making.read_back(report(what, segmentations(what)))


def stored(dataset: Dataset, at: Path) -> Path:
    at.write_bytes(making.written(dataset))
    return at


def called(items: Dataset, meaning: str) -> list[Dataset]:
    return [item for item in items.ContentSequence if item.ConceptNameCodeSequence[0].CodeMeaning == meaning]


def groups_of(document: Dataset) -> list[Dataset]:
    return list(called(document, "Imaging Measurements")[0].ContentSequence)


def test_the_judges_hold_nothing_against_it(volume: Volume, tmp_path: Path) -> None:
    path = stored(made(volume), tmp_path / "sr.dcm")

    assert judges.dciodvfy(path) == []
    assert "Imaging Measurement Report" in judges.dsrdump(path)


def undetermined(on: Imaged) -> Findings:
    base = test_classes.findings(on)
    found = replace(base.classes[0], verdict="undetermined", undetermined=(0.25, 0.75))
    return replace(base, classes=(found,), given=GIVEN)


def without_fat(on: Volume) -> Findings:
    masks = making.masks((6, 64, 80))
    masks[1] = False
    return making.findings(on, masks)


def concluded(on: Imaged) -> Findings:
    """With what all that was found comes to."""
    assert isinstance(on, Volume)
    score = Score(120.4, 90.0, 21.5)
    said = Conclusion(
        "Coronary calcium",
        calcium.CORONARY_ARTERIES,
        Identity.of(on, making.origin()).tracking_uid("Coronary calcium"),
        score.measurements(),
        ((calcium.CATEGORY, score.category),),
    )
    return replace(making.findings(on), conclusions=(said,))


def situated(on: Imaged) -> Findings:
    """With a part of an infarct in a territory that has a code of our own."""
    assert isinstance(on, Volume)
    base = making.findings(on)
    track = Identity.of(on, making.origin()).tracking_uid
    part = infarct.Part("left", FOSSA, volume_cm3=12.5, share=0.8)
    return replace(base, conclusions=(part.conclusion(making.card().segments[0], track),))


GROUPS: dict[str, tuple[Callable[[], Volume], Callable[[Any], Findings], Profile, int]] = {
    "volumetric": (making.volume, making.findings, Profile(), 0),
    "volumetric, multi-frame": (making.enhanced_volume, making.findings, Profile(), 0),
    "planar": (making.volume, making.findings, Profile(), 1),
    "planar, multi-frame": (making.enhanced_volume, making.findings, Profile(), 1),
    "numbers where no SEG is taken": (making.volume, making.findings, WITHOUT_SEG, 0),
    "absent": (making.volume, without_fat, Profile(), -1),
    "classified": (making.volume, test_classes.findings, Profile(), 0),
    "concluded": (making.volume, concluded, Profile(), -1),
    "a part of an infarct": (making.volume, situated, Profile(), -1),
    "undetermined, with clinical values": (making.volume, undetermined, Profile(), 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", GROUPS)
def test_each_sort_of_group_keeps_to_its_template(kind: str, tmp_path: Path) -> None:
    source, found, profile, place = GROUPS[kind]
    on = source()
    document = made(on, found(on), profile)
    measurements = called(document, "Imaging Measurements")[0]
    measurements.ContentSequence = [groups_of(document)[place]]

    assert judges.pixelmed_sr(stored(document, tmp_path / "sr.dcm")) == []


def test_dcmqi_reads_every_number_once(tmp_path: Path) -> None:
    on = making.volume()
    findings = making.findings(on)

    understood = judges.tid1500reader(stored(made(on), tmp_path / "sr.dcm"), tmp_path)

    read = [
        (group["TrackingUniqueIdentifier"], item["quantity"]["CodeMeaning"], float(item["value"]))
        for group in understood["Measurements"]
        for item in group["measurementItems"]
    ]
    uid_of = {segment.number: segment.tracking_uid for segment in findings.segments}
    expected = [(s.tracking_uid, m.name.meaning, m.value) for s in findings.segments for m in s.measurements]
    expected += [(uid_of[p.segment_number], m.name.meaning, m.value) for p in findings.planar for m in p.measurements]
    assert sorted(name for _, name, _ in read) == sorted(name for _, name, _ in expected)
    assert {(uid, name): value for uid, name, value in read} == pytest.approx(
        {(str(uid), name): value for uid, name, value in expected}
    )
    assert len({(uid, name) for uid, name, _ in read}) == len(read)


def test_a_conclusion_has_its_numbers_by_their_methods_and_its_evaluation_on_the_whole_key_slice() -> None:
    on = making.volume()
    findings = concluded(on)
    document = made(on, findings)

    group = groups_of(document)[-1]
    numbers = [(item.MeasuredValueSequence[0].NumericValue, item.ContentSequence[0].ConceptCodeSequence[0].CodeValue)
               for item in group.ContentSequence if item.ValueType == "NUM"]  # fmt: skip
    assert [(float(value), method) for value, method in numbers] == [
        (120.4, "112055"),
        (90, "112056"),
        (21.5, "112057"),
    ]
    category = called(group, "Category of coronary calcium")[0].ConceptCodeSequence[0]
    assert (category.CodeValue, category.CodingSchemeDesignator) == ("calcium-moderate", "99INODE")
    [place] = called(group, "Image Region")
    source = place.ContentSequence[0].ReferencedSOPSequence[0]
    assert source.ReferencedSOPInstanceUID == on.sources[findings.key_slice].sop_instance_uid


def test_a_part_of_an_infarct_has_its_side_and_its_territory_in_codes() -> None:
    group = groups_of(made(making.volume(), situated(making.volume())))[-1]
    said = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in group.ContentSequence}
    side, territory = (said[name].ConceptCodeSequence[0] for name in ("Laterality", infarct.TERRITORY.meaning))
    assert (side.CodeValue, side.CodingSchemeDesignator) == ("7771000", "SCT")
    assert (territory.CodeValue, territory.CodingSchemeDesignator) == ("vertebrobasilar", "99INODE")
    numbers = [said[name].MeasuredValueSequence[0] for name in ("Volume", infarct.SHARE.meaning)]
    assert [float(each.NumericValue) for each in numbers] == [12.5, 80]
    assert [each.MeasurementUnitsCodeSequence[0].CodeValue for each in numbers] == ["cm3", "%"]


def test_the_same_making_gives_the_same_bytes(volume: Volume) -> None:
    assert making.written(made(volume)) == making.written(made(volume))


def test_volume_and_contour_share_a_tracking_identifier_and_name_segment_and_image() -> None:
    on = making.volume()
    findings = making.findings(on)
    document = made(on, findings)

    volumetric, planar = groups_of(document)[:2]

    for group in (volumetric, planar):
        assert findings.segments[0].tracking_uid == called(group, "Tracking Unique Identifier")[0].UID
        assert called(group, "Tracking Identifier")[0].TextValue == "Skeletal muscle"
        assert called(group, "Algorithm Version")[0].TextValue == "1.2.0"
    segment = called(volumetric, "Referenced Segment")[0].ReferencedSOPSequence[0]
    assert (segment.ReferencedSegmentNumber, "ReferencedFrameNumber" in segment) == (1, False)
    region = called(planar, "Image Region")[0]
    image = region.ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedSOPInstanceUID == on.sources[findings.planar[0].slice_index].sop_instance_uid
    assert "ReferencedFrameNumber" not in image
    assert region.GraphicType == "POLYLINE"
    assert np.allclose(np.reshape(region.GraphicData, (-1, 2)), findings.planar[0].contour_xy)
    assert called(planar, "Finding Site")[0].ConceptCodeSequence[0].CodeValue == "36470004"


def test_on_a_multi_frame_source_the_contour_names_its_frame() -> None:
    on = making.enhanced_volume()
    findings = making.findings(on)

    planar = groups_of(made(on, findings))[1]

    image = called(planar, "Image Region")[0].ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedFrameNumber == on.sources[findings.planar[0].slice_index].frame_number


def test_it_says_who_observed_and_what_to_beware_of() -> None:
    on = making.volume()
    findings = replace(making.findings(on), cautions=("The level of L3 is uncertain.",))
    document = made(on, findings)

    assert device_uid(making.origin()) == called(document, "Device Observer UID")[0].UID
    assert called(document, "Device Observer Serial Number")[0].TextValue == "5f" * 32
    remarks = [item.TextValue for item in called(document, "Qualitative Evaluations")[0].ContentSequence]
    assert remarks == ["Not for clinical use. Trained on synthetic phantoms.", "The level of L3 is uncertain."]
    assert document.SeriesDescription == "Abdominal muscle and fat report (not for clinical use)"
    assert (document.CompletionFlag, document.VerificationFlag) == ("COMPLETE", "UNVERIFIED")
    [language] = called(document, "Language of Content Item and Descendants")
    assert (language.ConceptCodeSequence[0].CodeValue, document.ContentSequence[0]) == ("en", language)
    assert [item.ConceptNameCodeSequence[0].CodeMeaning for item in document.ContentSequence][-3:] == [
        "Image Library",
        "Imaging Measurements",
        "Qualitative Evaluations",
    ]


def test_the_image_library_names_every_source_and_what_they_share() -> None:
    on = making.volume()

    [group] = called(made(on), "Image Library")[0].ContentSequence

    assert [item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in called(group, "Source")] == [
        source.sop_instance_uid for source in on.sources
    ]
    shared: dict[str, Any] = {
        item.ConceptNameCodeSequence[0].CodeMeaning: float(item.MeasuredValueSequence[0].NumericValue)
        for item in group.ContentSequence
        if item.ValueType == "NUM"
    }
    assert (shared["Horizontal Pixel Spacing"], shared["Vertical Pixel Spacing"]) == (0.75, 1.25)
    assert (shared["Pixel Data Rows"], shared["Pixel Data Columns"], shared["Spacing between slices"]) == (64, 80, 3)


def test_where_nothing_was_found_it_says_so_on_the_image(tmp_path: Path) -> None:
    on = making.volume()
    findings = making.findings(on, np.zeros((3, 6, 64, 80), bool))
    document = made(on, findings)

    check_report.report(document, (), Making(findings, on, making.origin()))
    assert judges.dciodvfy(stored(document, tmp_path / "sr.dcm")) == []
    assert [called(group, "Finding")[0].ConceptCodeSequence[0].CodeMeaning for group in groups_of(document)] == [
        "Skeletal muscle",
        "Visceral adipose tissue",
        "Subcutaneous adipose tissue",
    ]
    for group in groups_of(document):
        assert called(group, "Presence of property")[0].ConceptCodeSequence[0].CodeMeaning == "Absent"
        assert len(called(group, "Image Region")[0].GraphicData) == 10


def test_words_beyond_the_sources_character_set_bring_utf_8() -> None:
    on = making.volume(character_set="ISO_IR 100", patient_name="Müller^Jürgen")
    findings = replace(making.findings(on), cautions=("골격근을 찾지 못했습니다.",))

    document = made(on, findings)

    assert document.SpecificCharacterSet == "ISO_IR 192"
    assert document.PatientName == "Müller^Jürgen"
    assert "골격근을 찾지 못했습니다." in json.dumps(document.to_json_dict(), ensure_ascii=False)
    assert on.headers[0].SpecificCharacterSet == "ISO_IR 100"


def test_a_destination_without_segs_gets_a_report_of_its_class_that_names_none(tmp_path: Path) -> None:
    """The numbers stay, and the contour beside them has their tracking identifier."""
    on = making.volume()
    findings = making.findings(on)
    document = made(on, findings, WITHOUT_SEG)

    assert (document.SOPClassUID, made(on).SOPClassUID) == (ComprehensiveSRStorage, Comprehensive3DSRStorage)
    whole, planar = groups_of(document)[:2]
    assert called(whole, "Volume")[0].MeasuredValueSequence[0].NumericValue == pytest.approx(
        findings.segments[0].measurements[0].value
    )
    assert not any(item.ValueType == "IMAGE" for item in whole.ContentSequence)
    assert findings.segments[0].tracking_uid == called(planar, "Tracking Unique Identifier")[0].UID
    check_report.report(document, (), Making(findings, on, making.origin(), profile=WITHOUT_SEG))
    assert judges.dciodvfy(stored(document, tmp_path / "sr.dcm")) == []


def test_clinical_values_that_were_used_stand_in_the_report_with_their_units(tmp_path: Path) -> None:
    on = making.volume()
    document = made(on, replace(making.findings(on), given=GIVEN))

    [given] = called(document, "Patient Characteristics")[0].ContentSequence
    assert given.ConceptNameCodeSequence[0].CodeValue == "8302-2"
    assert given.MeasuredValueSequence[0].NumericValue == 1.75
    assert given.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "m"
    assert judges.dciodvfy(stored(document, tmp_path / "sr.dcm")) == []
    assert len(judges.tid1500reader(tmp_path / "sr.dcm", tmp_path)["Measurements"]) == len(groups_of(document))


def test_it_names_the_reports_whose_place_it_takes(tmp_path: Path) -> None:
    on = making.volume()
    earlier = tuple(
        Predecessor(study, series, ComprehensiveSRStorage, uid)
        for study, series, uid in (
            ("1.2", "1.2.1", "1.2.1.1"),
            ("1.2", "1.2.1", "1.2.1.2"),
            ("1.3", "1.3.1", "1.3.1.1"),
        )
    )
    what = Making(making.findings(on), on, making.origin(), predecessors=earlier)
    document = making.read_back(report(what, segmentations(what)))

    named = [
        (study.StudyInstanceUID, series.SeriesInstanceUID, instance.ReferencedSOPInstanceUID)
        for study in document.PredecessorDocumentsSequence
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    ]
    assert named == [(each.study_uid, each.series_uid, each.sop_instance_uid) for each in earlier]
    assert len(document.PredecessorDocumentsSequence) == 2
    assert judges.dciodvfy(stored(document, tmp_path / "sr.dcm")) == []


def test_nobody_is_named_as_who_reported_or_verified() -> None:
    document = made(making.volume())

    assert "VerifyingObserverSequence" not in document
    assert "AuthorObserverSequence" not in document
    observers = called(document, "Observer Type")
    assert [item.ConceptCodeSequence[0].CodeMeaning for item in observers] == ["Device"]


@pytest.mark.parametrize(
    ("modality", "region", "procedure"),
    [
        ("CT", "ABDOMEN", "41806-1"),
        ("CT", "CHEST", "24627-2"),
        ("CT", "HEAD", "24725-4"),
        ("CT", "CHESTABDOMEN", "25045-6"),
        ("CT", "", "25045-6"),
        ("MR", "HEAD", "25056-3"),
        ("PT", "WHOLEBODY", "44139-4"),
        ("PT", "CHEST", "44136-0"),
        ("OT", "CHEST", "363679005"),
    ],
)
def test_the_procedure_is_told_by_modality_and_by_region_where_one_code_is_sure(
    modality: str, region: str, procedure: str
) -> None:
    on = making.volume()
    for header in on.headers:
        header.Modality, header.BodyPartExamined = modality, region

    [reported] = called(made(on), "Procedure reported")

    assert reported.ConceptCodeSequence[0].CodeValue == procedure


def test_words_of_codes_bring_utf_8_too() -> None:
    on = making.volume(character_set="ISO_IR 100")
    given = replace(GIVEN[0], name=Code("height", "99HOSPITAL", "키"))

    document = made(on, replace(making.findings(on), given=(given,)))

    [value] = called(document, "Patient Characteristics")[0].ContentSequence
    assert value.ConceptNameCodeSequence[0].CodeMeaning == "키"
    assert document.SpecificCharacterSet == "ISO_IR 192"


def test_on_single_images_each_that_shows_a_segment_has_its_contour(tmp_path: Path) -> None:
    on = outlined.flat(outlined.mammogram(1), outlined.mammogram(2, rows=40))
    found = outlined.findings(on)
    identity = Identity.of(on, making.origin())
    segment = found.segments[0]
    contours = tuple(
        PlanarFinding(
            *(segment.number, index, outline(segment.mask_zyx[index, :rows]), (AREA,)),
            tracking_uid=identity.tracking_uid(f"{segment.label} on {index}") if index else None,
        )
        for index, rows in enumerate((48, 40))
        if segment.mask_zyx[index].any()
    )
    what = Making(replace(found, segments=(segment,), planar=contours), on, making.origin())
    segs = segmentations(what)
    document = making.read_back(report(what, segs))

    check_report.report(document, segs, what)
    groups = groups_of(document)
    assert len(groups) == len(contours)
    assert [called(group, "Tracking Unique Identifier")[0].UID for group in groups] == [
        contour.tracking_uid or segment.tracking_uid for contour in contours
    ]
    assert judges.dciodvfy(stored(document, tmp_path / "sr.dcm")) == []
