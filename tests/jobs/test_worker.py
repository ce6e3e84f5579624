"""Real worker processes: killed, stopped, hung, told to leave; every job ends once, as it should."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from dbos import DBOSClient

from orthanc_plugin.jobs.dispatch import APPLICATION, QUEUE, VERSION, WORKFLOW, Turn
from orthanc_plugin.jobs.job import Job, Priority, State
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.worker import waits_s
from tests.jobs.builders import order
from tests.jobs.conftest import Workers
from tests.waiting import eventually


def in_state(ledger: Ledger, job: Job, state: State, within_s: float = 60.0) -> Job:
    eventually(lambda: ledger.job(job.id).state is state, within_s=within_s, what=f"job {job.id} {state}")
    return ledger.job(job.id)


def begun_by(workers: Workers, job: Job) -> int:
    """The process in which an attempt at the job began last."""

    def look() -> list[int]:
        return [pid for job_id, pid in workers.happened("begins") if job_id == job.id]

    return eventually(look, within_s=60, what=f"an attempt at job {job.id}")[-1]


def test_how_attempts_end(books: Ledger, workers: Workers) -> None:
    ends = {
        "store": (State.DONE, "", 1),
        "be-unsuitable": (State.SKIPPED, "The series has one slice; the model needs ten.", 1),
        "be-broken": (State.FAILED, "The model gave no segments.", 1),
        "be-temporary": (State.FAILED, "Orthanc does not answer. It was tried 3 times.", 3),
        "be-a-bug": (
            State.FAILED,
            "An error that nobody foresaw ended the job (KeyError); the worker's log has the details.",
            1,
        ),
        "forget-to-store": (State.FAILED, "The job ended with 1 of its planned results not stored; report this.", 1),
    }
    jobs = {act: books.propose(order(place, act=act)) for place, act in enumerate(ends)}
    workers.start()
    eventually(lambda: all(books.job(job.id).state.ended for job in jobs.values()), within_s=60)
    ended = {act: books.job(job.id) for act, job in jobs.items()}
    assert {act: (job.state, job.reason, job.attempts) for act, job in ended.items()} == ends
    assert [act for act, job in ended.items() if job.results] == ["store"]
    assert "in be_a_bug" in workers.log
    assert "DOE^JANE" not in workers.log


def test_200_jobs_by_two_workers_are_each_done_once(books: Ledger, workers: Workers) -> None:
    for series in range(200):
        books.propose(order(series, instances=1))
    workers.start(lease_s=15, jobs_at_once=8)
    workers.start(lease_s=15, jobs_at_once=8)
    eventually(lambda: books.counts()[State.DONE] == 200, within_s=120, every_s=0.2, what="200 jobs done")
    begun = [job for job, _ in workers.happened("begins")]
    stored = [job for job, _ in workers.happened("stores")]
    assert len(begun) == len(stored) == len(set(begun)) == 200
    assert len({pid for _, pid in workers.happened()}) == 2


def test_the_job_of_a_killed_worker_is_taken_up_at_once(sqlite_books: Ledger, workers: Workers) -> None:
    job = sqlite_books.propose(order(act="store-when-told"))
    workers.start(lease_s=600)
    workers.start(lease_s=600)
    eventually(lambda: len(sqlite_books.attempts.workers()) == 2, within_s=60)
    killed = begun_by(workers, job)
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: begun_by(workers, job) != killed, within_s=60, what="the other worker takes it up")
    workers.let_store(job)
    done = in_state(sqlite_books, job, State.DONE)
    assert (done.attempts, done.deaths) == (2, 1)
    assert len(workers.happened("stores")) == 1


def test_what_was_stored_before_the_death_is_known_to_the_successor(sqlite_books: Ledger, workers: Workers) -> None:
    job = sqlite_books.propose(order(act="die-after-store"))
    workers.start(lease_s=600)
    eventually(lambda: sqlite_books.job(job.id).results)
    workers.start(lease_s=600)
    done = in_state(sqlite_books, job, State.DONE)
    assert (done.attempts, done.deaths, len(done.results)) == (2, 1, 1)


def test_a_worker_that_slept_past_its_lease_stores_nothing(books: Ledger, workers: Workers) -> None:
    job = books.propose(order(act="store-when-told"))
    sleeper = workers.start(lease_s=2)
    assert begun_by(workers, job) == sleeper.pid
    sleeper.send_signal(signal.SIGSTOP)
    other = workers.start(lease_s=2)
    eventually(lambda: begun_by(workers, job) == other.pid, within_s=60)
    workers.let_store(job)
    in_state(books, job, State.DONE)
    assert workers.happened("stores") == [(job.id, other.pid)]
    before = books.job(job.id)
    sleeper.send_signal(signal.SIGCONT)
    eventually(lambda: len(books.attempts.workers()) == 2, within_s=60, what="the sleeper under a new name")
    assert workers.happened("stores") == [(job.id, other.pid)]
    assert books.job(job.id) == before
    assert sleeper.poll() is None
    assert "Traceback" not in workers.log


def test_cancelling_ends_an_attempt_that_asks(sqlite_books: Ledger, workers: Workers) -> None:
    job = sqlite_books.propose(order(act="wait-kindly"))
    worker = workers.start(lease_s=600)
    begun_by(workers, job)
    sqlite_books.cancel(job.id)
    after = sqlite_books.propose(order(2))
    in_state(sqlite_books, after, State.DONE)
    assert sqlite_books.job(job.id).state is State.CANCELLED
    assert "starts anew" not in workers.log
    assert "dbos" not in workers.log
    assert begun_by(workers, after) == worker.pid


def test_cancelling_a_call_that_does_not_return_replaces_the_process(sqlite_books: Ledger, workers: Workers) -> None:
    hung = sqlite_books.propose(order(act="sleep-in-c"))
    innocent = sqlite_books.propose(order(2, act="store-when-told"))
    worker = workers.start(lease_s=600)
    begun_by(workers, hung)
    begun_by(workers, innocent)
    sqlite_books.cancel(hung.id)
    eventually(lambda: sqlite_books.job(innocent.id).attempts == 2, within_s=60, what="the other job begins anew")
    workers.let_store(innocent)
    done = in_state(sqlite_books, innocent, State.DONE)
    assert (done.deaths, sqlite_books.job(hung.id).state) == (0, State.CANCELLED)
    assert begun_by(workers, innocent) == worker.pid
    assert worker.poll() is None
    assert len(sqlite_books.attempts.workers()) == 1


def test_a_job_that_runs_past_its_limit_is_stopped(sqlite_books: Ledger, workers: Workers) -> None:
    hung = sqlite_books.propose(order(act="sleep-in-c", limit_s=0.5))
    workers.start(lease_s=600)
    failed = in_state(sqlite_books, hung, State.FAILED)
    assert failed.reason == (
        "The job was stopped at its limit of 0.5 s; "
        "try it again when the machine is less busy, or raise the limit in the model's card."
    )
    in_state(sqlite_books, sqlite_books.propose(order(2)), State.DONE)
    assert failed.deaths == 0


def test_an_early_job_is_computed_at_once_and_published_when_it_is_released(
    sqlite_books: Ledger, workers: Workers
) -> None:
    job = sqlite_books.propose(order(released=False))
    workers.start(lease_s=600)
    eventually(lambda: sqlite_books.job(job.id).planned, within_s=60)
    assert workers.happened("stores") == []
    sqlite_books.release(job.id)
    in_state(sqlite_books, job, State.DONE)


def test_the_neighbour_of_a_job_that_kills_its_worker_is_not_set_aside(sqlite_books: Ledger, workers: Workers) -> None:
    neighbour = sqlite_books.propose(order(1, act="store-when-told"))
    workers.start(lease_s=600, jobs_at_once=2)
    begun_by(workers, neighbour)
    killer = sqlite_books.propose(order(2, act="die"))

    def with_a_worker(look: Callable[[], bool]) -> bool:
        if not workers.is_any_alive():
            workers.start(lease_s=600, jobs_at_once=2)
        return look()

    def begun_again() -> bool:
        return len([1 for job_id, _ in workers.happened("begins") if job_id == neighbour.id]) == 2

    def ended() -> bool:
        return all(sqlite_books.job(job.id).state.ended for job in (neighbour, killer))

    eventually(lambda: with_a_worker(begun_again), within_s=60)
    workers.let_store(neighbour)
    eventually(lambda: with_a_worker(ended), within_s=120)
    assert in_state(sqlite_books, killer, State.SET_ASIDE).deaths == 3
    assert in_state(sqlite_books, neighbour, State.DONE).deaths == 1


def test_a_job_that_kills_its_worker_three_times_is_set_aside(sqlite_books: Ledger, workers: Workers) -> None:
    job = sqlite_books.propose(order(act="die"))
    for attempt in (1, 2, 3):
        workers.start(lease_s=600).wait(60)
        assert len(workers.happened("begins")) == attempt
    workers.start(lease_s=600)
    assert in_state(sqlite_books, job, State.SET_ASIDE).deaths == 3
    in_state(sqlite_books, sqlite_books.propose(order(2)), State.DONE)
    assert len([1 for job_id, _ in workers.happened("begins") if job_id == job.id]) == 3


def test_a_worker_that_is_asked_to_leave_lets_its_jobs_finish(sqlite_books: Ledger, workers: Workers) -> None:
    job = sqlite_books.propose(order(act="store-when-told"))
    worker = workers.start(lease_s=600)
    begun_by(workers, job)
    worker.terminate()
    workers.let_store(job)
    assert worker.wait(60) == 0
    assert sqlite_books.job(job.id).state is State.DONE
    assert sqlite_books.attempts.workers() == []


def test_a_worker_that_is_asked_to_leave_begins_nothing_and_hands_back_what_does_not_finish(
    sqlite_books: Ledger, workers: Workers
) -> None:
    running = sqlite_books.propose(order(act="sleep-in-c"))
    worker = workers.start(lease_s=600, jobs_at_once=2)
    begun_by(workers, running)
    worker.terminate()
    eventually(lambda: "leaves when its jobs are done" in workers.log)
    late = sqlite_books.propose(order(2))
    assert worker.wait(60) == 0
    assert [(sqlite_books.job(job.id).state, sqlite_books.job(job.id).attempts) for job in (running, late)] == [
        (State.WAITING, 1),
        (State.WAITING, 0),
    ]
    assert sqlite_books.job(running.id).deaths == 0
    assert sqlite_books.attempts.workers() == []
    assert sqlite_books.dispatch.taken() == []


def test_stat_does_not_wait_for_routine_jobs_to_end(sqlite_books: Ledger, workers: Workers) -> None:
    """The routine job has the one place that there is; urgent jobs have places of their own."""
    routine = sqlite_books.propose(order(1, act="store-when-told"))
    workers.start(jobs_at_once=1)
    begun_by(workers, routine)
    waiting = sqlite_books.propose(order(2))
    urgent = sqlite_books.propose(order(3, priority=Priority.STAT))
    in_state(sqlite_books, urgent, State.DONE)
    assert sqlite_books.job(routine.id).state is State.RUNNING
    assert sqlite_books.job(waiting.id).state is State.WAITING
    workers.let_store(routine)
    in_state(sqlite_books, waiting, State.DONE)


def test_a_shadow_job_is_done_with_nothing_stored(sqlite_books: Ledger, workers: Workers) -> None:
    job = sqlite_books.propose(order(act="forget-to-store", shadow=True))
    workers.start()
    done = in_state(sqlite_books, job, State.DONE)
    assert (len(done.planned), done.results) == (1, ())


def test_a_turn_that_was_taken_but_not_begun_is_not_lost(
    sqlite_books: Ledger, workers: Workers, tmp_path: Path
) -> None:
    (tmp_path / "hold").touch()
    job = sqlite_books.propose(order())
    killed = workers.start(lease_s=600)
    eventually(lambda: (tmp_path / "held").exists(), within_s=60)
    killed.kill()
    killed.wait()
    (tmp_path / "hold").unlink()
    workers.start(lease_s=600)
    done = in_state(sqlite_books, job, State.DONE)
    assert (done.attempts, done.deaths) == (1, 0)
    assert sqlite_books.dispatch.taken() == []


class Bomb:
    """Touches a file when somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._path,)


def test_a_pickle_in_the_queue_is_refused(sqlite_books: Ledger, workers: Workers, tmp_path: Path) -> None:
    sqlite_books.dispatch.set_up_queues(1, 0.2)
    foreign = DBOSClient(system_database_url=sqlite_books.database.address, application_name=APPLICATION)
    foreign.enqueue(
        {"workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": "999:1", "app_version": VERSION},
        Bomb(tmp_path / "exploded"),
        1,
    )
    foreign.destroy()
    workers.start()
    eventually(lambda: sqlite_books.dispatch.look_up([Turn("999", 1)])[0].ended, within_s=60)
    in_state(sqlite_books, sqlite_books.propose(order()), State.DONE)
    assert not (tmp_path / "exploded").exists()


def test_the_waits_between_attempts_outlast_a_restart_of_the_archive() -> None:
    assert waits_s(5, 5.0) == [5.0, 15.0, 45.0, 135.0]
    assert waits_s(1, 5.0) == []
    assert max(waits_s(100, 5.0)) == 600.0
