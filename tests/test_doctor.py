import importlib.metadata as installed
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement

from orthanc_plugin import doctor
from orthanc_plugin.doctor import Finding
from orthanc_plugin.encode import lettering
from orthanc_plugin.people import credentials
from orthanc_plugin.settings import Settings, from_orthanc
from tests.routing.cards import model_folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    section = {
        "StateFolder": str(tmp_path / "state"),
        "ModelsFolder": str(tmp_path / "models"),
        "OrthancUrl": "http://127.0.0.1:9",
    }
    return from_orthanc(json.dumps({"Inference": section}), {})


def test_this_environment_is_as_the_plugin_needs_it() -> None:
    assert all(finding.well for finding in (*doctor.python(), *doctor.packages(), *doctor.runtime()))


def test_another_python_than_the_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: SimpleNamespace(stdout="Python 3.99.1\n"))
    [finding] = doctor.python()
    assert not finding.well
    assert finding.sentence.endswith(", Orthanc's plugin 3.99; remove .venv and run script/setup.")


@pytest.mark.parametrize(
    ("wanted", "well"),
    [("pydicom>=3", True), ("pydicom>=99", False), ("no-such-package", False), ('no-such; extra == "gpu"', True)],
)
def test_packages_that_are_missing_or_too_old(wanted: str, well: bool) -> None:
    assert doctor.satisfied(Requirement(wanted)) is well


def test_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "requires", lambda _name: ["pydicom>=99"])
    assert list(doctor.packages()) == [
        Finding("packages", False, "Missing or of a wrong release: pydicom>=99; run script/setup.")
    ]


def test_letters_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lettering, "TYPEFACE", tmp_path / "font.ttc")
    assert list(doctor.letters()) == [
        Finding(
            "letters",
            False,
            "The pages' font is missing, so Korean and other letters become question marks; run script/setup.",
        )
    ]
    (tmp_path / "font.ttc").touch()
    assert [finding.well for finding in doctor.letters()] == [True]


def distributions(*names: str) -> list[Any]:
    return [SimpleNamespace(metadata={"Name": name}) for name in names]


def test_runtimes_exclude_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "distributions", lambda: distributions("onnxruntime", "onnxruntime-gpu", "numpy"))
    assert list(doctor.runtime()) == [
        Finding(
            "runtime",
            False,
            "onnxruntime and onnxruntime-gpu overwrite one another; remove .venv and run script/setup.",
        )
    ]
    monkeypatch.setattr(installed, "distributions", lambda: distributions("numpy"))
    assert list(doctor.runtime()) == [
        Finding("runtime", False, "No ONNX Runtime is installed; remove .venv and run script/setup.")
    ]


def test_a_node_that_was_never_started(settings: Settings) -> None:
    path = settings.state_folder
    assert list(doctor.state_folder(settings)) == [
        Finding("state folder", True, f"{path} is not there yet; the first start makes it.")
    ]
    assert list(doctor.password(settings)) == [
        Finding("credentials", True, f"{path}/credentials.json is not there yet; the first start makes it.")
    ]
    assert list(doctor.ledger(settings)) == [
        Finding("ledger", True, "The ledger is not there yet; the first start makes it.")
    ]


def test_a_state_folder_that_is_open_to_everybody(settings: Settings) -> None:
    settings.state_folder.mkdir()
    settings.state_folder.chmod(0o755)
    finding, disk = doctor.state_folder(settings)
    assert finding == Finding(
        "state folder",
        False,
        f"{settings.state_folder} holds patients' data and is open to every user of this machine; chmod 700 it.",
    )
    assert disk.well


def test_a_password_that_others_can_read(settings: Settings) -> None:
    credentials.read_or_make(settings.state_folder)
    path = settings.state_folder / "credentials.json"
    assert list(doctor.password(settings)) == [Finding("credentials", True, f"{path} is its owner's alone.")]
    path.chmod(0o644)
    assert list(doctor.password(settings)) == [
        Finding("credentials", False, f"{path} can be read by other users; chmod 600 it and change the password.")
    ]


def test_models(settings: Settings) -> None:
    [finding] = doctor.models(settings)
    assert not finding.well
    model_folder(settings.models_folder)
    assert list(doctor.models(settings)) == [Finding("models", True, "Installed: abdomen 1.0.0.")]


def test_a_node_that_does_not_run(settings: Settings) -> None:
    credentials.read_or_make(settings.state_folder)
    assert list(doctor.orthanc(settings)) == [
        Finding("node", False, "Nothing answers at http://127.0.0.1:9; start the node with script/server.")
    ]


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_another_program_at_the_nodes_port(
    settings: Settings, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.read_or_make(settings.state_folder)
    monkeypatch.setattr(doctor, "PATIENCE_S", 0.2)
    url = f"http://127.0.0.1:{silent_port}"
    assert list(doctor.orthanc(settings.model_copy(update={"orthanc_url": url}))) == [
        Finding("node", False, f"Another program answers at {url}; end it or change the port.")
    ]


def test_a_wrong_setting_ends_the_examination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERENCE_SETTINGS", '{"Device": "tpu"}')
    monkeypatch.delenv("INFERENCE_DEVICE", raising=False)
    *_, last = doctor.findings()
    assert last == Finding(
        "configuration",
        False,
        '"Inference.Device" is "tpu"; allowed is "auto", "cpu", "openvino", "cuda", "cuda:" with a number, '
        "or several with commas between.",
    )
