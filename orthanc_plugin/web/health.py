"""How each part of the node is in, one word for the whole out: ok, degraded (it works, look after it) or down."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from orthanc_plugin.errors import NodeError
from orthanc_plugin.web.message import Answer, found

if TYPE_CHECKING:  # the plugin imports this file, and nothing heavy belongs in Orthanc's process
    from orthanc_plugin.jobs.device_report import DeviceReport

PATH = "/inference/api/health"
LEAST_FREE_BYTES = 1 << 30


class Status(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True)
class Check:
    """One part; the sentence says what is wrong with it, and nothing when all is well."""

    part: str
    status: Status
    sentence: str = ""


def answer(checks: Iterable[Check]) -> Answer:
    known = tuple(checks)
    statuses = {check.status for check in known}
    whole = next((status for status in (Status.DOWN, Status.DEGRADED) if status in statuses), Status.OK)
    parts = {check.part: {"status": check.status, "detail": check.sentence} for check in known}
    code = HTTPStatus.SERVICE_UNAVAILABLE if whole is Status.DOWN else HTTPStatus.OK
    return found({"status": whole, "checks": parts}, code)


def tried(part: str, attempt: Callable[[], object]) -> Check:
    """Down with its sentence when the attempt fails."""
    try:
        attempt()
    except NodeError as error:
        return Check(part, Status.DOWN, error.sentence)
    return Check(part, Status.OK)


def worker(processes: Mapping[str, str]) -> Check:
    if processes.get("worker") == "running":
        return Check("worker", Status.OK)
    sentence = "The worker process is not running; it is being started again, and jobs wait. The log says why it ended."
    return Check("worker", Status.DEGRADED, sentence)


def device(reports: Iterable[DeviceReport]) -> Check:
    """Of the machines on which workers run: a fallback is work for somebody."""
    sentences = sorted({report.fallback for report in reports if report.fallback})
    return Check("device", Status.DEGRADED if sentences else Status.OK, " ".join(sentences))


def models(installed: int, problems: Iterable[str]) -> Check:
    sentences = list(problems)
    if not installed:
        sentences.insert(0, "No model is installed, so no series gets a result.")
    return Check("models", Status.DEGRADED if sentences else Status.OK, " ".join(sentences))


def disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    if free >= LEAST_FREE_BYTES:
        return Check("disk", Status.OK)
    sentence = f"The disk of the state folder {folder} has {free >> 20} MiB left; free some space before it is full."
    return Check("disk", Status.DEGRADED, sentence)
