"""What the story of a job sees of its lease."""

from __future__ import annotations

import itertools
import threading

import pytest

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.errors import SourceGone, Unsuitable
from orthanc_plugin.jobs.attempts import Hold, LostLease
from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.job import PlannedResult
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process
from tests.jobs.builders import Clock, order


@pytest.fixture
def early(sqlite_ledger: Ledger, clock: Clock) -> Lease:
    """On a job that may not be published yet."""
    job = sqlite_ledger.propose(order(released=False, limit_s=60.0))
    begun = sqlite_ledger.attempts.begin(
        Turn(job.id, 1), sqlite_ledger.attempts.enrol("a-host", Process("boot/1", "1/1"))
    )
    assert begun is not None
    return Lease(*begun, sqlite_ledger.attempts, clock.seconds)


def test_steps_are_timed_and_those_of_one_verb_add_up(early: Lease, sqlite_ledger: Ledger, clock: Clock) -> None:
    for seconds, verb in ((1, "read"), (2, "infer"), (3, "infer")):
        with early.step(verb):
            clock.go_on(seconds)
    assert early.timings == {"read": 1.0, "infer": 5.0}
    assert sqlite_ledger.job(early.job.id).timings == (("read", 1.0), ("infer", 5.0))


def test_a_step_that_fails_is_timed_and_its_error_goes_on(early: Lease, clock: Clock) -> None:
    with pytest.raises(Unsuitable, match=r"^It has one slice\.$"), early.step("decode"):
        clock.go_on(4)
        raise Unsuitable("It has one slice.")
    assert early.timings == {"decode": 4.0}


def test_a_lost_lease_begins_no_step(early: Lease, sqlite_ledger: Ledger) -> None:
    early.check()
    sqlite_ledger.cancel(early.job.id)
    with pytest.raises(LostLease), early.step("store"):
        pytest.fail("the step began")
    with pytest.raises(LostLease):
        early.check()


def test_a_lease_that_is_lost_during_a_step_ends_with_it(early: Lease, sqlite_ledger: Ledger) -> None:
    with pytest.raises(LostLease), early.step("infer"):
        sqlite_ledger.cancel(early.job.id)


def test_another_thread_can_say_that_the_lease_is_lost(early: Lease, clock: Clock) -> None:
    assert early.lost_for_s == 0.0
    early.lose()
    clock.go_on(3)
    early.lose()
    assert early.lost_for_s == 3.0
    with pytest.raises(LostLease):
        early.check()


def unmoved() -> None:
    """The source is where it was."""


def test_the_wait_for_release_ends_when_the_source_goes(early: Lease, sqlite_ledger: Ledger) -> None:
    half_seconds = (0.5 * tick for tick in itertools.count())
    lease = Lease(early.job, early.hold, sqlite_ledger.attempts, lambda: next(half_seconds))
    looks: list[str] = []

    def go() -> None:
        looks.append("look")
        if len(looks) == 2:
            raise SourceGone("The series was deleted.")

    with pytest.raises(SourceGone, match=r"^The series was deleted\.$"):
        lease.await_release(go)


def test_the_wait_for_release_ends_with_the_release(early: Lease, sqlite_ledger: Ledger) -> None:
    waiting = threading.Thread(target=early.await_release, args=(unmoved,))
    waiting.start()
    assert waiting.is_alive()
    sqlite_ledger.release(early.job.id)
    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.parametrize("by_ledger", [True, False])
def test_the_wait_for_release_ends_when_the_job_is_taken_away(
    early: Lease, sqlite_ledger: Ledger, by_ledger: bool
) -> None:
    if by_ledger:
        sqlite_ledger.cancel(early.job.id)
    else:
        early.lose()
    with pytest.raises(LostLease):
        early.await_release(unmoved)


def test_only_work_counts_against_the_limit(
    early: Lease, sqlite_ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    overdue_meanwhile: list[bool] = []

    def released(_: Hold) -> bool:
        clock.go_on(100)
        overdue_meanwhile.append(early.is_overdue)
        return True

    monkeypatch.setattr(sqlite_ledger.attempts, "released", released)
    clock.go_on(60)
    early.await_release(unmoved)
    assert overdue_meanwhile == [False]
    assert (early.worked_s, early.is_overdue) == (60.0, False)
    clock.go_on(1)
    assert early.is_overdue


def test_the_plan_and_the_receipts_are_written_into_the_job(early: Lease, sqlite_ledger: Ledger) -> None:
    early.plan([PlannedResult("SEG", "2.25.1", "2.25.2")])
    assert [result.kind for result in sqlite_ledger.job(early.job.id).planned] == ["SEG"]
    receipt = Receipt("SEG", "2.25.1", "2.25.2")
    early.receive(receipt)
    assert sqlite_ledger.job(early.job.id).results == (receipt,)
