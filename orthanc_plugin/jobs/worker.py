"""A worker process: settings and what to do with a job in, attempts taken from the queue and brought to their end."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn, Protocol

from orthanc_plugin.errors import NodeError, Temporary
from orthanc_plugin.jobs import engine
from orthanc_plugin.jobs.attempts import LostLease
from orthanc_plugin.jobs.attendant import Attendant
from orthanc_plugin.jobs.janitor import Janitor
from orthanc_plugin.jobs.job import State
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process

POLL_S = 0.2
TICK_S = 0.2
GRACE_S = 2.0
LEAVE_S = 3.0
LONGEST_WAIT_S = 600.0
log = logging.getLogger(__name__)


class WorkerSettings(Protocol):
    """The part of the node's settings that a worker reads."""

    @property
    def database_url(self) -> str: ...
    @property
    def lease_s(self) -> float: ...
    @property
    def attempts_most(self) -> int: ...
    @property
    def jobs_at_once(self) -> int: ...
    @property
    def keep_ended_jobs_days(self) -> int: ...


def run(settings: WorkerSettings, carry_out: Callable[[Lease], None], *, retry_after_s: float = 5.0) -> NoReturn:
    """Until SIGTERM or SIGINT; from the main thread, once in a process, which it ends or replaces."""
    ledger = Ledger(settings.database_url)
    worker = _enrol(ledger)
    attendant = Attendant(ledger, worker, carry_out, waits_s(settings.attempts_most, retry_after_s))
    watch = Watch(ledger, worker, attendant, settings.lease_s / 5)
    for leave in (signal.SIGTERM, signal.SIGINT):
        signal.signal(leave, lambda *_: watch.leave())
    Janitor(ledger, settings.lease_s, timedelta(days=settings.keep_ended_jobs_days)).start()
    ledger.dispatch.set_up_queues(settings.jobs_at_once, POLL_S)
    engine.launch(ledger.database, worker, attendant.attend)
    log.info("worker %s takes %d jobs at once", worker, settings.jobs_at_once)
    _repeat(watch.look, TICK_S)


def waits_s(attempts_most: int, first_s: float) -> list[float]:
    """Between the attempts at a job that meets Temporary: 5, 15, 45 and 135 s outlast a restart of the archive."""
    return [min(first_s * 3**setback, LONGEST_WAIT_S) for setback in range(attempts_most - 1)]


class Watch:
    """From the main thread: beats, looks after leases and limits, leaves when asked, replaces a process that hangs."""

    def __init__(self, ledger: Ledger, worker: str, attendant: Attendant, beat_every_s: float) -> None:
        self._ledger = ledger
        self._worker = worker
        self._attendant = attendant
        self._beat_every_s = beat_every_s
        self._beat_at_s = 0.0
        self._leaving_since_s: float | None = None
        self._is_given_up = False
        self._is_asked_to_leave = False

    def leave(self) -> None:
        """From a signal handler: only says it, the next look does it."""
        self._is_asked_to_leave = True

    def look(self) -> None:
        self._beat()
        leases = self._attendant.leases
        self._end_overdue(leases)
        lost = self._ledger.attempts.lost([lease.hold for lease in leases])
        for lease in leases:
            if lease.hold in lost:
                lease.lose()
        self._leave_if_asked()
        if self._is_given_up and not self._attendant.leases:
            self._replace("it was silent for longer than its lease, and its jobs were handed on")
        if any(lease.lost_for_s > GRACE_S for lease in self._attendant.leases):
            self._replace("a call did not return after its job was taken away")

    def _beat(self) -> None:
        if self._is_given_up or time.monotonic() < self._beat_at_s:
            return
        self._beat_at_s = time.monotonic() + self._beat_every_s
        if not self._ledger.attempts.beat(self._worker):
            self._is_given_up = True
            self._attendant.take_no_more()

    def _end_overdue(self, leases: list[Lease]) -> None:
        for lease in leases:
            if lease.is_overdue and not lease.lost_for_s:
                sentence = (
                    f"The job was stopped at its limit of {lease.job.order.limit_s:g} s; "
                    "try it again when the machine is less busy, or raise the limit in the model's card."
                )
                try:
                    self._ledger.attempts.end(lease.hold, State.FAILED, sentence, lease.timings)
                except LostLease:
                    log.info("job %s: ended just before its limit", lease.job.id)
                lease.lose()

    def _leave_if_asked(self) -> None:
        if not self._is_asked_to_leave:
            return
        if self._leaving_since_s is None:
            log.info("worker %s leaves when its jobs are done, in %g s at the latest", self._worker, LEAVE_S)
            self._attendant.take_no_more()
            self._leaving_since_s = time.monotonic()
        if not self._attendant.leases or time.monotonic() - self._leaving_since_s > LEAVE_S:
            self._hand_back()
            log.info("worker %s ends as asked", self._worker)
            _end(0)

    def _replace(self, why: str) -> NoReturn:
        """The only end for a thread that does not return; the process number stays, so no supervisor is needed."""
        log.warning("worker %s starts anew: %s", self._worker, why)
        self._attendant.take_no_more()
        self._hand_back()
        _flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606

    def _hand_back(self) -> None:
        """No death for the jobs that still run, and their turns and those not begun go to others."""
        try:
            self._ledger.attempts.dismiss(self._worker, died=False)
            turns = [held.turn for held in self._ledger.dispatch.taken() if held.worker == self._worker]
            self._ledger.attempts.give_again(turns)
            self._ledger.dispatch.strike_out(turns)
        except Temporary as error:
            log.warning("%s", error.sentence)


def _enrol(ledger: Ledger) -> str:
    """A new life; an earlier one of this very process, which started anew, is over."""
    process = Process.mine()
    for earlier in ledger.attempts.workers():
        if earlier.process == process:
            ledger.attempts.dismiss(earlier.id, died=False)
    return ledger.attempts.enrol(socket.gethostname(), process)


def _repeat(action: Callable[[], None], every_s: float) -> NoReturn:
    """A ledger that is away is waited for; anything else that fails is a bug and ends the process."""
    never = threading.Event()
    while True:
        try:
            action()
        except Temporary as error:
            log.warning("%s", error.sentence)
        except NodeError as error:
            log.error("the worker ends: %s", error.sentence)
            _end(1)
        except Exception:
            log.exception("the worker ends on an error that nobody foresaw")
            _end(1)
        never.wait(every_s)


def _end(code: int) -> NoReturn:
    """Without waiting for threads that may not return."""
    _flush()
    os._exit(code)


def _flush() -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
