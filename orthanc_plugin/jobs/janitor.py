"""Keeps the books in order from every process that has the ledger open: a round may run twice, or be cut short."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from orthanc_plugin.errors import NodeError
from orthanc_plugin.jobs.attempts import Enrolled
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process

ROUND_MOST_S = 1.0
LOOKS_LEAST = 5
START_MOST_S = 60.0
THOROUGH_EVERY_S = 60.0
KEEP_TURNS = timedelta(hours=1)
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Silence:
    """How long a worker has not beaten, by this process's own clock: clocks of other machines don't matter."""

    beats: int
    since_s: float
    looks: int


class Janitor:
    def __init__(
        self,
        ledger: Ledger,
        lease_s: float,
        keep_ended: timedelta,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._lease_s = lease_s
        self._keep_ended = keep_ended
        self._seconds = seconds
        self._here = Process.mine().here
        self._silences: dict[str, Silence] = {}
        self._hung_since_s: dict[Process, float] = {}
        self._thorough_at_s = seconds()

    def start(self) -> Callable[[], None]:
        """Rounds in a thread of their own until the answer is called; what fails in one is tried again in the next."""
        stop = threading.Event()

        def rounds() -> None:
            while True:
                try:
                    self.round()
                except NodeError as error:
                    log.warning("%s", error.sentence)
                except Exception:
                    log.exception("a round of the janitor failed")
                if stop.wait(min(ROUND_MOST_S, self._lease_s / 5)):
                    return

        thread = threading.Thread(target=rounds, name="janitor", daemon=True)
        thread.start()

        def end() -> None:
            stop.set()
            thread.join()

        return end

    def round(self) -> None:
        if self._dismiss_the_dead():
            self._take_back_turns()
        self._kill_the_hung()
        self._ledger.attempts.give_due_turns()
        if self._seconds() >= self._thorough_at_s:
            self._thorough_at_s = self._seconds() + THOROUGH_EVERY_S
            self._take_back_turns()
            self._give_lost_turns()
            self._forget()

    def _dismiss_the_dead(self) -> bool:
        enrolled = self._ledger.attempts.workers()
        self._silences = {worker.id: self._silence(worker) for worker in enrolled}
        dead = [worker for worker in enrolled if self._is_dead(worker)]
        for worker in dead:
            handed_on = self._ledger.attempts.dismiss(worker.id, died=True, beats=worker.beats)
            if worker.process.here == self._here:
                self._hung_since_s[worker.process] = self._seconds()
            log.warning("worker %s on %s is gone; handed on: %s", worker.id, worker.host, handed_on or "nothing")
        return bool(dead)

    def _is_dead(self, worker: Enrolled) -> bool:
        """Seen at once on this host, by silence elsewhere; looks count too, lest a pause of everything looks so."""
        if worker.process.here == self._here and not worker.process.lives:
            return True
        silence = self._silences[worker.id]
        return silence.looks >= LOOKS_LEAST and self._seconds() - silence.since_s > self._lease_s

    def _silence(self, worker: Enrolled) -> Silence:
        before = self._silences.get(worker.id)
        if before is None or before.beats != worker.beats:
            return Silence(worker.beats, self._seconds(), 1)
        return Silence(before.beats, before.since_s, before.looks + 1)

    def _kill_the_hung(self) -> None:
        """Who was given up starts anew as soon as it can; one that can't hangs in a call that keeps all its threads."""
        enrolled = {worker.process for worker in self._ledger.attempts.workers()} if self._hung_since_s else set()
        for process, since_s in list(self._hung_since_s.items()):
            if process in enrolled or not process.lives:
                del self._hung_since_s[process]
            elif process.is_stopped:
                self._hung_since_s[process] = self._seconds()
            elif self._seconds() - since_s > max(self._lease_s, START_MOST_S):
                log.warning("the worker process %s hangs and is killed", process.key)
                process.kill()

    def _take_back_turns(self) -> None:
        """Turns that a worker took from the queue and did not live to begin."""
        taken = self._ledger.dispatch.taken()
        alive = {worker.id for worker in self._ledger.attempts.workers()}
        orphans = [held.turn for held in taken if held.worker not in alive]
        self._ledger.attempts.give_again(orphans)
        self._ledger.dispatch.strike_out(orphans)

    def _give_lost_turns(self) -> None:
        """Jobs that wait for a turn that the engine does not know, or takes for ended."""
        waiting = self._ledger.attempts.waiting()
        known = {held.turn for held in self._ledger.dispatch.look_up(waiting) if not held.ended}
        lost = [turn for turn in waiting if turn not in known]
        given = self._ledger.attempts.give_again(lost)
        if given:
            log.warning("%d waiting jobs had no turn in the queue and got one", given)

    def _forget(self) -> None:
        now = self._ledger.now()
        while self._ledger.dispatch.sweep(now - KEEP_TURNS):
            pass
        while self._ledger.purge(now - self._keep_ended):
            pass
