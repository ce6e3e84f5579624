"""Any order of events, as Hypothesis finds them, leaves books that add up."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.jobs.attempts import Hold, LostLease
from orthanc_plugin.jobs.job import PlannedResult, State
from orthanc_plugin.jobs.ledger import REPLACED, Ledger, NotNow
from orthanc_plugin.jobs.process import Process
from tests.jobs.builders import Clock, input_set, order
from tests.ledgers import url_in

ELSEWHERE = Process("another-boot/1", "1/1")
series = st.integers(1, 2)
sizes = st.integers(2, 3)


class Books(RuleBasedStateMachine):
    """Two series of two sizes, workers that live and die, holds that may have been lost long ago."""

    workers: Bundle[str] = Bundle("workers")
    holds: Bundle[Hold] = Bundle("holds")

    @initialize()
    def open(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._clock = Clock()
        self._ledger = Ledger(url_in(Path(self._folder.name)), self._clock)
        self._current: dict[str, Hold] = {}
        self._done: set[str] = set()

    def teardown(self) -> None:
        self._ledger.close()
        self._folder.cleanup()

    @rule(series=series, size=sizes, released=st.booleans())
    def propose(self, series: int, size: int, released: bool) -> None:
        """Nothing that is done is done again, save what was superseded by another size."""
        before = {job.id: job for job in self._ledger.jobs()[0]}
        job = self._ledger.propose(order(series, instances=size, released=released))
        if job.state is not State.DONE and job.id in self._done:
            assert before[job.id].reason == REPLACED
            self._done.remove(job.id)

    @rule(series=series, size=sizes)
    def replace(self, series: int, size: int) -> None:
        self._ledger.replace(f"1.2.1.{series}", input_set(series, instances=size).roles[0].fingerprint)

    @rule(target=workers)
    def enrol(self) -> str:
        return self._ledger.attempts.enrol("a-host", ELSEWHERE)

    @rule(worker=consumes(workers), died=st.booleans())
    def dismiss(self, worker: str, died: bool) -> None:
        self._ledger.attempts.dismiss(worker, died=died)

    @rule(target=holds, worker=workers, place=st.integers(0, 3))
    def begin(self, worker: str, place: int) -> Hold:
        """Any turn that waits; where none does, a hold on nothing."""
        waiting = self._ledger.attempts.waiting()
        if not waiting:
            return Hold(0, 0, worker)
        turn = waiting[place % len(waiting)]
        begun = self._ledger.attempts.begin(turn, worker)
        assert begun is not None
        self._current[turn.job_id] = begun[1]
        return begun[1]

    @rule(hold=holds, state=st.sampled_from([State.DONE, State.FAILED, State.SKIPPED, State.RETRYING]))
    def end(self, hold: Hold, state: State) -> None:
        """Only the newest hold on a job that still runs ends it."""
        job_id = str(hold.number)
        stands = self._current.get(job_id) == hold and not self._ledger.attempts.lost([hold])
        result = PlannedResult("SEG", f"2.25.{job_id}", "2.25.9")
        try:
            self._ledger.attempts.plan(hold, [result])
            self._ledger.attempts.receive(hold, Receipt("SEG", result.sop_instance_uid, "2.25.9"))
            if state is State.RETRYING:
                self._ledger.attempts.put_off(hold, "Away.", {}, [5.0])
            else:
                self._ledger.attempts.end(hold, state, "", {})
        except LostLease:
            assert not stands
            return
        assert stands
        if state is State.DONE:
            self._done.add(job_id)

    @rule(number=st.integers(1, 4), by=st.sampled_from(["cancel", "retry", "release"]))
    def by_hand(self, number: int, by: str) -> None:
        if str(number) in {job.id for job in self._ledger.jobs()[0]}:
            with suppress(NotNow):
                getattr(self._ledger, by)(str(number))

    @rule()
    def time_goes_on(self) -> None:
        self._clock.go_on(10)
        self._ledger.attempts.give_due_turns()

    @invariant()
    def every_waiting_job_has_a_turn_in_the_queue(self) -> None:
        waiting = self._ledger.attempts.waiting()
        known = {held.turn for held in self._ledger.dispatch.look_up(waiting) if not held.ended}
        assert known == set(waiting)

    @invariant()
    def every_running_job_has_one_holder_among_the_workers(self) -> None:
        alive = {worker.id for worker in self._ledger.attempts.workers()}
        for job in self._ledger.jobs(state=State.RUNNING)[0]:
            hold = self._current[job.id]
            assert hold.worker in alive
            assert self._ledger.attempts.lost([hold]) == set()

    @invariant()
    def what_is_done_stays_done(self) -> None:
        assert self._done <= {job.id for job in self._ledger.jobs(state=State.DONE)[0]}

    @invariant()
    def ended_jobs_have_their_time_and_the_others_have_none(self) -> None:
        for job in self._ledger.jobs()[0]:
            assert (job.finished_at is not None) == job.state.ended


TestBooks = Books.TestCase
TestBooks.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
