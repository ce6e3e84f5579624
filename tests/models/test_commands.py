import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from orthanc_plugin import cli, settings
from orthanc_plugin.models import commands
from orthanc_plugin.routing.folder import folder_digest


@pytest.fixture(autouse=True)
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE_DATA", str(tmp_path / "state"))
    monkeypatch.setenv("INFERENCE_DEVICE", "cpu")
    monkeypatch.setenv("INFERENCE_SETTINGS", json.dumps({"ModelsFolder": str(tmp_path / "onnx_models")}))


def test_a_model_goes_in_is_listed_and_goes_back(bright: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = folder_digest(bright)
    assert cli.main(["models", "add", str(bright)]) == 0
    assert capsys.readouterr().out == f"Of the tests 1.0.0 is in; digest {first}.\n"

    card = json.loads((bright / "card.json").read_text())
    (bright / "card.json").write_text(json.dumps(card | {"version": "2.0.0"}))
    assert cli.main(["models", "add", str(bright), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "2.0.0"
    assert cli.main(["models", "list"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["bright", "2.0.0"]

    assert cli.main(["models", "rollback", "bright"]) == 0
    assert capsys.readouterr().out == f"Of the tests 1.0.0 is back; digest {first}.\n"
    assert cli.main(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["digest"] == first


def test_a_check_says_what_to_mend(bright: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "check", str(bright)]) == 0
    assert capsys.readouterr().out.endswith("ok    The graph model.onnx runs on cpu and answers as the card says.\n")
    (bright / "card.json").write_text("{")
    assert cli.main(["models", "check", str(bright)]) == 1
    assert capsys.readouterr().out == "MEND  The card.json of bright is not JSON; correct it.\n"
    assert cli.main(["models", "check", str(bright), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["well"] is False


def test_a_trial_names_the_files_that_it_wrote(
    bright: Path, series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert cli.main(["models", "try", str(bright), str(series), "--out", str(out), "--parameter", "height_m=1.8"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{out}/{name}" for name in ("SEG.dcm", "SR.dcm", "SC.dcm", "preview.png")
    ]


def test_what_is_used_wrongly(bright: Path, series: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "try", str(bright), str(series), "--parameter", "height"]) == 2
    assert capsys.readouterr().err == "height is no parameter; write NAME=VALUE.\n"
    assert cli.main(["models", "check", "/nowhere"]) == 1
    assert capsys.readouterr().err == "/nowhere is no folder; name the folder of a model.\n"


def test_an_import_without_torch_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "find_spec", lambda _name: None)
    assert cli.main(["import", "torchscript", "net.pt", "--out", str(tmp_path / "net")]) == 1
    requirements = settings.PROJECT / "export" / "requirements.txt"
    assert capsys.readouterr().err == (
        "Importing needs torch, monai, onnx, which the node does without; install them by "
        f"{sys.executable} -m pip install -r {requirements}\n"
    )
    named = {Requirement(line).name for line in requirements.read_text().splitlines() if not line.startswith("#")}
    assert set(commands.NEEDED) <= named


def test_an_import_without_the_importers_asks_for_a_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    assert cli.main(["import", "torchscript", "net.pt", "--out", str(tmp_path / "net")]) == 1
    assert capsys.readouterr().err == (
        f"Importing needs the folder export/, which {tmp_path} lacks; use a whole checkout.\n"
    )


def test_an_import_calls_the_importer_with_whole_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[list[str]] = []

    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        called.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(commands, "find_spec", lambda _name: object())
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.chdir(tmp_path)
    arguments = ["import", "nnunet", "trained", "--out", "spleen", "--card", "known.json", "--configuration", "2d"]

    assert cli.main(arguments) == 1

    assert called[0][1:] == [
        *("-m", "export.importers", "nnunet", str(tmp_path / "trained"), "--out", str(tmp_path / "spleen")),
        *("--card", str(tmp_path / "known.json"), "--configuration", "2d"),
    ]
