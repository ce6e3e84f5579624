from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from orthanc_plugin.encode.context import altered, series_description, series_number
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.encode import making

PATIENT_AND_STUDY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientSize"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
)


def results(on: Volume) -> list[Dataset]:
    return [making.read_back(result.dataset) for result in encode(Making(making.findings(on), on, making.origin()))]


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 100", "Müller^Jürgen"),
        ("ISO_IR 192", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
        ("", "Plain^Name"),
    ],
)
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
        assert (algorithm.ManufacturerModelName, algorithm.SoftwareVersions[0]) == ("abdominal-muscle-ct", "1.0.0")
        assert algorithm.DeviceSerialNumber == "5f" * 32
        assert library.ManufacturerModelName == "highdicom"
        assert "ContributionDateTime" not in library


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


def test_time_zone_and_body_part_follow_where_they_belong() -> None:
    on = making.volume()
    headers = [making.read_back(header) for header in on.headers]
    for header in headers:
        header.TimezoneOffsetFromUTC = "+0900"

    seg, sr, sc = results(replace(on, headers=tuple(headers)))

    assert {result.TimezoneOffsetFromUTC for result in (seg, sr, sc)} == {"+0900"}
    assert {result.ContentTime for result in (seg, sr, sc)} == {"230506"}  # 14:05:06 in UTC
    assert (seg.BodyPartExamined, sc.BodyPartExamined, "BodyPartExamined" in sr) == ("ABDOMEN", "ABDOMEN", False)


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
