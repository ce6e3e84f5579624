import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from orthanc_plugin.errors import Temporary
from orthanc_plugin.jobs.device_report import DeviceReport
from orthanc_plugin.web import health
from orthanc_plugin.web.health import Check, Status


@pytest.mark.parametrize(
    ("statuses", "whole", "code"),
    [
        ([], "ok", 200),
        ([Status.OK, Status.OK], "ok", 200),
        ([Status.OK, Status.DEGRADED], "degraded", 200),
        ([Status.DOWN, Status.DEGRADED], "down", 503),
    ],
)
def test_the_whole_is_as_well_as_its_worst_part(statuses: list[Status], whole: str, code: int) -> None:
    given = health.answer(Check(f"part {number}", status) for number, status in enumerate(statuses))

    assert (given.status, json.loads(given.body)["status"]) == (code, whole)


def test_an_attempt_that_fails_is_down_with_its_sentence() -> None:
    def fail() -> None:
        raise Temporary("The archive is away.")

    assert health.tried("archive", fail) == Check("archive", Status.DOWN, "The archive is away.")
    assert health.tried("archive", lambda: None) == Check("archive", Status.OK)


@pytest.mark.parametrize("processes", [{}, {"worker": "ended"}])
def test_a_worker_that_does_not_run(processes: dict[str, str]) -> None:
    assert health.worker(processes) == Check(
        "worker",
        Status.DEGRADED,
        "The worker process is not running; it is being started again, and jobs wait. The log says why it ended.",
    )
    assert health.worker({"worker": "running"}).status is Status.OK


def test_models_that_are_missing_or_wrong() -> None:
    assert health.models(1, []) == Check("models", Status.OK)
    assert health.models(0, []).sentence == "No model is installed, so no series gets a result."
    assert health.models(1, ["One is wrong.", "Another too."]) == Check(
        "models", Status.DEGRADED, "One is wrong. Another too."
    )


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.disk(tmp_path).part == "disk"
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=300 << 20))

    assert health.disk(tmp_path) == Check(
        "disk",
        Status.DEGRADED,
        f"The disk of the state folder {tmp_path} has 300 MiB left; free some space before it is full.",
    )


def test_a_device_that_stands_in_for_another_is_degraded() -> None:
    fallen = DeviceReport("cpu", "cuda,cpu", "The graphs run on cpu and not on cuda, which was asked for: no driver.")

    assert health.device([fallen, fallen, DeviceReport("cpu", "cpu", "")]) == Check(
        "device", Status.DEGRADED, "The graphs run on cpu and not on cuda, which was asked for: no driver."
    )
    assert health.device([]) == Check("device", Status.OK)
