"""What graphs run on at a worker's machine, written into the ledger by the worker and read by whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from orthanc_plugin.jobs.ledger import Ledger


@dataclass(frozen=True)
class DeviceReport:
    """`fallback` is empty, or the sentence that says what was asked for and why it is not that."""

    device: str
    wanted: str
    fallback: str


def leave(ledger: Ledger, host: str, report: DeviceReport) -> None:
    ledger.remember(_key(host), json.dumps(asdict(report)))


def reports(ledger: Ledger) -> Iterator[DeviceReport]:
    """Of the machines that have a worker now."""
    for host in sorted({worker.host for worker in ledger.attempts.workers()}):
        written = ledger.recall(_key(host))
        if written is not None:
            yield DeviceReport(**json.loads(written))


def _key(host: str) -> str:
    return f"worker/{host}/device"
