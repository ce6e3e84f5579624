"""What a ledger does, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.job import InputSet, PlannedResult, Priority, Role, State
from orthanc_plugin.jobs.ledger import Ledger, NoSuchJob, NotNow
from orthanc_plugin.jobs.process import Process
from tests.jobs.builders import Clock, input_set, order


def begin(ledger: Ledger, job_id: str, attempt: int = 1) -> None:
    worker = ledger.attempts.enrol("a-host", Process("boot/1", "1/1"))
    assert ledger.attempts.begin(Turn(job_id, attempt), worker) is not None


def test_a_proposed_job_waits_with_a_turn_in_the_queue(ledger: Ledger, clock: Clock) -> None:
    asked = order(priority=Priority.STAT, limit_s=60.0, threshold=0.5, mirrored=True, name="α")
    job = ledger.propose(asked)
    assert (job.order.input_set, job.order.model, job.order.version) == (asked.input_set, "muscle", "1.0.0")
    assert dict(job.order.parameters) == {"threshold": 0.5, "mirrored": True, "name": "α"}
    assert (job.order.priority, job.order.limit_s, job.order.released) == (Priority.STAT, 60.0, True)
    assert (job.state, job.attempts, job.deaths, job.reason) == (State.WAITING, 0, 0, "")
    assert (job.created_at, job.started_at, job.finished_at) == (clock(), None, None)
    assert [held.ended for held in ledger.dispatch.look_up([Turn(job.id, 1)])] == [False]


def test_the_same_order_is_the_same_job(ledger: Ledger) -> None:
    first = ledger.propose(order(a=1, b="x"))
    begin(ledger, first.id)
    again = ledger.propose(order(b="x", a=1))
    assert (again.id, again.state) == (first.id, State.RUNNING)
    assert len({first.id, ledger.propose(order(a=2)).id, ledger.propose(order(digest="e" * 64)).id}) == 3
    assert ledger.counts()[State.WAITING] == 2


def test_proposals_from_everywhere_at_once_make_one_job(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as threads:
        jobs = list(threads.map(lambda _: ledger.propose(order()), range(16)))
    assert len({job.id for job in jobs}) == 1


def test_a_set_of_several_series_keeps_its_roles(ledger: Ledger) -> None:
    roles = tuple(
        Role(name, f"1.2.9.{place}", tuple(f"1.2.9.{place}.{n}" for n in range(2000)), f"f{place}")
        for place, name in enumerate(("t2", "adc", "dwi"))
    )
    asked = order()
    several = type(asked)(InputSet("1.2.9", roles), "prostate", "1.0.0", "f" * 64)
    assert ledger.job(ledger.propose(several).id).order.input_set == several.input_set


def test_a_skipped_order_is_settled_with_its_sentence(ledger: Ledger, clock: Clock) -> None:
    job = ledger.skip(order(model=""), "No model takes an MR of the knee.")
    assert (job.state, job.reason, job.finished_at) == (State.SKIPPED, "No model takes an MR of the knee.", clock())
    assert ledger.skip(order(model=""), "Another reason.").reason == "No model takes an MR of the knee."
    assert ledger.settled("1.2.1.1", "files-3")
    with pytest.raises(NotNow, match=f"^No model fits the series of the job {job.id}; there is nothing to try again.$"):
        ledger.retry(job.id)


def test_what_routing_minded_stays_with_the_job_and_makes_no_other_order(ledger: Ledger) -> None:
    minded = replace(order(), remarks=("BodyPartExamined says head, PixelData says abdomen; BodyPartExamined counts.",))
    job = ledger.propose(minded)
    assert ledger.job(job.id).order.remarks == minded.remarks
    again = ledger.propose(replace(order(), remarks=("Another sentence.",)))
    assert (again.id, again.order.remarks) == (job.id, minded.remarks)


def test_a_series_is_settled_when_nothing_is_left_to_decide_about_it(ledger: Ledger) -> None:
    assert not ledger.settled("1.2.1.1", "files-3")
    job = ledger.propose(order(released=False))
    assert not ledger.settled("1.2.1.1", "files-3")
    ledger.release(job.id)
    assert ledger.job(job.id).order.released
    assert ledger.settled("1.2.1.1", "files-3")
    assert not ledger.settled("1.2.1.1", "files-4")


def test_proposing_a_released_order_releases_the_early_job(ledger: Ledger) -> None:
    early = ledger.propose(order(released=False))
    assert ledger.propose(order(released=False)).order.released is False
    assert ledger.propose(order(released=True)).id == early.id
    assert ledger.job(early.id).order.released


def test_the_job_on_the_whole_series_replaces_the_early_one(ledger: Ledger) -> None:
    early = ledger.propose(order(instances=3, released=False))
    other = ledger.propose(order(2))
    whole = ledger.propose(order(instances=5))
    ledger.replace("1.2.1.1", input_set(instances=5).roles[0].fingerprint)
    replaced = ledger.job(early.id)
    assert replaced.state is State.CANCELLED
    assert replaced.reason == "More instances of the series arrived; the job on the whole series replaces this one."
    assert ledger.job(whole.id).state is ledger.job(other.id).state is State.WAITING
    assert not ledger.settled("1.2.1.1", "files-3")
    assert [held.ended for held in ledger.dispatch.look_up([Turn(early.id, 1)])] == [True]


def test_a_replaced_job_lives_again_when_its_set_is_the_whole_after_all(ledger: Ledger) -> None:
    early = ledger.propose(order(instances=3))
    ledger.replace("1.2.1.1", input_set(instances=5).roles[0].fingerprint)
    again = ledger.propose(order(instances=3))
    assert (again.id, again.state, again.reason, again.finished_at) == (early.id, State.WAITING, "", None)
    assert [held.ended for held in ledger.dispatch.look_up([Turn(early.id, 2)])] == [False]


def test_a_job_whose_source_went_lives_again_when_it_comes_back(ledger: Ledger) -> None:
    job = ledger.propose(order(instances=3))
    worker = ledger.attempts.enrol("a-host", Process("boot/1", "1/1"))
    begun = ledger.attempts.begin(Turn(job.id, 1), worker)
    assert begun is not None
    ledger.attempts.plan(begun[1], [PlannedResult("SEG", "1.2.3.1", "1.2.3")])
    ledger.attempts.receive(begun[1], Receipt("SEG", "1.2.3.1", "1.2.3"))
    ledger.attempts.end(begun[1], State.SKIPPED, "The series was deleted.", {}, lives_again=True)
    assert ledger.job(job.id).results == (), "what was stored beside it was taken back"
    assert not ledger.settled("1.2.1.1", "files-3")
    again = ledger.propose(order(instances=3))
    assert (again.id, again.state, again.reason) == (job.id, State.WAITING, "")


def test_a_done_job_says_that_newer_results_supersede_its_own(ledger: Ledger) -> None:
    done = ledger.propose(order(instances=3))
    worker = ledger.attempts.enrol("a-host", Process("boot/1", "1/1"))
    begun = ledger.attempts.begin(Turn(done.id, 1), worker)
    assert begun is not None
    ledger.attempts.end(begun[1], State.DONE, "", {})
    ledger.replace("1.2.1.1", input_set(instances=5).roles[0].fingerprint)
    superseded = ledger.job(done.id)
    assert (superseded.state, superseded.reason) == (
        State.DONE,
        "More instances of the series arrived; the job on the whole series replaces this one.",
    )
    assert not ledger.settled("1.2.1.1", "files-3"), "its results are taken back"
    again = ledger.propose(order(instances=3))
    assert (again.id, again.state, again.reason) == (done.id, State.WAITING, ""), "its set is the whole after all"


def two_series(*, first: str = "files-3") -> InputSet:
    return InputSet("1.2.1", (Role("t1", "1.2.1.1", (), first), Role("t2", "1.2.1.2", (), "files-3")))


def test_a_set_that_holds_the_series_as_it_is_now_goes_on(ledger: Ledger) -> None:
    alone = ledger.propose(order(instances=3))
    with_another = ledger.propose(replace(order(), input_set=two_series()))
    as_it_was = ledger.propose(replace(order(), input_set=two_series(first="files-2")))
    ledger.replace("1.2.1.1", "files-3")
    states = [ledger.job(job.id).state for job in (alone, with_another, as_it_was)]
    assert states == [State.WAITING, State.WAITING, State.CANCELLED]


def test_a_new_set_of_a_study_supersedes_those_of_its_model(ledger: Ledger) -> None:
    earlier = ledger.propose(replace(order(), input_set=two_series(first="files-2")))
    of_another_model = ledger.propose(order(model="bone"))
    in_another_study = ledger.propose(order(study=2))
    new = ledger.propose(replace(order(), input_set=two_series()))
    ledger.supersede("1.2.1", "muscle", two_series().key)
    superseded = ledger.job(earlier.id)
    assert (superseded.state, superseded.reason) == (
        State.CANCELLED,
        "Another series of the study arrived; the job on the new set of series replaces this one.",
    )
    assert {ledger.job(job.id).state for job in (of_another_model, in_another_study, new)} == {State.WAITING}


def test_a_skipped_job_is_not_replaced(ledger: Ledger) -> None:
    done = ledger.skip(order(instances=3), "It has three slices; the model needs ten.")
    ledger.replace("1.2.1.1", input_set(instances=5).roles[0].fingerprint)
    assert ledger.job(done.id).state is State.SKIPPED


def test_cancelling_ends_a_job_at_once(ledger: Ledger, clock: Clock) -> None:
    job = ledger.propose(order())
    clock.go_on(5)
    cancelled = ledger.cancel(job.id)
    assert (cancelled.state, cancelled.reason, cancelled.finished_at) == (
        State.CANCELLED,
        "Cancelled by hand.",
        clock(),
    )
    with pytest.raises(NotNow, match=f"^The job {job.id} is cancelled already; there is nothing to cancel.$"):
        ledger.cancel(job.id)


def test_a_job_that_ended_without_a_result_is_tried_again_with_all_its_chances(ledger: Ledger) -> None:
    job = ledger.propose(order())
    ledger.cancel(job.id)
    again = ledger.retry(job.id)
    assert (again.state, again.reason, again.finished_at, again.deaths) == (State.WAITING, "", None, 0)
    assert [held.ended for held in ledger.dispatch.look_up([Turn(job.id, 1), Turn(job.id, 2)])] == [True, False]
    with pytest.raises(
        NotNow, match=f"^The job {job.id} is waiting; only a job that ended without a result can be tried again.$"
    ):
        ledger.retry(job.id)


@pytest.mark.parametrize("job_id", ["17", "", "seven", "-1", "1.5", "99999999999999999999", "¹"])
def test_a_job_that_nobody_knows(ledger: Ledger, job_id: str) -> None:
    for ask in (ledger.job, ledger.cancel, ledger.retry):
        with pytest.raises(NoSuchJob) as refused:
            ask(job_id)
        assert refused.value.sentence == f"There is no job {job_id!r}."


def test_jobs_are_listed_newest_first_page_by_page(ledger: Ledger) -> None:
    ids = [ledger.propose(order(series)).id for series in range(5)]
    seen, cursor = ledger.jobs(limit=2)
    pages = [[job.id for job in seen]]
    while cursor is not None:
        ledger.propose(order(100 + len(pages)))
        seen, cursor = ledger.jobs(limit=2, cursor=cursor)
        pages.append([job.id for job in seen])
    assert pages == [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]]


def test_jobs_are_found_by_study_series_state_and_model(ledger: Ledger) -> None:
    first = ledger.propose(order(1, study=1))
    second = ledger.propose(order(2, study=1, model="spine"))
    third = ledger.skip(order(1, study=2), "It has one slice.")

    def found(**by: str | State) -> list[str]:
        return [job.id for job in ledger.jobs(**by)[0]]  # type: ignore[arg-type]

    assert found() == [third.id, second.id, first.id]
    assert found(study="1.2.1") == [second.id, first.id]
    assert found(series="1.2.2.1") == [third.id]
    assert found(state=State.SKIPPED) == [third.id]
    assert found(model="spine", study="1.2.1") == [second.id]
    assert found(study="1.2.3") == []


def test_the_counts_name_every_state(ledger: Ledger) -> None:
    ledger.propose(order(1))
    begin(ledger, ledger.propose(order(2)).id)
    ledger.skip(order(3), "It has one slice.")
    assert ledger.counts() == dict.fromkeys(State, 0) | {State.WAITING: 1, State.RUNNING: 1, State.SKIPPED: 1}


def test_purging_forgets_old_jobs_but_not_that_their_series_were_settled(ledger: Ledger, clock: Clock) -> None:
    old = ledger.skip(order(1), "It has one slice.")
    waiting = ledger.propose(order(2))
    clock.go_on(3600)
    young = ledger.skip(order(3), "It has one slice.")
    assert ledger.purge(clock() - timedelta(minutes=30)) == 1
    assert [job.id for job in ledger.jobs()[0]] == [young.id, waiting.id]
    assert ledger.settled("1.2.1.1", "files-3")
    with pytest.raises(NoSuchJob):
        ledger.job(old.id)


def test_a_purged_order_can_be_given_again_under_a_new_number(ledger: Ledger, clock: Clock) -> None:
    old = ledger.skip(order(), "It has one slice.")
    clock.go_on(60)
    ledger.purge(clock())
    again = ledger.propose(order())
    assert int(again.id) > int(old.id)
    assert again.order.input_set == input_set()


def test_a_set_that_another_job_needs_is_purged_with_the_last_of_them(ledger: Ledger, clock: Clock) -> None:
    ledger.skip(order(threshold=0.1), "It has one slice.")
    other = ledger.propose(order(threshold=0.9))
    clock.go_on(60)
    assert ledger.purge(clock()) == 1
    assert ledger.job(other.id).order.input_set == input_set()


def test_values_are_kept_for_intake(ledger: Ledger) -> None:
    assert ledger.recall("changes/a") is None
    ledger.remember("changes/a", "17")
    ledger.remember("changes/a", "18")
    assert ledger.recall("changes/a") == "18"
