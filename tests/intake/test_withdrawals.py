"""No ghosts: what was made of a source goes when the source does, however it goes, and nothing else."""

from __future__ import annotations

from orthanc_plugin.intake.withdrawals import AGAIN_S, GONE, JOBS_AT_ONCE, PASS_EVERY_S
from orthanc_plugin.jobs.job import Job, State
from tests.builders.series import Scan, slices
from tests.intake.bench import Bench
from tests.intake.made import result

SOURCE = slices(Scan(slices=12, name="source"))
OTHER = slices(Scan(slices=12, name="other"))
RESULT = result(SOURCE)


def done(bench: Bench) -> Job:
    bench.send(SOURCE)
    bench.tick(2.1)
    (job,) = bench.jobs(SOURCE[0])
    finished = bench.finish(job, RESULT)
    bench.tick(1.0)
    return finished


def test_a_series_that_is_deleted_takes_the_results_on_it_along(bench: Bench) -> None:
    job = done(bench)
    bench.send(OTHER)

    for series_id in bench.delete(SOURCE[0].SeriesInstanceUID):
        bench.intake.heard_gone(series_id, bench.now_s)

    after = bench.ledger.job(job.id)
    assert not bench.holds(RESULT)
    assert (after.state, after.reason, after.results) == (State.DONE, GONE, ())
    assert bench.holds(OTHER[0])


def test_one_that_left_while_nobody_watched_does_so_when_all_is_looked_through(bench: Bench) -> None:
    job = done(bench)
    bench.delete(SOURCE[0].SeriesInstanceUID)
    assert bench.holds(RESULT)

    bench.start()
    bench.tick(0.1)

    assert not bench.holds(RESULT)
    assert bench.ledger.job(job.id).reason == GONE


def test_a_job_that_was_just_ending_when_its_series_left_loses_its_results_soon(bench: Bench) -> None:
    bench.send(SOURCE)
    bench.tick(2.1)
    (job,) = bench.jobs(SOURCE[0])
    for series_id in bench.delete(SOURCE[0].SeriesInstanceUID):
        bench.intake.heard_gone(series_id, bench.now_s)
    bench.finish(job, RESULT)
    assert bench.holds(RESULT)

    bench.tick(AGAIN_S)

    assert not bench.holds(RESULT)


def test_what_leaves_unheard_is_found_within_minutes(bench: Bench) -> None:
    done(bench)
    bench.delete(SOURCE[0].SeriesInstanceUID)
    bench.now_s += PASS_EVERY_S
    bench.look()
    assert not bench.holds(RESULT)


def test_a_pass_goes_through_all_that_stands(bench: Bench) -> None:
    sources = [slices(Scan(slices=1, name=f"radiograph {n}", modality="DX")) for n in range(JOBS_AT_ONCE + 2)]
    for source in sources:
        bench.send(source)
    bench.tick(1.0)
    for source in sources:
        (placed,) = bench.orders.orders_for(str(source[0].SeriesInstanceUID), "abdomen")
        bench.finish(placed.job, result(source))
    for source in (sources[0], sources[-1]):
        bench.delete(source[0].SeriesInstanceUID)

    bench.start()
    bench.tick(0.3)

    assert [bench.holds(result(source)) for source in sources] == [False, *[True] * JOBS_AT_ONCE, False]


def test_an_instance_that_leaves_takes_the_results_along_and_the_rest_is_worked_on_anew(bench: Bench) -> None:
    job = done(bench)
    bench.delete(SOURCE[-1].SOPInstanceUID)

    bench.tick(62.0)

    assert not bench.holds(RESULT)
    assert bench.ledger.job(job.id).results == ()
    assert len(bench.jobs(SOURCE[0])[-1].order.input_set.roles[0].sop_instance_uids) == 11


def test_results_on_fewer_slices_stay_until_those_on_all_are_there(bench: Bench) -> None:
    bench.send(SOURCE[:-1])
    bench.tick(2.3)
    (first,) = bench.jobs(SOURCE[0])
    bench.finish(first, RESULT)
    bench.send(SOURCE[-1:])
    bench.tick(8.0)
    assert len(bench.jobs(SOURCE[0])) == 2
    assert bench.holds(RESULT)


def test_a_series_that_comes_back_is_worked_on_again(bench: Bench) -> None:
    done(bench)
    for series_id in bench.delete(SOURCE[0].StudyInstanceUID):
        bench.intake.heard_gone(series_id, bench.now_s)
    bench.tick(1.0)

    bench.send(SOURCE)
    bench.tick(8.0)

    again = bench.jobs(SOURCE[0])[-1]
    assert again.state is State.WAITING
    assert bench.finish(again, RESULT).results


def test_what_another_job_has_as_well_stays(bench: Bench) -> None:
    """The same images, deleted and sent again before anybody told: the same results under the same UIDs."""
    first = done(bench)
    gone = bench.delete(SOURCE[0].StudyInstanceUID)
    bench.send(SOURCE)
    bench.tick(8.0)
    again = bench.finish(bench.jobs(SOURCE[0])[-1], RESULT)
    assert again.id != first.id

    for series_id in gone:
        bench.intake.heard_gone(series_id, bench.now_s)

    assert bench.holds(RESULT)
    assert bench.ledger.job(again.id).results


def test_a_series_that_nobody_ever_settled_is_no_matter(bench: Bench) -> None:
    bench.intake.heard_gone("00000000-00000000-00000000-00000000-00000000", bench.now_s)
