"""`route explain`: files, folders and stored series, each rule with its value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orthanc_plugin import cli
from tests.builders.regions import showing
from tests.builders.series import Scan, part10, slices
from tests.routing.cards import model_folder, stage


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with six slices of a CT of the abdomen and a text, beside a site with one model."""
    model_folder(tmp_path / "models")
    monkeypatch.setenv("INFERENCE_DATA", str(tmp_path / "state"))
    monkeypatch.setenv("INFERENCE_SETTINGS", json.dumps({"ModelsFolder": str(tmp_path / "models")}))
    folder = tmp_path / "scan"
    folder.mkdir()
    for number, dataset in enumerate(slices(Scan(slices=6, name="explained"))):
        (folder / f"{number}.dcm").write_bytes(part10(dataset))
    (folder / "README.txt").write_text("no image")
    return folder


def uid() -> str:
    return str(slices(Scan(slices=1, name="explained"))[0].SeriesInstanceUID)


def test_a_folder_is_explained_rule_by_rule(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["route", "explain", str(scan)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"series {uid()}",
        "  abdomen 1.0.0 runs",
        "    + Modality is CT: CT",
        "    + body part is abdomen: abdomen (BodyPartExamined)",
        "    + slices are at least 1: 6",
        "",
    ]


def test_where_the_header_does_not_say_it_the_pixels_are_looked_at(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = scan.parent / "silent"
    folder.mkdir()
    for number, dataset in enumerate(showing("head", "silent")):
        (folder / f"{number}.dcm").write_bytes(part10(dataset))
    assert cli.main(["route", "explain", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  abdomen 1.0.0 does not run",
        "    + Modality is CT: CT",
        "    - body part is abdomen: head (PixelData)",
        "    + slices are at least 1: 5",
        "",
    ]


def test_a_role_says_whether_it_is_of_the_study_or_of_an_earlier_one(
    scan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roles = {"now": {}, "before": {"from": "prior", "rule": {"slices": {"least": 10}}}}
    model_folder(scan.parent / "models", "change", inputs=roles, stages=[stage(roles=list(roles))])
    assert cli.main(["route", "explain", str(scan)]) == 0
    lines = capsys.readouterr().out.splitlines()
    asked = [line for line in lines if line.startswith("    as ")]
    assert asked == ["    as now: fits", "    as before of a later study: does not fit"]
    assert "      - slices are at least 10: 6" in lines


def test_one_file_as_json(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["route", "explain", "--json", str(scan / "0.dcm")]) == 0
    [explained] = json.loads(capsys.readouterr().out)["series"]
    assert explained["series"] == uid()
    [route] = explained["routes"]
    assert (route["model"], route["matches"], route["verdict"]) == ("abdomen", True, "yes")


def test_looking_leaves_nothing_behind(scan: Path) -> None:
    assert cli.main(["route", "explain", str(scan)]) == 0
    assert not (scan.parent / "state").exists()


@pytest.mark.parametrize(
    ("named", "code", "sentence"),
    [
        ("README.txt", 1, "{folder}/README.txt is no DICOM file; name another one.\n"),
        ("nowhere", 2, "{folder}/nowhere is neither a file nor a series UID; name what is there.\n"),
    ],
)
def test_what_can_not_be_explained(
    scan: Path, capsys: pytest.CaptureFixture[str], named: str, code: int, sentence: str
) -> None:
    assert cli.main(["route", "explain", str(scan / named)]) == code
    assert capsys.readouterr().err == sentence.format(folder=scan)


def test_real_headers_are_all_explained(scan: Path, real_dicom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["route", "explain", "--json", str(real_dicom / "real")]) == 0
    explained = json.loads(capsys.readouterr().out)["series"]
    assert len(explained) > 10
    assert all(len(route["rules"]) == 3 for each in explained for route in each["routes"])
