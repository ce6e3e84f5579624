"""Where the plugin can't do its work Orthanc must not run: without the filter it would be open."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from tests.plugin.conftest import House


def refusal(house: House) -> str:
    """The log of an Orthanc that ended by itself, having listened to nobody."""
    code = house.launch().wait(30)
    assert code not in (0, None)
    log = house.log.read_text()
    assert "HTTP server listening" not in log
    assert "DICOM server listening" not in log
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", house.http_port)) != 0
    return log


def test_a_key_that_is_not_known(tmp_path: Path) -> None:
    log = refusal(House(tmp_path, section={"Divice": "cpu"}))
    assert '"Inference.Divice" is not a key of the node; allowed are AskSenders, AttemptsMost, ' in log


def test_a_value_that_is_wrong(tmp_path: Path) -> None:
    log = refusal(House(tmp_path, section={"JobsAtOnce": 0}))
    assert '"Inference.JobsAtOnce" is 0; allowed is a whole number from 1 to 64.' in log


def test_an_environment_that_is_not_there(tmp_path: Path) -> None:
    house = House(tmp_path, packages=False)
    log = refusal(house)
    assert "The inference node can't start: No module named 'pydantic'. " in log
    release = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert f"Its packages for {release} belong in {house.project}/.venv; run script/setup." in log


def test_a_state_folder_that_can_not_be_written(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.state.write_text("a file")
    log = refusal(house)
    assert f"The state folder {house.state} can't be written: " in log


@pytest.mark.parametrize("room", ["people/access.py", "web/desk.py", "plugin.py"])
def test_a_plugin_that_is_broken(tmp_path: Path, room: str) -> None:
    house = House(tmp_path)
    (house.project / "orthanc_plugin" / room).write_text("raise ZeroDivisionError\n")
    refusal(house)
