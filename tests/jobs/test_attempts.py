"""Attempts: begun once, fenced, ended, handed on; on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.errors import Broken
from orthanc_plugin.jobs.attempts import Hold, LostLease
from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.job import InputSet, Job, PlannedResult, Role, State
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process
from tests.jobs.builders import Clock, input_set, order

SEG = PlannedResult("SEG", "2.25.1", "2.25.10")
REPORT = PlannedResult("SR", "2.25.2", "2.25.20")


def enrolled(ledger: Ledger) -> str:
    return ledger.attempts.enrol("a-host", Process("boot/1", "1/1"))


def begun(ledger: Ledger, worker: str, job: Job, attempt: int = 1) -> Hold:
    started = ledger.attempts.begin(Turn(job.id, attempt), worker)
    assert started is not None
    return started[1]


def test_an_attempt_begins_once(ledger: Ledger, clock: Clock) -> None:
    job, worker = ledger.propose(order()), enrolled(ledger)
    clock.go_on(3)
    started = ledger.attempts.begin(Turn(job.id, 1), worker)
    assert started is not None
    assert (started[0].state, started[0].attempts, started[0].started_at) == (State.RUNNING, 1, clock())
    assert ledger.attempts.begin(Turn(job.id, 1), worker) is None
    assert ledger.attempts.lost([started[1]]) == set()


def test_of_many_who_begin_at_once_one_does(ledger: Ledger) -> None:
    job = ledger.propose(order())
    workers = [enrolled(ledger) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        started = list(threads.map(lambda worker: ledger.attempts.begin(Turn(job.id, 1), worker), workers))
    assert sum(one is not None for one in started) == 1


def test_a_worker_that_was_given_up_begins_nothing_and_the_turn_goes_on(ledger: Ledger) -> None:
    job, worker = ledger.propose(order()), enrolled(ledger)
    ledger.attempts.dismiss(worker, died=True)
    assert ledger.attempts.begin(Turn(job.id, 1), worker) is None
    begun(ledger, enrolled(ledger), job, attempt=2)
    assert ledger.job(job.id).deaths == 0


def test_an_attempt_whose_job_was_cancelled_meanwhile_does_not_begin(ledger: Ledger) -> None:
    job = ledger.propose(order())
    ledger.cancel(job.id)
    assert ledger.attempts.begin(Turn(job.id, 1), enrolled(ledger)) is None


@pytest.mark.parametrize("take_away", ["cancel", "death", "limit"])
def test_who_lost_the_job_writes_nothing_more(ledger: Ledger, take_away: str) -> None:
    job, worker = ledger.propose(order()), enrolled(ledger)
    hold = begun(ledger, worker, job)
    ledger.attempts.plan(hold, [SEG])
    if take_away == "cancel":
        ledger.cancel(job.id)
    elif take_away == "death":
        ledger.attempts.dismiss(worker, died=True)
    else:
        ledger.attempts.end(hold, State.FAILED, "It took too long.", {})
    before = ledger.job(job.id)
    receipt = Receipt(SEG.kind, SEG.sop_instance_uid, SEG.series_instance_uid)
    for write in (
        lambda: ledger.attempts.plan(hold, [REPORT]),
        lambda: ledger.attempts.receive(hold, receipt),
        lambda: ledger.attempts.note(hold, {"infer": 1.0}),
        lambda: ledger.attempts.end(hold, State.DONE, "", {}),
        lambda: ledger.attempts.put_off(hold, "Away.", {}, [1.0]),
        lambda: ledger.attempts.released(hold),
    ):
        with pytest.raises(LostLease):
            write()
    assert ledger.attempts.lost([hold]) == {hold}
    assert ledger.job(job.id) == before


def test_the_plan_comes_before_the_receipts_and_a_successor_sees_both(ledger: Ledger) -> None:
    job, worker = ledger.propose(order()), enrolled(ledger)
    hold = begun(ledger, worker, job)
    ledger.attempts.plan(hold, [SEG, REPORT])
    stored = Receipt("SEG", SEG.sop_instance_uid, SEG.series_instance_uid)
    ledger.attempts.receive(hold, stored)
    assert ledger.attempts.unstored(hold) == 1
    ledger.attempts.dismiss(worker, died=True)
    successor = ledger.attempts.begin(Turn(job.id, 2), enrolled(ledger))
    assert successor is not None
    assert successor[0].planned == (SEG, REPORT)
    assert successor[0].results == (stored,)
    assert (successor[0].attempts, successor[0].deaths) == (2, 1)


def test_a_new_plan_keeps_what_was_stored_and_drops_what_was_not(ledger: Ledger) -> None:
    job, worker = ledger.propose(order()), enrolled(ledger)
    hold = begun(ledger, worker, job)
    ledger.attempts.plan(hold, [SEG, REPORT])
    stored = Receipt("SEG", SEG.sop_instance_uid, SEG.series_instance_uid, was_there=True)
    ledger.attempts.receive(hold, stored)
    page = PlannedResult("SC", "2.25.3", "2.25.30")
    ledger.attempts.plan(hold, [SEG, page])
    assert ledger.job(job.id).planned == (SEG, page)
    assert ledger.job(job.id).results == (stored,)


def test_what_was_made_of_fewer_instances_is_superseded_stored_or_not(ledger: Ledger) -> None:
    worker = enrolled(ledger)
    fewer = begun(ledger, worker, ledger.propose(order(instances=3)))
    ledger.attempts.plan(fewer, [SEG, REPORT])
    ledger.attempts.receive(fewer, Receipt("SEG", SEG.sop_instance_uid, SEG.series_instance_uid))
    whole = begun(ledger, worker, ledger.propose(order(instances=5)))
    assert ledger.attempts.superseded(whole) == []

    ledger.replace("1.2.1.1", input_set(instances=5).roles[0].fingerprint)

    assert ledger.attempts.superseded(whole) == [SEG.sop_instance_uid, REPORT.sop_instance_uid]


def of_a_study(study: int, **series: str) -> InputSet:
    return InputSet(f"1.2.{study}", tuple(Role(name, uid, (), "as it is") for name, uid in series.items()))


def test_a_set_that_gave_way_to_another_is_superseded_though_they_share_no_series(ledger: Ledger) -> None:
    worker = enrolled(ledger)
    thick = begun(ledger, worker, ledger.propose(replace(order(), input_set=of_a_study(1, best="1.2.1.5"))))
    elsewhere = begun(ledger, worker, ledger.propose(replace(order(), input_set=of_a_study(2, best="1.2.2.5"))))
    ledger.attempts.plan(thick, [SEG])
    ledger.attempts.plan(elsewhere, [REPORT])
    thin = of_a_study(1, best="1.2.1.1")
    better = begun(ledger, worker, ledger.propose(replace(order(), input_set=thin)))
    ledger.supersede("1.2.1", "muscle", thin.key)
    ledger.supersede("1.2.2", "muscle", "another")

    assert ledger.attempts.superseded(better) == [SEG.sop_instance_uid]


def test_what_was_made_of_another_study_with_the_same_prior_is_not_superseded(ledger: Ledger) -> None:
    worker, prior = enrolled(ledger), "1.2.1.1"
    second = begun(ledger, worker, ledger.propose(replace(order(), input_set=of_a_study(2, now="1.2.2.1", old=prior))))
    ledger.attempts.plan(second, [SEG])
    ledger.supersede("1.2.2", "muscle", "another")
    third = begun(ledger, worker, ledger.propose(replace(order(), input_set=of_a_study(3, now="1.2.3.1", old=prior))))

    assert ledger.attempts.superseded(third) == []


def test_a_series_deleted_and_sent_again_keeps_the_results_that_come_out_the_same(ledger: Ledger) -> None:
    worker = enrolled(ledger)
    first = begun(ledger, worker, ledger.propose(order(instances=3)))
    ledger.attempts.plan(first, [SEG, REPORT])
    again = begun(ledger, worker, ledger.propose(order(instances=5)))
    ledger.replace("1.2.1.1", input_set(instances=5).roles[0].fingerprint)
    ledger.attempts.plan(again, [SEG])

    assert ledger.attempts.superseded(again) == [REPORT.sop_instance_uid]


def test_results_that_were_ordered_otherwise_are_not_superseded(ledger: Ledger) -> None:
    worker = enrolled(ledger)
    by_hand = begun(ledger, worker, ledger.propose(order(instances=3, height_m=1.8)))
    ledger.attempts.plan(by_hand, [SEG])
    ledger.replace("1.2.1.1", input_set(instances=5).roles[0].fingerprint)

    assert ledger.attempts.superseded(begun(ledger, worker, ledger.propose(order(instances=5)))) == []


def test_a_receipt_for_what_was_not_planned_is_refused(ledger: Ledger) -> None:
    hold = begun(ledger, enrolled(ledger), ledger.propose(order()))
    with pytest.raises(Broken, match=f"^The job {hold.number} stored a SEG that it had not planned; report this.$"):
        ledger.attempts.receive(hold, Receipt("SEG", "2.25.9", "2.25.90"))


def test_an_end_is_written_with_its_times(ledger: Ledger, clock: Clock) -> None:
    job = ledger.propose(order())
    hold = begun(ledger, enrolled(ledger), job)
    clock.go_on(7)
    ledger.attempts.end(hold, State.DONE, "", {"read": 1.23456, "infer": 2.0})
    ended = ledger.job(job.id)
    assert (ended.state, ended.reason, ended.finished_at) == (State.DONE, "", clock())
    assert ended.timings == (("read", 1.2346), ("infer", 2.0))


def test_a_setback_is_tried_again_when_it_is_due_until_the_chances_are_over(ledger: Ledger, clock: Clock) -> None:
    job, worker = ledger.propose(order()), enrolled(ledger)
    for attempt, wait_s in ((1, 5.0), (2, 15.0)):
        hold = begun(ledger, worker, job, attempt)
        assert ledger.attempts.put_off(hold, "Orthanc is away.", {}, [5.0, 15.0]) is State.RETRYING
        assert (ledger.job(job.id).state, ledger.job(job.id).reason) == (State.RETRYING, "Orthanc is away.")
        clock.go_on(wait_s - 1)
        assert ledger.attempts.give_due_turns() == 0
        clock.go_on(1)
        assert ledger.attempts.give_due_turns() == 1
        assert ledger.attempts.give_due_turns() == 0
    assert ledger.attempts.put_off(begun(ledger, worker, job, 3), "Orthanc is away.", {}, [5.0, 15.0]) is State.FAILED
    failed = ledger.job(job.id)
    assert (failed.reason, failed.attempts) == ("Orthanc is away. It was tried 3 times.", 3)
    assert failed.finished_at == clock()


def test_retry_by_hand_does_not_wait_until_it_is_due(ledger: Ledger) -> None:
    job, worker = ledger.propose(order()), enrolled(ledger)
    ledger.attempts.put_off(begun(ledger, worker, job), "Orthanc is away.", {}, [600.0])
    assert ledger.retry(job.id).state is State.WAITING
    begun(ledger, worker, job, 2)


def test_the_third_death_sets_the_job_aside(ledger: Ledger, clock: Clock) -> None:
    job = ledger.propose(order())
    for attempt in (1, 2, 3):
        worker = enrolled(ledger)
        begun(ledger, worker, job, attempt)
        assert ledger.attempts.dismiss(worker, died=True) == [job.id]
    aside = ledger.job(job.id)
    assert (aside.state, aside.deaths, aside.finished_at) == (State.SET_ASIDE, 3, clock())
    assert aside.reason == (
        "The worker died 3 times while it worked on this job, which is set aside; "
        "look into the worker's log, then try the job again."
    )
    assert ledger.retry(job.id).deaths == 0


def test_a_worker_that_leaves_hands_its_jobs_back_without_a_death(ledger: Ledger) -> None:
    job = ledger.propose(order())
    for attempt in range(1, 5):
        worker = enrolled(ledger)
        begun(ledger, worker, job, attempt)
        ledger.attempts.dismiss(worker, died=False)
    assert (ledger.job(job.id).state, ledger.job(job.id).deaths) == (State.WAITING, 0)


def test_a_worker_that_beat_again_is_not_dismissed(ledger: Ledger) -> None:
    worker = enrolled(ledger)
    seen = ledger.attempts.workers()[0]
    assert ledger.attempts.beat(worker)
    hold = begun(ledger, worker, ledger.propose(order()))
    assert ledger.attempts.dismiss(worker, died=True, beats=seen.beats) == []
    assert ledger.attempts.lost([hold]) == set()
    assert ledger.attempts.beat(worker)
    ledger.attempts.dismiss(worker, died=True, beats=seen.beats + 2)
    assert not ledger.attempts.beat(worker)
    assert ledger.attempts.lost([hold]) == {hold}


def test_a_turn_is_given_again_only_while_the_job_waits_for_it(ledger: Ledger) -> None:
    job = ledger.propose(order())
    assert ledger.attempts.give_again([Turn(job.id, 1), Turn(job.id, 1)]) == 1
    assert ledger.attempts.waiting() == [Turn(job.id, 2)]
    begun(ledger, enrolled(ledger), job, 2)
    assert ledger.attempts.give_again([Turn(job.id, 2)]) == 0


def test_the_engine_forgets_turns_that_ended_long_ago(ledger: Ledger) -> None:
    job = ledger.propose(order())
    ledger.cancel(job.id)
    waiting = ledger.propose(order(2))
    turns = [Turn(job.id, 1), Turn(waiting.id, 1)]
    assert ledger.dispatch.sweep(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert ledger.dispatch.sweep(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert [held.turn for held in ledger.dispatch.look_up(turns)] == [Turn(waiting.id, 1)]
