"""What a recalled version made is ordered anew with the one that is installed, as it was ordered then."""

from __future__ import annotations

import pytest

from orthanc_plugin import recall
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.terms import Terms
from orthanc_plugin.jobs.job import SHADOW, Job, Priority, State
from tests.builders.series import Scan, slices
from tests.intake.bench import Bench
from tests.intake.made import result

SOURCE = slices(Scan(slices=12, name="source"))
TERMS = Terms(Priority.STAT, (("height_m", 1.8),))


def done(bench: Bench, terms: Terms = TERMS) -> Job:
    bench.send(SOURCE)
    (placed,) = bench.orders.orders_for(str(SOURCE[0].SeriesInstanceUID), "abdomen", terms)
    return bench.finish(placed.job, result(SOURCE))


def new_version(bench: Bench) -> None:
    (bench.models / "abdomen" / "note.txt").write_text("Anything in the folder makes another digest.")
    bench.start()


def test_the_installed_version_gets_a_job_on_the_same_terms(bench: Bench) -> None:
    job = done(bench)
    new_version(bench)

    (number,) = recall.anew(job, bench.orders)

    ordered = bench.ledger.job(number)
    assert ordered.order.digest != job.order.digest
    assert (ordered.state, ordered.order.priority, ordered.order.parameters) == (
        State.WAITING,
        Priority.STAT,
        (("height_m", 1.8),),
    )
    assert ordered.order.input_set == job.order.input_set
    assert bench.ledger.job(job.id).reason == (
        "The job by another version of the model on the same series replaces this one."
    )


def test_the_same_version_is_not_run_again(bench: Bench) -> None:
    job = done(bench)
    bench.ledger.standing.taken_back(job.id, "Recalled.")
    with pytest.raises(Unsuitable) as refused:
        recall.anew(job, bench.orders)
    assert bench.ledger.job(job.id).state is State.DONE
    assert refused.value.sentence == (
        f"The job {job.id} was done by the version that is installed; nothing is computed anew."
    )


@pytest.mark.parametrize("frame", [None, 1])
def test_a_job_on_one_image_is_ordered_on_that_image(bench: Bench, frame: int | None) -> None:
    bench.send(SOURCE)
    image = OneImage(str(SOURCE[0].SeriesInstanceUID), str(SOURCE[4].SOPInstanceUID), frame)
    (placed,) = bench.orders.order_image(image, "abdomen", TERMS)
    job = bench.finish(placed.job, result(SOURCE))
    new_version(bench)

    (number,) = recall.anew(job, bench.orders)

    ordered = bench.ledger.job(number).order
    assert (ordered.input_set, ordered.parameters) == (job.order.input_set, job.order.parameters)


def test_a_trial_is_not_computed_anew(bench: Bench) -> None:
    job = done(bench, Terms(parameters=((SHADOW, True),)))
    new_version(bench)
    with pytest.raises(Unsuitable) as refused:
        recall.anew(job, bench.orders)
    assert refused.value.sentence == f"The job {job.id} was a trial in the shadow; it is not computed anew."


def test_one_series_that_is_gone_holds_up_no_other_and_is_told(bench: Bench) -> None:
    job = done(bench)
    other = slices(Scan(slices=12, name="other"))
    bench.send(other)
    (placed,) = bench.orders.orders_for(str(other[0].SeriesInstanceUID), "abdomen")
    bench.finish(placed.job, result(other))
    bench.delete(SOURCE[0].SeriesInstanceUID)
    new_version(bench)

    books = recall.Books(bench.ledger, bench.archive, "remove", "abdomen", job.order.digest[:9])
    told = recall.carried_out(books, bench.orders, reject=False)

    assert len(told.ordered) == 1
    assert told.problems == (
        f"There is no series {SOURCE[0].SeriesInstanceUID} in the archive; send it or correct its UID.",
    )
