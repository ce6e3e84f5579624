"""A worker as the tests start it: `python -m tests.jobs.worker_process URL LEASE_S JOBS_AT_ONCE FOLDER`.

What it does with a job is in the job's parameter `act`; FOLDER gets a line for each thing that happened.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.errors import Broken, Temporary, Unsuitable
from orthanc_plugin.jobs import worker
from orthanc_plugin.jobs.attempts import Attempts, Hold, LostLease
from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.job import Job, PlannedResult
from orthanc_plugin.jobs.lease import Lease


@dataclass(frozen=True)
class Settings:
    database_url: str
    lease_s: float
    jobs_at_once: int
    attempts_most: int = 3
    keep_ended_jobs_days: int = 90


class Acts:
    """One method for each value of `act`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def carry_out(self, lease: Lease) -> None:
        self._note(lease, "begins")
        act = str(dict(lease.job.order.parameters).get("act", "store"))
        getattr(self, act.replace("-", "_"))(lease)

    def store(self, lease: Lease) -> None:
        result = PlannedResult("SEG", f"2.25.{lease.job.id}.1", f"2.25.{lease.job.id}")
        with lease.step("infer"):
            pass
        lease.plan([result])
        with lease.step("await"):
            lease.await_release(lambda: None)
        with lease.step("store"):
            self._note(lease, "stores")
            lease.receive(Receipt("SEG", result.sop_instance_uid, result.series_instance_uid))

    def store_when_told(self, lease: Lease) -> None:
        """Waits, and asks for its lease only before the store, as a long computation does."""
        while not (self._folder / f"go-{lease.job.id}").exists():
            time.sleep(0.01)
        try:
            self.store(lease)
        except LostLease:
            self._note(lease, "lost")
            raise

    def wait_kindly(self, lease: Lease) -> None:
        while True:
            lease.check()
            time.sleep(0.01)

    def sleep_in_c(self, lease: Lease) -> None:
        ctypes.CDLL(None).sleep(600)

    def die(self, lease: Lease) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def die_after_store(self, lease: Lease) -> None:
        self.store(lease)
        if lease.job.attempts == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def be_unsuitable(self, lease: Lease) -> None:
        raise Unsuitable("The series has one slice; the model needs ten.")

    def be_broken(self, lease: Lease) -> None:
        raise Broken("The model gave no segments.")

    def be_temporary(self, lease: Lease) -> None:
        raise Temporary("Orthanc does not answer.")

    def be_a_bug(self, lease: Lease) -> None:
        raise KeyError("Doe^Jane".upper())

    def forget_to_store(self, lease: Lease) -> None:
        lease.plan([PlannedResult("SEG", "2.25.1", "2.25.2")])

    def _note(self, lease: Lease, what: str) -> None:
        with (self._folder / "log").open("a", encoding="utf-8") as log:
            log.write(f"{lease.job.id} {what} {os.getpid()}\n")


def hold_before_begin(folder: Path) -> None:
    """While FOLDER/hold exists, turns are taken from the queue and not begun."""
    begin = Attempts.begin

    def held(self: Attempts, turn: Turn, worker: str) -> tuple[Job, Hold] | None:
        while (folder / "hold").exists():
            (folder / "held").touch()
            time.sleep(0.01)
        return begin(self, turn, worker)

    Attempts.begin = held  # type: ignore[method-assign]


if __name__ == "__main__":
    url, lease_s, jobs_at_once, folder = sys.argv[1:]
    hold_before_begin(Path(folder))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    settings = Settings(url, float(lease_s), int(jobs_at_once))
    worker.run(settings, Acts(Path(folder)).carry_out, retry_after_s=0.1)
