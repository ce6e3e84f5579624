"""What an attempt holds while it works: its job, and the right to write to it until the job is somebody else's."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.jobs.attempts import Attempts, Hold, LostLease
from orthanc_plugin.jobs.job import Job, PlannedResult, Record

RELEASE_POLL_S = 0.1
SOURCE_POLL_S = 2.0
"""Whoever released the job may never come when the series went, so the job looks for itself."""
log = logging.getLogger(__name__)


class Lease:
    """Every method but `job` and `timings` raises LostLease when the attempt has to stop."""

    def __init__(self, job: Job, hold: Hold, attempts: Attempts, seconds: Callable[[], float] = time.monotonic) -> None:
        self.job = job
        self.hold = hold
        self._attempts = attempts
        self._seconds = seconds
        self._began_s = seconds()
        self._waiting_since_s: float | None = None
        self._waited_s = 0.0
        self._timings: dict[str, float] = {}
        self._lost = threading.Event()
        self._lost_at_s = 0.0

    @property
    def timings(self) -> Mapping[str, float]:
        return dict(self._timings)

    @property
    def worked_s(self) -> float:
        """Since the beginning, without the time that the job waited for its release."""
        now = self._seconds()
        waiting_s = 0.0 if self._waiting_since_s is None else now - self._waiting_since_s
        return now - self._began_s - self._waited_s - waiting_s

    @property
    def is_overdue(self) -> bool:
        limit_s = self.job.order.limit_s
        return limit_s is not None and self.worked_s > limit_s

    @property
    def lost_for_s(self) -> float:
        return self._seconds() - self._lost_at_s if self._lost.is_set() else 0.0

    def lose(self) -> None:
        """Says it from another thread: the next call of the attempt raises."""
        if not self._lost.is_set():
            self._lost_at_s = self._seconds()
            self._lost.set()

    def check(self) -> None:
        """Asks the ledger, so that an attempt that slept through its lease does nothing more."""
        if self._lost.is_set() or self._attempts.lost([self.hold]):
            self.lose()
            raise LostLease

    @contextmanager
    def step(self, verb: str) -> Iterator[None]:
        """One step of the job; the seconds of steps with the same verb add up."""
        self.check()
        began_s = self._seconds()
        try:
            yield
        finally:
            took_s = self._seconds() - began_s
            self._timings[verb] = self._timings.get(verb, 0.0) + took_s
            log.info("job %s: %s took %.3f s", self.job.id, verb, took_s)
        self._attempts.note(self.hold, self._timings)

    def predecessors(self, holds: Callable[[str], bool]) -> tuple[PlannedResult, ...]:
        """The results that this job's take the place of and the archive `holds`; once planned, always the same."""
        return self._attempts.predecessors(self.hold, holds)

    def plan(self, results: Sequence[PlannedResult], record: Record | None = None) -> None:
        self._attempts.plan(self.hold, results, record)

    def await_release(self, look: Callable[[], None]) -> None:
        """Returns when results may be published; this time does not count against the job's limit.

        `look` is called now and then, and raises when there is nothing to wait for any more.
        """
        self._waiting_since_s = looked_s = self._seconds()
        try:
            while not self._attempts.released(self.hold):
                if self._lost.wait(RELEASE_POLL_S):
                    raise LostLease
                if self._seconds() - looked_s >= SOURCE_POLL_S:
                    look()
                    looked_s = self._seconds()
        finally:
            self._waited_s += self._seconds() - self._waiting_since_s
            self._waiting_since_s = None

    def receive(self, receipt: Receipt) -> None:
        self._attempts.receive(self.hold, receipt)

    def superseded(self, *, removed: bool) -> list[str]:
        """The SOPInstanceUIDs of what goes now that this job's results are there; `removed` says that results do."""
        return self._attempts.superseded(self.hold, removed=removed)

    def succeed(self, *, removed: bool) -> None:
        """All is stored, and what it supersedes `removed` or left beside it."""
        self._attempts.succeed(self.hold, removed=removed)
