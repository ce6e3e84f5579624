"""Whatever a crash leaves behind is put right by some process's next round."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from orthanc_plugin.errors import Temporary
from orthanc_plugin.jobs.attempts import Enrolled, Hold
from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.janitor import Janitor
from orthanc_plugin.jobs.job import State
from orthanc_plugin.jobs.ledger import Ledger, NoSuchJob
from orthanc_plugin.jobs.process import Process
from tests.jobs.builders import Clock, order
from tests.waiting import eventually

ELSEWHERE = Process("another-boot/1", "1/1")


@pytest.fixture
def janitor(sqlite_ledger: Ledger, clock: Clock) -> Janitor:
    return Janitor(sqlite_ledger, lease_s=15.0, keep_ended=timedelta(days=90), seconds=clock.seconds)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def running(ledger: Ledger, process: Process) -> tuple[str, Hold]:
    worker = ledger.attempts.enrol("a-host", process)
    started = ledger.attempts.begin(Turn(ledger.propose(order()).id, 1), worker)
    assert started is not None
    return worker, started[1]


def test_a_dead_process_of_this_host_is_seen_at_once(
    sqlite_ledger: Ledger, janitor: Janitor, sleeper: subprocess.Popen[bytes]
) -> None:
    _, hold = running(sqlite_ledger, Process.of(sleeper.pid))
    janitor.round()
    assert sqlite_ledger.job(str(hold.number)).state is State.RUNNING
    sleeper.kill()
    sleeper.wait()
    janitor.round()
    job = sqlite_ledger.job(str(hold.number))
    assert (job.state, job.deaths) == (State.WAITING, 1)


def test_a_worker_elsewhere_is_dead_when_it_is_silent_past_its_lease(
    sqlite_ledger: Ledger, janitor: Janitor, clock: Clock
) -> None:
    worker, hold = running(sqlite_ledger, ELSEWHERE)
    for _ in range(10):
        janitor.round()
        clock.go_on(3)
        sqlite_ledger.attempts.beat(worker)
    assert sqlite_ledger.job(str(hold.number)).state is State.RUNNING
    for _ in range(6):
        janitor.round()
        clock.go_on(3)
    assert sqlite_ledger.job(str(hold.number)).state is State.RUNNING
    janitor.round()
    assert sqlite_ledger.job(str(hold.number)).deaths == 1


def test_a_pause_of_the_whole_machine_kills_nobody(sqlite_ledger: Ledger, janitor: Janitor, clock: Clock) -> None:
    worker, hold = running(sqlite_ledger, ELSEWHERE)
    janitor.round()
    clock.go_on(3600)
    janitor.round()
    sqlite_ledger.attempts.beat(worker)
    for _ in range(4):
        janitor.round()
    assert sqlite_ledger.attempts.lost([hold]) == set()


def silent_for(seconds: float, janitor: Janitor, clock: Clock) -> None:
    for _ in range(int(seconds)):
        janitor.round()
        clock.go_on(1)


def test_a_process_that_hangs_as_a_whole_is_killed(
    sqlite_ledger: Ledger, janitor: Janitor, clock: Clock, sleeper: subprocess.Popen[bytes]
) -> None:
    running(sqlite_ledger, Process.of(sleeper.pid))
    silent_for(76, janitor, clock)
    assert sqlite_ledger.attempts.workers() == []
    assert sleeper.poll() is None
    silent_for(3, janitor, clock)
    assert sleeper.wait(5) == -signal.SIGKILL


def test_a_process_that_was_stopped_or_started_anew_is_left_alone(
    sqlite_ledger: Ledger, janitor: Janitor, clock: Clock, sleeper: subprocess.Popen[bytes]
) -> None:
    process = Process.of(sleeper.pid)
    running(sqlite_ledger, process)
    sleeper.send_signal(signal.SIGSTOP)
    eventually(lambda: process.is_stopped)
    silent_for(120, janitor, clock)
    assert sleeper.poll() is None
    sleeper.send_signal(signal.SIGCONT)
    eventually(lambda: not process.is_stopped)
    silent_for(50, janitor, clock)
    again = sqlite_ledger.attempts.enrol("a-host", process)
    for _ in range(70):
        silent_for(1, janitor, clock)
        sqlite_ledger.attempts.beat(again)
    assert sleeper.poll() is None


def test_retrying_jobs_get_their_turn_when_they_are_due(sqlite_ledger: Ledger, janitor: Janitor, clock: Clock) -> None:
    _, hold = running(sqlite_ledger, Process.mine())
    sqlite_ledger.attempts.put_off(hold, "Orthanc is away.", {}, [5.0])
    janitor.round()
    assert sqlite_ledger.attempts.waiting() == []
    clock.go_on(5)
    janitor.round()
    assert sqlite_ledger.attempts.waiting() == [Turn(str(hold.number), 2)]


def test_a_waiting_job_whose_turn_the_engine_lost_gets_another(
    sqlite_ledger: Ledger, janitor: Janitor, clock: Clock
) -> None:
    kept, ended, forgotten = (sqlite_ledger.propose(order(series)) for series in (1, 2, 3))
    sqlite_ledger.dispatch.strike_out([Turn(forgotten.id, 1)])
    sqlite_ledger.dispatch.sweep(datetime.now(UTC) + timedelta(hours=1))
    sqlite_ledger.dispatch.strike_out([Turn(ended.id, 1)])
    janitor.round()
    assert sqlite_ledger.attempts.waiting() == [Turn(kept.id, 1), Turn(ended.id, 2), Turn(forgotten.id, 2)]
    assert len(sqlite_ledger.dispatch.look_up(sqlite_ledger.attempts.waiting())) == 3


def test_ended_jobs_are_forgotten_when_their_time_is_over(
    sqlite_ledger: Ledger, janitor: Janitor, clock: Clock
) -> None:
    old = sqlite_ledger.skip(order(), "It has one slice.")
    janitor.round()
    assert sqlite_ledger.job(old.id) == old
    clock.go_on(91 * 24 * 3600)
    janitor.round()
    with pytest.raises(NoSuchJob):
        sqlite_ledger.job(old.id)


def test_rounds_go_on_when_one_fails_and_end_when_told(
    sqlite_ledger: Ledger, janitor: Janitor, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = sqlite_ledger.propose(order())
    failures = iter([Temporary("The ledger is away."), KeyError("a bug")])
    workers = sqlite_ledger.attempts.workers

    def failing_twice() -> list[Enrolled]:
        for failure in failures:
            raise failure
        return workers()

    monkeypatch.setattr(sqlite_ledger.attempts, "workers", failing_twice)
    sqlite_ledger.dispatch.strike_out([Turn(job.id, 1)])
    stop = Janitor(sqlite_ledger, lease_s=0.1, keep_ended=timedelta(days=90)).start()
    eventually(lambda: sqlite_ledger.attempts.waiting() == [Turn(job.id, 2)])
    stop()
    assert "janitor" not in {thread.name for thread in threading.enumerate()}
