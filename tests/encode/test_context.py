from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from highdicom.sr import CodedConcept
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.context import altered, series_description, series_number
from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import DerivedImage
from tests import judges
from tests.encode import making, outlined

PATIENT_AND_STUDY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientSize"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
)


ALL = Profile().model_copy(update={"objects": ("SEG", "SR", "SC", "PM", "IMAGE", "KO", "PR", "PDF")})
CHARACTER_SETS = {
    "ISO_IR 100": "Müller^Jürgen",
    "ISO_IR 192": "Hong^Gildong=洪^吉洞=홍^길동",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "ISO 2022 IR 13\\ISO 2022 IR 87": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "ISO_IR 144": "Люкceмбypг",
    "GB18030": "Wang^XiaoDong=王^小东",
    "": "Plain^Name",
}
OF_A_TRIAL = {
    "ClinicalTrialSponsorName": "Sponsor",
    "ClinicalTrialProtocolID": "NCT-1",
    "ClinicalTrialProtocolName": "Muscle in older people",
    "ClinicalTrialSiteID": "7",
    "ClinicalTrialSubjectID": "S-12",
    "ClinicalTrialTimePointID": "T2",
    "ClinicalTrialTimePointDescription": "Six months",
    "ClinicalTrialProtocolEthicsCommitteeName": "Committee",
    "ClinicalTrialCoordinatingCenterName": "Centre",
    "ClinicalTrialSeriesID": "SER-2",
    "ClinicalTrialSeriesDescription": "Portal venous",
    "PatientIdentityRemoved": "YES",
    "DeidentificationMethod": "Profile of the trial",
    "LongitudinalTemporalInformationModified": "MODIFIED",
}


def results(on: Volume) -> list[Dataset]:
    return [making.read_back(result.dataset) for result in encode(Making(making.findings(on), on, making.origin()))]


def everything(on: Volume, origin: Origin | None = None) -> dict[str, Dataset]:
    """One object of every kind, read back."""
    findings = making.findings(on)
    drawn = replace(
        findings,
        maps=(outlined.value_map(on, (1, 2)),),
        images=(DerivedImage("Smoothed", codes.CID7203.Smoothing, on.voxels_zyx),),
    )
    found = encode(Making(drawn, on, origin or making.origin(), ALL))
    return {result.kind: making.read_back(result.dataset) for result in found}


def stating(on: Volume, **values: object) -> Volume:
    """The same volume; all its headers state more."""
    headers = [making.read_back(header) for header in on.headers]
    for header in headers:
        for keyword, value in values.items():
            setattr(header, keyword, value)
    return replace(on, headers=tuple(headers))


@pytest.mark.parametrize(("character_set", "name"), CHARACTER_SETS.items())
def test_patient_and_study_are_the_sources_in_its_character_set(character_set: str, name: str) -> None:
    on = making.volume(
        character_set=character_set.split("\\") if "\\" in character_set else character_set, patient_name=name
    )

    for result in results(on):
        assert result.PatientName == name
        assert (result.get("SpecificCharacterSet") or "") == on.headers[0].SpecificCharacterSet
        for keyword in PATIENT_AND_STUDY:
            assert result[keyword].value == on.headers[0][keyword].value, keyword
        assert result.ProcedureCodeSequence[0].CodeMeaning == "CT Bauchraum"


def test_results_agree_with_their_source_as_one_study(volume: Volume, tmp_path: Path) -> None:
    paths = []
    for number, dataset in enumerate((*volume.headers, *results(volume))):
        paths.append(tmp_path / f"{number}.dcm")
        paths[-1].write_bytes(making.written(dataset))

    assert judges.dcentvfy(paths) == []


def test_what_a_scanner_garbled_is_copied_as_it_is() -> None:
    on = making.volume()
    headers = [making.read_back(header) for header in on.headers]
    garbled = {"PatientName": "no carets", "PatientBirthDate": "19610000", "PatientSex": "X", "StudyTime": "99"}
    for header in headers:
        for keyword, value in garbled.items():
            header[keyword] = DataElement(keyword, header[keyword].VR, value, validation_mode=IGNORE)

    for result in results(replace(on, headers=tuple(headers))):
        assert {keyword: result[keyword].value for keyword in garbled} == garbled


def test_when_comes_from_the_origin_alone() -> None:
    for result in results(making.volume()):
        for moment in ("Content", "Series", "InstanceCreation"):
            assert (result[f"{moment}Date"].value, result[f"{moment}Time"].value) == ("20260203", "140506")


def test_equipment_names_scanner_algorithm_and_library() -> None:
    for result in results(making.volume()):
        scanner, algorithm, library = result.ContributingEquipmentSequence
        assert scanner.ManufacturerModelName == "S 64"
        assert algorithm.PurposeOfReferenceCodeSequence[0].CodeValue == "1630"
        assert (algorithm.ManufacturerModelName, algorithm.SoftwareVersions[0]) == ("abdominal-muscle-ct", "1.2.0")
        assert algorithm.DeviceSerialNumber == "5f" * 32
        assert library.ManufacturerModelName == "highdicom"
        assert "ContributionDateTime" not in library


def test_the_source_s_own_contributors_come_first_and_its_maker_then_only_processed() -> None:
    scanner = Dataset()
    scanner.Manufacturer, scanner.ManufacturerModelName = "First", "Scanner"
    scanner.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.DCM.AcquisitionEquipment)]
    on = stating(making.volume(), ContributingEquipmentSequence=[scanner])

    for result in everything(on).values():
        first, maker, algorithm, library = result.ContributingEquipmentSequence
        assert (first.Manufacturer, first.ManufacturerModelName) == ("First", "Scanner")
        assert maker.ManufacturerModelName == "S 64"
        assert maker.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Processing Equipment"
        assert (algorithm.Manufacturer, library.Manufacturer) == (
            "Inference node",
            "Highdicom open-source contributors",
        )


def test_each_network_of_a_model_is_named() -> None:
    on = making.volume()
    origin = replace(making.origin(), stages=("locate", "outline"))

    for result in everything(on, origin).values():
        _scanner, first, second, _library = result.ContributingEquipmentSequence
        assert first.ManufacturerModelName == "abdominal-muscle-ct locate"
        assert second.ManufacturerModelName == "abdominal-muscle-ct outline"
        assert second.ContributionDescription == (
            f"Abdominal muscle and fat, stage outline, model digest {'5f' * 32}, computed on cpu"
        )
        assert {item.PurposeOfReferenceCodeSequence[0].CodeValue for item in (first, second)} == {"1630"}
        assert first.DeviceUID == second.DeviceUID


def test_a_scanner_without_a_name_is_left_out() -> None:
    on = making.volume()
    headers = [making.read_back(header) for header in on.headers]
    headers[0].Manufacturer = ""

    for result in results(replace(on, headers=tuple(headers))):
        assert len(result.ContributingEquipmentSequence) == 2


def test_headers_are_not_changed_on_the_way(volume: Volume) -> None:
    before = [making.written(header) for header in volume.headers]

    results(volume)

    assert [making.written(header) for header in volume.headers] == before


@pytest.mark.parametrize("source", [making.volume, making.enhanced_volume], ids=["slices", "multi-frame"])
def test_every_kind_of_object_says_whose_it_is_and_of_which_trial(source: Callable[[], Volume]) -> None:
    method = CodedConcept("113100", "DCM", "Basic Application Confidentiality Profile")
    on = stating(source(), **OF_A_TRIAL, DeidentificationMethodCodeSequence=[method], EthnicGroup="Group")

    made = everything(on)

    assert list(made) == ["SEG", "PM", "IMAGE", "SR", "SC", "PDF", "PR", "KO"]
    for kind, result in made.items():
        for keyword in (*PATIENT_AND_STUDY, *OF_A_TRIAL, "EthnicGroup"):
            assert result[keyword].value == on.headers[0][keyword].value, f"{kind}: {keyword}"
        assert result.DeidentificationMethodCodeSequence[0].CodeValue == "113100", kind
        assert result.ProcedureCodeSequence[0].CodeMeaning == "CT Bauchraum", kind


def test_a_trial_s_words_in_another_character_set_are_converted_with_the_patient_s() -> None:
    equipment = Dataset()
    equipment.Manufacturer, equipment.InstitutionName = "Maker", "병원"
    equipment.PurposeOfReferenceCodeSequence = [CodedConcept("109103", "DCM", "Modifying Equipment")]
    on = making.volume(character_set=["", "ISO 2022 IR 149"], patient_name="Hong^Gildong=洪^吉洞=홍^길동")
    on = stating(on, ClinicalTrialSiteName="서울", ContributingEquipmentSequence=[equipment])

    made = everything(on, replace(making.origin(), title="Mu\u0161ka"))

    for kind, result in made.items():
        assert result.SpecificCharacterSet == "ISO_IR 192", kind
        assert (result.PatientName, result.ClinicalTrialSiteName) == ("Hong^Gildong=洪^吉洞=홍^길동", "서울"), kind
        assert result.ContributingEquipmentSequence[0].InstitutionName == "병원", kind


def test_what_is_placed_in_the_patient_lies_in_the_source_s_frame_of_reference() -> None:
    made = everything(making.volume())

    for kind in ("SEG", "PM", "IMAGE"):
        assert made[kind].FrameOfReferenceUID == making.FRAME_OF_REFERENCE, kind


@pytest.mark.parametrize(("stated", "said"), [("YES", "YES"), ("NO", "NO"), ("", "NO")])
def test_what_is_burned_into_the_source_is_burned_into_what_shows_its_pixels(stated: str, said: str) -> None:
    made = everything(stating(making.volume(), BurnedInAnnotation=stated))

    assert {kind: made[kind].BurnedInAnnotation for kind in ("SC", "PDF")} == {"SC": said, "PDF": said}


def test_time_zone_and_body_part_follow_where_they_belong() -> None:
    on = making.volume()
    headers = [making.read_back(header) for header in on.headers]
    for header in headers:
        header.TimezoneOffsetFromUTC = "+0900"

    seg, sr, sc = results(replace(on, headers=tuple(headers)))

    assert {result.TimezoneOffsetFromUTC for result in (seg, sr, sc)} == {"+0900"}
    assert {result.ContentTime for result in (seg, sr, sc)} == {"230506"}  # 14:05:06 in UTC
    assert (seg.BodyPartExamined, sc.BodyPartExamined, "BodyPartExamined" in sr) == ("ABDOMEN", "ABDOMEN", False)


@pytest.mark.parametrize(
    ("offset", "date", "clock"),
    [
        ("+0900", "20260203", "230506"),
        ("-0330", "20260203", "103506"),
        ("+1400", "20260204", "040506"),
        ("-1200", "20260203", "020506"),
        ("", "20260203", "140506"),
        ("9 hours", "20260203", "140506"),
    ],
)
def test_every_moment_is_told_in_the_zone_of_the_source(offset: str, date: str, clock: str) -> None:
    on = making.volume()
    headers = [making.read_back(header) for header in on.headers]
    for header in headers:
        header["TimezoneOffsetFromUTC"] = DataElement("TimezoneOffsetFromUTC", "SH", offset)

    for kind, result in everything(replace(on, headers=tuple(headers))).items():
        for moment in ("Content", "Series", "InstanceCreation") if kind != "PR" else ("Series", "InstanceCreation"):
            assert (result[f"{moment}Date"].value, result[f"{moment}Time"].value) == (date, clock), kind
        [algorithm] = [item for item in result.ContributingEquipmentSequence if item.Manufacturer == "Inference node"]
        assert algorithm.ContributionDateTime == date + clock, kind


def test_results_sort_behind_their_source_and_beside_one_another() -> None:
    header = Dataset()
    header.SeriesNumber = 301

    assert [series_number(kind, header) for kind in ("SEG", "SR", "SC")] == [13011, 13012, 13013]


@pytest.mark.parametrize("stated", [None, -3, 2_000_000_000])
def test_odd_series_numbers_give_sound_ones(stated: int | None) -> None:
    header = Dataset()
    header.SeriesNumber = stated

    assert 10_000 < series_number("SEG", header) < 2**31


def test_descriptions_begin_with_the_title_and_fit() -> None:
    long = replace(making.origin(), title="A" * 80)

    assert series_description("SEG", making.origin()) == "Abdominal muscle and fat segmentation (not for clinical use)"
    assert series_description("SC", replace(making.origin(), clinical_use=True)) == "Abdominal muscle and fat picture"
    assert len(series_description("SEG", long)) == 64


def test_an_altered_header_leaves_the_first_alone() -> None:
    header = Dataset()
    header.PatientID, header.StudyID = "1", "2"

    other = altered(header, PatientID="9")

    assert (header.PatientID, other.PatientID, other.StudyID) == ("1", "9", "2")
