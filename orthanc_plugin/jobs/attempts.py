"""Attempts at jobs, as workers make them: begun, checked, ended, handed on; and the lives of the workers themselves."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.errors import Broken
from orthanc_plugin.jobs import record, succession
from orthanc_plugin.jobs.database import Database
from orthanc_plugin.jobs.dispatch import Dispatch, Turn
from orthanc_plugin.jobs.job import Job, PlannedResult, Record, State
from orthanc_plugin.jobs.process import Process
from orthanc_plugin.jobs.rows import job_of
from orthanc_plugin.jobs.tables import jobs, results, workers
from orthanc_plugin.jobs.turns import give_turn, move

DEATHS_MOST = 3
SET_ASIDE = (
    f"The worker died {DEATHS_MOST} times while it worked on this job, which is set aside; "
    "look into the worker's log, then try the job again."
)


class LostLease(Exception):
    """The attempt has lost its job: cancelled, out of time, or given to another worker. It stores nothing more."""


@dataclass(frozen=True)
class Hold:
    """A worker's hold on a job: good while the job's fence stands where it stood when the attempt began."""

    number: int
    fence: int
    worker: str

    @property
    def stands(self) -> sa.ColumnElement[bool]:
        return (jobs.c.fence == self.fence) & (jobs.c.worker == self.worker)


@dataclass(frozen=True)
class Enrolled:
    """A worker as the ledger knows it; `beats` grows while it lives."""

    id: str
    host: str
    process: Process
    beats: int


class Attempts:
    def __init__(self, database: Database, dispatch: Dispatch, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._dispatch = dispatch
        self._clock = clock

    def enrol(self, host: str, process: Process) -> str:
        """A new life of a worker; its id is never used again."""
        worker = uuid.uuid4().hex
        line = {"id": worker, "host": host, "here": process.here, "process": process.key, "beats": 0}
        with self._database.write() as connection:
            connection.execute(sa.insert(workers).values(line | {"enrolled_at": self._clock()}))
        return worker

    def beat(self, worker: str) -> bool:
        """False when the worker was given up: its jobs are others' now."""
        beat = sa.update(workers).where(workers.c.id == worker).values(beats=workers.c.beats + 1)
        with self._database.write() as connection:
            return connection.execute(beat).rowcount == 1

    def workers(self) -> list[Enrolled]:
        with self._database.read() as connection:
            lines = connection.execute(sa.select(workers).order_by(workers.c.enrolled_at)).all()
        return [Enrolled(line.id, line.host, Process(line.here, line.process), line.beats) for line in lines]

    def dismiss(self, worker: str, *, died: bool, beats: int | None = None) -> list[str]:
        """Gives the worker's jobs their next turn and answers which; none when it has beaten since `beats`."""
        gone = sa.delete(workers).where(workers.c.id == worker)
        if beats is not None:
            gone = gone.where(workers.c.beats == beats)
        with self._database.write() as connection:
            if connection.execute(gone).rowcount == 0:
                return []
            held = sa.select(jobs.c.number, jobs.c.deaths).where(jobs.c.worker == worker).order_by(jobs.c.number)
            lines = connection.execute(held.with_for_update()).all()
            for line in lines:
                self._hand_on(connection, line.number, line.deaths + int(died))
        return [str(line.number) for line in lines]

    def deaths(self, job_id: str) -> int:
        question = sa.select(jobs.c.deaths).where(jobs.c.number == int(job_id))
        with self._database.read() as connection:
            return connection.execute(question).scalar() or 0

    def begin(self, turn: Turn, worker: str) -> tuple[Job, Hold] | None:
        """None: it is no longer this attempt's turn, or no longer this worker's."""
        number = int(turn.job_id)
        mine = (jobs.c.attempt == turn.number, jobs.c.state == State.WAITING)
        enrolled = sa.select(workers.c.id).where(workers.c.id == worker).with_for_update(read=True)
        with self._database.write() as connection:
            if connection.execute(enrolled).first() is None:
                give_turn(connection, self._dispatch, number, *mine)
                return None
            begun = {"state": State.RUNNING, "worker": worker, "begun": jobs.c.begun + 1, "timings": "[]"}
            fence = move(connection, number, *mine, **begun, started_at=self._clock())
            job = job_of(connection, number)
        return None if fence is None or job is None else (job, Hold(number, fence, worker))

    def lost(self, holds: Sequence[Hold]) -> set[Hold]:
        """Those that stand no more."""
        if not holds:
            return set()
        question = sa.select(jobs.c.number, jobs.c.fence).where(jobs.c.number.in_([hold.number for hold in holds]))
        with self._database.read() as connection:
            fences = {line.number: line.fence for line in connection.execute(question)}
        return {hold for hold in holds if fences.get(hold.number) != hold.fence}

    def released(self, hold: Hold) -> bool:
        question = sa.select(jobs.c.released).where(jobs.c.number == hold.number, hold.stands)
        with self._database.read() as connection:
            released = connection.execute(question).scalar_one_or_none()
        if released is None:
            raise LostLease
        return bool(released)

    def plan(self, hold: Hold, planned: Sequence[PlannedResult], made: Record | None = None) -> None:
        """Before the first store. What an earlier attempt stored stays; what it only planned is planned anew."""
        with self._database.write() as connection:
            self._hold_fast(connection, hold)
            if made is not None:
                this = sa.update(jobs).where(jobs.c.number == hold.number)
                connection.execute(this.values(record=record.written(made)))
            connection.execute(sa.delete(results).where(results.c.job == hold.number, sa.not_(results.c.stored)))
            for place, result in enumerate(planned):
                line = {
                    "job": hold.number,
                    "sop_instance_uid": result.sop_instance_uid,
                    "series_instance_uid": result.series_instance_uid,
                    "kind": result.kind,
                    "place": place,
                    "stored": False,
                    "was_there": False,
                    "sop_class_uid": result.sop_class_uid,
                }
                insert = self._database.insert(results).values(line)
                connection.execute(insert.on_conflict_do_nothing())

    def receive(self, hold: Hold, receipt: Receipt) -> None:
        line = (results.c.job == hold.number, results.c.sop_instance_uid == receipt.sop_instance_uid)
        stored = sa.update(results).where(*line).values(stored=True, was_there=receipt.was_there, sha256=receipt.sha256)
        with self._database.write() as connection:
            self._hold_fast(connection, hold)
            if connection.execute(stored).rowcount == 0:
                raise Broken(f"The job {hold.number} stored a {receipt.kind} that it had not planned; report this.")

    def predecessors(self, hold: Hold, holds: Callable[[str], bool]) -> tuple[PlannedResult, ...]:
        """As the job's record has them where an attempt made one: what is planned stays the same over all attempts."""
        question = sa.select(jobs.c.record).where(jobs.c.number == hold.number)
        with self._database.read() as connection:
            text = connection.execute(question).scalar_one_or_none()
            found = () if text else succession.predecessors(connection, hold.number)
        if text:
            return record.read(text).predecessors
        return tuple(each for each in found if each.sop_class_uid and holds(each.sop_instance_uid))

    def superseded(self, hold: Hold, *, removed: bool = True) -> list[str]:
        """The SOPInstanceUIDs of all that goes now that the job's results are there."""
        with self._database.read() as connection:
            return succession.superseded(connection, hold.number, removed=removed)

    def succeed(self, hold: Hold, *, removed: bool) -> None:
        """The job's results are stored and have taken the place of the earlier ones."""
        with self._database.write() as connection:
            self._hold_fast(connection, hold)
            succession.settle(connection, hold.number, removed=removed)

    def note(self, hold: Hold, timings: Mapping[str, float]) -> None:
        with self._database.write() as connection:
            self._hold_fast(connection, hold)
            connection.execute(sa.update(jobs).where(jobs.c.number == hold.number).values(timings=_written(timings)))

    def unstored(self, hold: Hold) -> int:
        """How many planned results have no receipt."""
        question = sa.select(sa.func.count()).where(results.c.job == hold.number, sa.not_(results.c.stored))
        with self._database.read() as connection:
            return int(connection.execute(question.select_from(results)).scalar_one())

    def end(
        self, hold: Hold, state: State, reason: str, timings: Mapping[str, float], *, lives_again: bool = False
    ) -> None:
        """`lives_again` where the source went: nothing of it is stored any more, and the same order may come again."""
        values = {"state": state, "reason": reason, "worker": None, "timings": _written(timings)}
        with self._database.write() as connection:
            ended = {"replaced": lives_again, "finished_at": self._clock()}
            if move(connection, hold.number, hold.stands, **values, **ended) is None:
                raise LostLease
            if lives_again:
                connection.execute(sa.update(results).where(results.c.job == hold.number).values(stored=False))

    def put_off(self, hold: Hold, reason: str, timings: Mapping[str, float], waits_s: Sequence[float]) -> State:
        """Retrying after the next wait; failed when there is none left."""
        with self._database.write() as connection:
            setbacks = self._hold_fast(connection, hold).setbacks
            state, due_at, finished_at = State.RETRYING, None, None
            if setbacks < len(waits_s):
                due_at = self._clock() + timedelta(seconds=waits_s[setbacks])
            else:
                state, finished_at = State.FAILED, self._clock()
                reason = f"{reason} It was tried {setbacks + 1} times."
            values = {"state": state, "reason": reason, "worker": None, "timings": _written(timings)}
            times = {"due_at": due_at, "finished_at": finished_at, "setbacks": setbacks + 1}
            move(connection, hold.number, hold.stands, **values, **times)
        return state

    def give_due_turns(self) -> int:
        """Retrying jobs whose time has come."""
        due = sa.select(jobs.c.number).where(jobs.c.state == State.RETRYING, jobs.c.due_at <= self._clock())
        with self._database.read() as connection:
            numbers = list(connection.execute(due).scalars())
        return sum(self._give(number, jobs.c.state == State.RETRYING) for number in numbers)

    def give_again(self, turns: Iterable[Turn]) -> int:
        """Another turn for jobs that still wait for one of these, which the engine has lost."""
        return sum(
            self._give(int(turn.job_id), jobs.c.state == State.WAITING, jobs.c.attempt == turn.number) for turn in turns
        )

    def waiting(self) -> list[Turn]:
        question = sa.select(jobs.c.number, jobs.c.attempt).where(jobs.c.state == State.WAITING)
        with self._database.read() as connection:
            return [Turn(str(line.number), line.attempt) for line in connection.execute(question)]

    def _give(self, number: int, *still: sa.ColumnElement[bool]) -> bool:
        with self._database.write() as connection:
            return give_turn(connection, self._dispatch, number, *still)

    def _hand_on(self, connection: sa.Connection, number: int, deaths: int) -> None:
        if deaths < DEATHS_MOST:
            give_turn(connection, self._dispatch, number, deaths=deaths)
            return
        values = {"state": State.SET_ASIDE, "reason": SET_ASIDE, "worker": None, "deaths": deaths}
        move(connection, number, **values, finished_at=self._clock())

    def _hold_fast(self, connection: sa.Connection, hold: Hold) -> sa.Row[tuple[int]]:
        """Locks the job's line for this transaction, or says that it is lost."""
        question = sa.select(jobs.c.setbacks).where(jobs.c.number == hold.number, hold.stands).with_for_update()
        line = connection.execute(question).one_or_none()
        if line is None:
            raise LostLease
        return line


def _written(timings: Mapping[str, float]) -> str:
    return json.dumps([(verb, round(seconds, 4)) for verb, seconds in timings.items()])
