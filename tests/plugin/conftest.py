"""A real Orthanc with the real plugin; in place of the intake and worker processes, two that only take notes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from orthanc_plugin.people import credentials
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).with_name("stand_in.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class House:
    """A copy of the project in which the command line is the stand-in; the state folder and ports are its own."""

    def __init__(self, folder: Path, *, packages: bool = True, section: dict[str, Any] | None = None) -> None:
        self.project = folder / "project"
        self.state = folder / "state"
        self.log = folder / "log"
        self.http_port, self.dicom_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        shutil.copytree(
            PROJECT / "orthanc_plugin", self.project / "orthanc_plugin", ignore=shutil.ignore_patterns("__pycache__")
        )
        shutil.copy(STAND_IN, self.project / "orthanc_plugin" / "cli.py")
        written = (PROJECT / "orthanc.json").read_text("utf-8")
        assert '"Inference": {}' in written
        (self.project / "orthanc.json").write_text(
            written.replace('"Inference": {}', f'"Inference": {json.dumps(section or {})}')
        )
        if packages:
            (self.project / ".venv").symlink_to(PROJECT / ".venv")
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("INFERENCE_")}
        environment = kept | {
            "INFERENCE_DATA": str(self.state),
            "INFERENCE_HOME": str(self.project),
            "INFERENCE_HTTP_PORT": str(self.http_port),
            "INFERENCE_DICOM_PORT": str(self.dicom_port),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["Orthanc", "orthanc.json"], env=environment, cwd=self.project, stdout=log, stderr=log
            )
        return self.process

    def start(self) -> None:
        self.launch()
        eventually(self.answers, what=f"Orthanc (see {self.log})")
        eventually(lambda: self.notes("intake") and self.notes("worker"), what="both processes")

    def answers(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text()
        try:
            return requests.get(self.url, timeout=5).status_code == 401
        except requests.ConnectionError:
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def notes(self, name: str) -> list[str]:
        """What the stand-in of that name wrote down: its number first, then the lines that it heard."""
        path = self.state / f"{name}.notes"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def password(self) -> tuple[str, str]:
        made = credentials.read(self.state)
        return made.username, made.password

    def ask(self, method: str, path: str, **arguments: Any) -> requests.Response:
        arguments.setdefault("auth", self.password)
        return requests.request(method, self.url + path, timeout=30, allow_redirects=False, **arguments)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """For tests that leave it as it was."""
    opened = House(tmp_path_factory.mktemp("house"))
    opened.start()
    yield opened
    opened.end()


@pytest.fixture
def own_house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path)
    yield opened
    opened.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
