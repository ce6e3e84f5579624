"""The intake process as the plugin starts it: its own process, lines on its input, killed and started again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.jobs.job import Job
from orthanc_plugin.jobs.ledger import Ledger
from tests.builders.series import Scan, part10, slices
from tests.orthanc_server import OrthancServer
from tests.routing.cards import model_folder
from tests.waiting import eventually

STARTED_WITHIN_S = 60


class Running:
    """The process on a state folder; `send` tells it of each instance, as the plugin does."""

    def __init__(self, server: OrthancServer, folder: Path) -> None:
        self.server = server
        self.ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        self._folder = folder
        self._environment = os.environ | {
            "INFERENCE_SETTINGS": "{}",
            "INFERENCE_DATA": str(folder),
            "INFERENCE_ORTHANC_URL": server.url,
            "INFERENCE_ORTHANC_AUTHORIZATION": "Bearer none",
            "INFERENCE_DATABASE_URL": f"sqlite:///{folder}/ledger.db",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = f'{{"ModelsFolder": "{self._folder}/models"}}'
        with (self._folder / "intake.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orthanc_plugin.cli", "intake"],
                stdin=subprocess.PIPE,
                stderr=log,
                env=self._environment | {"INFERENCE_SETTINGS": settings},
            )

    def send(self, datasets: list[Dataset], *, unnoticed: bool = False) -> None:
        for dataset in datasets:
            self.server.post(part10(dataset))
            if not unnoticed and self._process is not None and self._process.stdin is not None:
                os.write(self._process.stdin.fileno(), b"arrived\n")

    def released(self, series: list[Dataset]) -> Job | None:
        jobs, _ = self.ledger.jobs(series=str(series[0].SeriesInstanceUID))
        return next((job for job in jobs if job.order.released), None)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._end()

    def end_input(self) -> int:
        assert self._process is not None
        return self._end()

    def _end(self) -> int:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(20)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self.ledger.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    state = tmp_path / "state"
    state.mkdir()
    model_folder(state / "models")
    with OrthancServer(tmp_path / "orthanc") as server:
        process = Running(server, state)
        yield process
        process.close()


def test_series_are_ordered_over_kills_of_intake_and_orthanc_until_the_input_ends(running: Running) -> None:
    running.start()
    first, second, third = (slices(Scan(slices=8, name=f"whole {number}")) for number in range(3))
    running.send(first)
    eventually(lambda: running.released(first), within_s=STARTED_WITHIN_S, what="the first series")

    running.kill()
    running.send(second, unnoticed=True)
    running.server.kill()
    running.start()
    running.server.start()
    eventually(lambda: running.released(second), within_s=STARTED_WITHIN_S, what="what came while nobody watched")

    running.server.kill()
    running.server.start()
    running.send(third)
    eventually(lambda: running.released(third), within_s=STARTED_WITHIN_S, what="the series after Orthanc was away")

    assert len(running.ledger.jobs()[0]) == 3
    assert running.end_input() == 0
