"""Key objects that reject: what they name is not read, results on it go; any other key object changes nothing."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.intake.rejected import NAMED
from orthanc_plugin.intake.withdrawals import REJECTED
from orthanc_plugin.jobs.job import Job, State
from tests.builders.series import Scan, slices
from tests.intake.bench import Bench
from tests.intake.made import rejection, result

SOURCE = slices(Scan(slices=12, name="source"))
RESULT = result(SOURCE)


def done(bench: Bench) -> Job:
    bench.send(SOURCE)
    bench.tick(2.1)
    (job,) = bench.jobs(SOURCE[0])
    return bench.finish(job, RESULT, result(SOURCE, "another"))


def instances(job: Job) -> set[str]:
    return set(job.order.input_set.roles[0].sop_instance_uids)


@pytest.mark.parametrize("title", ["113001", "113037", "113038", "113039"])
def test_results_on_a_rejected_slice_go_and_the_others_are_worked_on_without_it(bench: Bench, title: str) -> None:
    job = done(bench)

    bench.send([rejection(SOURCE[-1:], title)])
    bench.tick(9.0)

    assert not bench.holds(RESULT)
    assert bench.ledger.job(job.id).reason == REJECTED
    again = bench.jobs(SOURCE[0])[-1]
    assert instances(again) == {dataset.SOPInstanceUID for dataset in SOURCE[:-1]}
    assert bench.holds(SOURCE[-1]), "others' images are never touched"


def test_a_rejection_that_comes_first_counts_for_what_comes_later(bench: Bench) -> None:
    bench.send([rejection(SOURCE[-1:])])
    bench.tick(1.0)
    bench.send(SOURCE)
    bench.tick(9.0)

    (job,) = bench.jobs(SOURCE[0])
    assert instances(job) == {dataset.SOPInstanceUID for dataset in SOURCE[:-1]}


def test_a_series_that_is_rejected_as_a_whole_is_skipped_with_a_sentence(bench: Bench) -> None:
    job = done(bench)
    bench.send([rejection(SOURCE)])
    bench.tick(9.0)

    assert bench.ledger.job(job.id).reason == REJECTED
    skipped = bench.jobs(SOURCE[0])[-1]
    assert (skipped.state, skipped.reason) == (
        State.SKIPPED,
        "All images of the series were rejected by a key object, so nothing was made of it.",
    )


def test_a_result_that_is_rejected_by_name_is_taken_back_and_the_others_stay(bench: Bench) -> None:
    job = done(bench)
    bench.send([rejection([RESULT])])
    bench.tick(1.0)

    after = bench.ledger.job(job.id)
    assert not bench.holds(RESULT)
    assert (after.reason, [each.sop_instance_uid for each in after.results]) == (
        NAMED,
        [result(SOURCE, "another").SOPInstanceUID],
    )
    assert len(bench.jobs(SOURCE[0])) == 1, "the series is as it was"


def test_when_the_key_object_goes_what_it_rejected_counts_again(bench: Bench) -> None:
    note = rejection(SOURCE[-1:])
    bench.send([*SOURCE, note])
    bench.tick(9.0)
    assert len(instances(bench.jobs(SOURCE[0])[-1])) == 11

    for series_id in bench.delete(note.SeriesInstanceUID):
        bench.intake.heard_gone(series_id, bench.now_s)
    bench.tick(9.0)

    assert len(instances(bench.jobs(SOURCE[0])[-1])) == 12


@pytest.mark.parametrize("note", [rejection(SOURCE[-1:], "113000"), rejection(SOURCE[-1:], maker="Inference node")])
def test_another_title_and_a_node_s_own_note_reject_nothing(bench: Bench, note: Dataset) -> None:
    done(bench)
    bench.send([note])
    bench.tick(2.0)

    assert bench.holds(RESULT)
    assert len(bench.jobs(SOURCE[0])) == 1
