"""Results that the archive holds, as the ledger knows them: found, taken back, added to; and what was rejected."""

from __future__ import annotations

from dataclasses import replace

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.jobs.job import Job, Order, PlannedResult, State
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process
from tests.jobs.builders import order

SEG = "1.2.840.10008.5.1.4.1.1.66.4"


def done(ledger: Ledger, wanted: Order, *uids: str, state: State = State.DONE) -> Job:
    """A job that stored results under these UIDs and ended."""
    proposed = ledger.propose(wanted)
    [turn] = [turn for turn in ledger.attempts.waiting() if turn.job_id == proposed.id]
    begun = ledger.attempts.begin(turn, ledger.attempts.enrol("here", Process.mine()))
    assert begun is not None
    ledger.attempts.plan(begun[1], [PlannedResult("SEG", uid, f"{uid}.0", SEG) for uid in uids])
    for uid in uids:
        ledger.attempts.receive(begun[1], Receipt("SEG", uid, f"{uid}.0", sha256="ab" * 32))
    ledger.attempts.end(begun[1], state, "", {})
    return ledger.job(proposed.id)


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


def test_jobs_with_results_are_found_by_series_model_version_and_digest(ledger: Ledger) -> None:
    first = done(ledger, order(1), "2.25.1")
    second = done(ledger, order(1, model="spine", digest="e" * 64), "2.25.2", state=State.FAILED)
    done(ledger, order(2))
    ledger.propose(order(3))

    assert ids(ledger.standing.on_series("1.2.1.1")) == [first.id, second.id]
    assert ledger.standing.on_series("1.2.1.2") == []
    assert ids(ledger.standing.of_model("muscle")) == [first.id]
    for version in ("1.0.0", "d" * 64, "ddd"):
        assert ids(ledger.standing.of_model("muscle", version)) == [first.id]
    assert ledger.standing.of_model("muscle", "e") == ledger.standing.of_model("muscle", "%") == []
    assert ids(ledger.standing.under_way("muscle")) == ["4"]
    assert (ledger.standing.knows_digest("e" * 64), ledger.standing.knows_digest("f" * 64)) == (True, False)


def test_all_are_gone_through_a_few_at_a_time(ledger: Ledger) -> None:
    made = [done(ledger, order(number), f"2.25.{number}") for number in range(1, 6)]
    assert ids(ledger.standing.page(0, 2)) == ids(made[:2])
    assert ids(ledger.standing.page(int(made[1].id), 9)) == ids(made[2:])


def test_a_result_names_the_newest_job_that_made_it(ledger: Ledger) -> None:
    done(ledger, order(instances=3), "2.25.1")
    again = done(ledger, order(instances=4), "2.25.1")
    found = ledger.standing.with_result("2.25.1")
    assert found is not None
    assert found.id == again.id
    assert found.results[0].sha256 == "ab" * 32
    assert ledger.standing.with_result("2.25.9") is None


def test_what_is_taken_back_is_no_longer_there_and_the_order_may_come_again(ledger: Ledger) -> None:
    job = done(ledger, order(), "2.25.1", "2.25.2")

    ledger.standing.taken_back(job.id, "The source went.")

    after = ledger.job(job.id)
    assert (after.state, after.reason, after.results) == (State.DONE, "The source went.", ())
    assert not ledger.settled("1.2.1.1", "files-3")
    again = ledger.propose(order())
    assert (again.id, again.state, again.reason, again.record) == (job.id, State.WAITING, "", None)


def test_what_is_taken_back_in_part_leaves_the_rest_and_the_order_settled(ledger: Ledger) -> None:
    job = done(ledger, order(), "2.25.1", "2.25.2")

    ledger.standing.taken_back(job.id, "It was rejected.", but=["2.25.2"])

    assert [each.sop_instance_uid for each in ledger.job(job.id).results] == ["2.25.2"]
    assert ledger.propose(order()).state is State.DONE


def test_results_that_another_job_has_too_are_not_this_one_s_alone(ledger: Ledger) -> None:
    job = done(ledger, order(instances=3), "2.25.1", "2.25.2")
    done(ledger, order(instances=4), "2.25.2")
    assert ledger.standing.of_this_alone(job) == ["2.25.1"]


def test_nor_those_that_another_is_about_to_store(ledger: Ledger) -> None:
    job = done(ledger, order(instances=3), "2.25.1")
    proposed = ledger.propose(order(instances=4))
    [turn] = [turn for turn in ledger.attempts.waiting() if turn.job_id == proposed.id]
    begun = ledger.attempts.begin(turn, ledger.attempts.enrol("here", Process.mine()))
    assert begun is not None
    ledger.attempts.plan(begun[1], [PlannedResult("SEG", "2.25.1", "2.25.1.0", SEG)])
    assert ledger.standing.of_this_alone(job) == []


def test_what_is_stored_on_its_account_later_goes_with_its_results(ledger: Ledger) -> None:
    job = done(ledger, order(), "2.25.1")
    note = Receipt("REJECTION", "2.25.7", "2.25.70", sha256="cd" * 32)
    for _ in range(2):
        ledger.standing.add(job.id, note, "1.2.840.10008.5.1.4.1.1.88.59")
    assert ledger.job(job.id).results[-1] == note
    assert ledger.standing.of_this_alone(ledger.job(job.id)) == ["2.25.1", "2.25.7"]


def test_another_version_on_the_same_input_replaces_what_is_done_and_cancels_what_waits(ledger: Ledger) -> None:
    finished = done(ledger, order(1), "2.25.1")
    waiting = ledger.propose(order(2))
    for series in (1, 2):
        ledger.propose(replace(order(series), digest="e" * 64, version="2.0.0"))

    sentence = "The job by another version of the model on the same series replaces this one."
    assert (ledger.job(finished.id).state, ledger.job(finished.id).reason) == (State.DONE, sentence)
    assert (ledger.job(waiting.id).state, ledger.job(waiting.id).reason) == (State.CANCELLED, sentence)


def test_other_parameters_and_other_models_stand_beside(ledger: Ledger) -> None:
    first = done(ledger, order(), "2.25.1")
    ledger.propose(order(height_m=1.8))
    ledger.propose(order(model="spine", digest="e" * 64))
    assert ledger.job(first.id).reason == ""


def test_rejected_instances_are_those_of_key_objects_that_are_there(ledger: Ledger) -> None:
    rejections = ledger.rejections
    for _ in range(2):
        rejections.note("1.5.1", "1.5", {"1.2.1.1": ("1.2.1.1.0", "1.2.1.1.1"), "1.2.1.2": ("1.2.1.2.0",)})
    rejections.note("1.6.1", "1.6", {"1.2.1.1": ("1.2.1.1.1",)})
    rejections.note("1.7.1", "1.7", {})
    assert rejections.of_series("1.2.1.1") == {"1.2.1.1.0", "1.2.1.1.1"}
    assert rejections.of_series("1.2.1.3") == frozenset()

    assert rejections.lift("1.5") == ("1.2.1.1", "1.2.1.2")

    assert rejections.of_series("1.2.1.1") == {"1.2.1.1.1"}
    assert rejections.lift("1.5") == ()
