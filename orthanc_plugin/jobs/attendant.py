"""A turn from the queue in, an attempt carried out and its outcome written down; in the threads of the engine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from orthanc_plugin.errors import Temporary
from orthanc_plugin.jobs.attempts import LostLease
from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.job import State
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.outcome import Outcome, finished, frames, outcome
from orthanc_plugin.jobs.room import Room

INSIST_EVERY_S = 1.0
T = TypeVar("T")
log = logging.getLogger(__name__)


class Attendant:
    def __init__(
        self, ledger: Ledger, worker: str, carry_out: Callable[[Lease], None], waits_s: Sequence[float]
    ) -> None:
        self._ledger = ledger
        self._worker = worker
        self._carry_out = carry_out
        self._waits_s = waits_s
        self._leases: dict[Turn, Lease] = {}
        self._room = Room()
        self._takes_no_more = threading.Event()
        self._never = threading.Event()

    @property
    def leases(self) -> list[Lease]:
        """Of the attempts that run just now."""
        return list(self._leases.values())

    def take_no_more(self) -> None:
        """Turns taken from now on wait for the end of the process, which gives them anew."""
        self._takes_no_more.set()

    def attend(self, turn: Turn) -> None:
        with self._room.place(alone=self._insist(lambda: self._ledger.attempts.deaths(turn.job_id)) > 0):
            self._attempt(turn)

    def _attempt(self, turn: Turn) -> None:
        if self._takes_no_more.is_set():
            self._never.wait()
        begun = self._insist(lambda: self._ledger.attempts.begin(turn, self._worker))
        if begun is None:
            return
        lease = Lease(*begun, self._ledger.attempts)
        self._leases[turn] = lease
        try:
            came_to = self._came_to(lease)
            self._insist(lambda: self._write_down(lease, came_to))
        except LostLease:
            log.info("job %s: the attempt lost its lease and ends", turn.job_id)
        finally:
            del self._leases[turn]

    def _came_to(self, lease: Lease) -> Outcome:
        """Whatever an attempt raises ends here; only a lost lease has no outcome."""
        try:
            self._carry_out(lease)
            return finished(0 if lease.job.order.shadow else self._ledger.attempts.unstored(lease.hold))
        except LostLease:
            raise
        except Exception as error:  # noqa: BLE001 - the one place that turns whatever happened into an outcome
            result = outcome(error)
            if result.is_bug:
                log.error("job %s: an error that nobody foresaw\n%s", lease.job.id, frames(error))
            return result

    def _write_down(self, lease: Lease, came_to: Outcome) -> None:
        if came_to.state is State.RETRYING:
            self._ledger.attempts.put_off(lease.hold, came_to.reason, lease.timings, self._waits_s)
        else:
            self._ledger.attempts.end(
                lease.hold, came_to.state, came_to.reason, lease.timings, lives_again=came_to.lives_again
            )
        log.info("job %s: %s %s", lease.job.id, came_to.state, came_to.reason)

    def _insist(self, write: Callable[[], T]) -> T:
        """A ledger that is away for a while loses nothing: what happened is written down when it is back."""
        while True:
            try:
                return write()
            except Temporary as error:
                log.warning("%s", error.sentence)
            self._never.wait(INSIST_EVERY_S)
