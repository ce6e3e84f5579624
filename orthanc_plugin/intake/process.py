"""Lines on the standard input in, looks at the right moments out: the intake process until its input ends.

`arrived` says that an instance was stored, `gone ID` that a series left, `job ID` and `ended ID` that Orthanc has a new
job and has done it; the end of input, that Orthanc is gone.
"""

from __future__ import annotations

import fcntl
import logging
import os
import select
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from orthanc_plugin.archive.rest import RestArchive
from orthanc_plugin.errors import ConfigurationError, NodeError
from orthanc_plugin.inference.region import RegionNetwork
from orthanc_plugin.intake.intake import LOOK_LEAST_S, Intake
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.pixels import Pixels
from orthanc_plugin.jobs.janitor import Janitor
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.faults import fault
from orthanc_plugin.settings import Settings
from orthanc_plugin.web import api
from orthanc_plugin.web.desk import Desk, address

logger = logging.getLogger(__name__)

STANDBY_S = 0.5
PAUSE_LEAST_S = 0.2
PAUSE_MOST_S = 5.0
READ_AT_ONCE = 65536


class Lines:
    """The lines of a file descriptor, and a way to be woken by another thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._rest = b""

    def wake(self) -> None:
        """From any thread; a pipe that is full wakes as well."""
        try:
            os.write(self._waker, b"\0")
        except BlockingIOError:
            return

    def wait(self, seconds: float) -> tuple[str, ...] | None:
        """What came within that time, an empty line for a wake; None at the end of input."""
        ready, _, _ = select.select([self._descriptor, self._woken], [], [], max(0.0, seconds))
        lines: tuple[str, ...] = ()
        if self._woken in ready:
            os.read(self._woken, READ_AT_ONCE)
            lines = ("",)
        if self._descriptor not in ready:
            return lines
        read = os.read(self._descriptor, READ_AT_ONCE)
        if not read:
            return None
        *whole, self._rest = (self._rest + read).split(b"\n")
        return (*lines, *(line.decode("utf-8", "replace").strip() for line in whole))


@dataclass
class Moments:
    """When the next look is due, on the clock of the loop."""

    looked_s: float
    due_s: float
    noticed_s: float
    pause_s: float = PAUSE_LEAST_S

    def wake(self, now_s: float) -> None:
        self.noticed_s = now_s
        self.due_s = min(self.due_s, max(now_s, self.looked_s + LOOK_LEAST_S))


def stand_by(lock: Path, lines: Lines) -> int | None:
    """The lock's descriptor once no other intake serves this state folder; None when the input ends before."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"The state folder {lock.parent} can't be written ({error.strerror}); correct its permissions."
        ) from error
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:
            if not told:
                logger.warning("Another intake serves this state folder; this one stands by until it ends")
            told = True
        if lines.wait(STANDBY_S) is None:
            os.close(descriptor)
            return None


def serve(make: Callable[[], Intake], lines: Lines, clock: Callable[[], float] = time.monotonic) -> None:
    """Until the input ends; while Orthanc or the ledger is away, with a growing pause."""
    intake: Intake | None = None
    now_s = clock()
    moments = Moments(looked_s=now_s, due_s=now_s, noticed_s=now_s)
    while (came := lines.wait(moments.due_s - clock())) is not None:
        now_s = clock()
        try:
            intake = intake or make()
            hear(intake, came, moments, now_s)
            if now_s >= moments.due_s:
                noticed_s = moments.noticed_s if moments.noticed_s > moments.looked_s else now_s
                moments.looked_s = now_s
                moments.due_s = intake.look(now_s, noticed_s)
                moments.pause_s = PAUSE_LEAST_S
        except NodeError as error:
            if moments.pause_s == PAUSE_LEAST_S:
                logger.warning("Intake pauses: %s", error.sentence)
            moments.due_s = clock() + moments.pause_s
            moments.pause_s = min(2 * moments.pause_s, PAUSE_MOST_S)


def hear(intake: Intake, lines: tuple[str, ...], moments: Moments, now_s: float) -> None:
    for line in lines:
        word, _, named = line.partition(" ")
        if word == "arrived":
            moments.wake(now_s)
            continue
        match word:
            case "job":
                intake.heard_job(named, now_s)
            case "ended":
                intake.heard_job_end(named)
            case "gone":
                intake.heard_gone(named, now_s)
            case "":
                intake.heard_sender(now_s)
            case _:
                logger.warning("A line on the standard input is none that intake knows")
                continue
        moments.due_s = now_s


def run(settings: Settings) -> None:
    """The whole process: intake by this thread, the plugin's questions answered beside it."""
    settings.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = Lines(sys.stdin.fileno())
    lock = stand_by(settings.state_folder / "intake.lock", lines)
    if lock is None:
        return
    authorization = settings.authorization()
    ledger = Ledger(settings.database_url)
    catalogue = Catalogue(settings.models_folder, settings.state_folder, refused=partial(fault, ledger))
    for problem in catalogue.problems:
        logger.warning(problem)
    orthanc = Orthanc(settings.orthanc_url, authorization)
    archive = RestArchive(settings.orthanc_url, authorization, rejected=ledger.rejections.of_series)
    classifier = RegionNetwork.on_cpu()
    orders = Orders(orthanc, archive, catalogue, ledger, Pixels(orthanc, classifier, ledger.rejections.of_series).of)
    rooms = api.Rooms(ledger, catalogue, orders, orthanc, settings.state_folder)
    desk = Desk(address(settings.state_folder), partial(api.answer, rooms=rooms))
    stop_tidying = Janitor(ledger, settings.lease_s, timedelta(days=settings.keep_ended_jobs_days)).start()
    try:
        serve(partial(Intake, orthanc, archive, orders, ledger, settings, lines.wake), lines)
    finally:
        desk.close()
        classifier.close()
        stop_tidying()
        ledger.close()
