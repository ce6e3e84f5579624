"""What is to be done, is being done and was done: orders in, jobs out; the truth, whatever the engine says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orthanc_plugin.errors import NodeError
from orthanc_plugin.jobs import replacing, tables
from orthanc_plugin.jobs.attempts import Attempts
from orthanc_plugin.jobs.database import Database
from orthanc_plugin.jobs.dispatch import Dispatch, Turn
from orthanc_plugin.jobs.job import Job, Order, State
from orthanc_plugin.jobs.rejections import Rejections
from orthanc_plugin.jobs.rows import COLUMNS, JOBS_ON_SETS, job_of, jobs_of, put_input_set, written
from orthanc_plugin.jobs.standing import STORED, Standing
from orthanc_plugin.jobs.succession import SUPERSEDED
from orthanc_plugin.jobs.turns import UNENDED, give_turn

REPLACED = "More instances of the series arrived; the job on the whole series replaces this one."
COMPARED_ANEW = "There is another earlier study to compare with; the job that does so replaces this one."
RENEWED = "The job by another version of the model on the same series replaces this one."
CANCELLED = "Cancelled by hand."
PURGE_AT_ONCE = 500


class NoSuchJob(NodeError):
    """Nobody ordered a job of that number, or its time in the ledger is over."""


class NotNow(NodeError):
    """The job's state does not allow what was asked."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Every method is one transaction, safe from many processes; opening it brings the database up to date."""

    def __init__(self, url: str, clock: Callable[[], datetime] = utc_now) -> None:
        self.now = clock
        self._database = Database(url)
        self.dispatch = Dispatch(self._database)
        self.attempts = Attempts(self._database, self.dispatch, clock)
        self.standing = Standing(self._database)
        self.rejections = Rejections(self._database)

    @property
    def database(self) -> Database:
        return self._database

    def close(self) -> None:
        self.dispatch.close()
        self._database.close()

    def propose(self, order: Order) -> Job:
        """The job on this order, new or as it is; a released order releases it.

        One that was replaced lives again, and so does one whose source went and came back.
        """
        queued: list[Turn] = []
        with self._database.write() as connection:
            number, is_new = self._line(connection, order, State.WAITING, "")
            if is_new:
                given = give_turn(connection, self.dispatch, number)
            else:
                replaced = tables.jobs.c.replaced & tables.jobs.c.state.not_in(UNENDED)
                again = {"replaced": False, "released": order.released, "record": None}
                given = give_turn(connection, self.dispatch, number, replaced, **again)
                if order.released:
                    self._release(connection, number)
            if given:
                others = replacing.by_other_versions(order, number)
                queued = replacing.replace(connection, others, RENEWED, self.now())
            job = _there(job_of(connection, number), number)
        self.dispatch.strike_out(queued)
        return job

    def skip(self, order: Order, reason: str) -> Job:
        """Settled without running; an order that is known already stays as it is."""
        with self._database.write() as connection:
            number, _ = self._line(connection, order, State.SKIPPED, reason)
            return _there(job_of(connection, number), number)

    def release(self, job_id: str) -> None:
        """The series is complete: results may be published."""
        with self._database.write() as connection:
            self._release(connection, _number(job_id))

    def replace(self, series_uid: str, but_fingerprint: str) -> None:
        """Ends what is not ended on this series in another state; what is done there is superseded.

        All sets that hold the series as it is now go on: models may look at it alone or along with others.
        """
        self._replace(replacing.on_other_content(series_uid, but_fingerprint), REPLACED)

    def supersede(self, study_uid: str, model: str, but_key: str) -> None:
        """As `replace`, for a model that takes several series of a study: its jobs on other sets of it."""
        self._replace(replacing.on_other_sets(study_uid, model, but_key), SUPERSEDED)

    def compare_anew(self, order: Order, role: str) -> None:
        """As `replace`, for a model that takes one series and compares it: its jobs beside another earlier study."""
        self._replace(replacing.beside_another_past(order, role), COMPARED_ANEW)

    def _replace(self, others: sa.Select[Any], sentence: str) -> None:
        with self._database.write() as connection:
            queued = replacing.replace(connection, others, sentence, self.now())
        self.dispatch.strike_out(queued)

    def cancel(self, job_id: str, reason: str = CANCELLED) -> Job:
        number = _number(job_id)
        with self._database.write() as connection:
            queued = replacing.queued(connection, [number])
            ended = replacing.cancel(connection, number, reason, self.now())
            job = _there(job_of(connection, number), job_id)
        if not ended:
            raise NotNow(f"The job {job_id} is {job.state} already; there is nothing to cancel.")
        self.dispatch.strike_out(queued)
        return job

    def retry(self, job_id: str) -> Job:
        """From the beginning, with all its chances; what is stored already is not stored twice."""
        number = _number(job_id)
        again = (State.FAILED, State.SET_ASIDE, State.SKIPPED, State.CANCELLED, State.RETRYING)
        open_again = (tables.jobs.c.state.in_(again), tables.jobs.c.model != "")
        with self._database.write() as connection:
            given = give_turn(
                connection, self.dispatch, number, *open_again, deaths=0, setbacks=0, replaced=False, released=True
            )
            job = _there(job_of(connection, number), job_id)
        if not given and not job.order.model:
            raise NotNow(f"No model fits the series of the job {job_id}; there is nothing to try again.")
        if not given:
            raise NotNow(f"The job {job_id} is {job.state}; only a job that ended without a result can be tried again.")
        return job

    def settled(self, series_uid: str, fingerprint: str) -> bool:
        """Whether nothing is left to decide about the series with just this content; purged jobs count."""
        purged = tables.jobs.c.number.is_(None)
        decided = tables.jobs.c.released | tables.jobs.c.state.not_in(UNENDED)
        question = (
            sa.select(tables.roles.c.place)
            .select_from(tables.roles.outerjoin(tables.jobs, tables.jobs.c.input_set == tables.roles.c.input_set))
            .where(tables.roles.c.series_uid == series_uid, tables.roles.c.fingerprint == fingerprint)
            .where(purged | (decided & sa.not_(tables.jobs.c.replaced)))
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.execute(question).first() is not None

    def job(self, job_id: str) -> Job:
        with self._database.read() as connection:
            return _there(job_of(connection, _number(job_id)), job_id)

    def jobs(
        self,
        *,
        study: str | None = None,
        series: str | None = None,
        state: State | None = None,
        model: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> tuple[list[Job], str | None]:
        """Newest first, and the cursor for the next page while there is one."""
        question = sa.select(*COLUMNS).select_from(JOBS_ON_SETS).order_by(tables.jobs.c.number.desc()).limit(limit + 1)
        if cursor is not None:
            question = question.where(tables.jobs.c.number < _number(cursor))
        if study is not None:
            question = question.where(tables.input_sets.c.study_uid == study)
        if series is not None:
            with_series = sa.select(tables.roles.c.input_set).where(tables.roles.c.series_uid == series)
            question = question.where(tables.jobs.c.input_set.in_(with_series))
        if state is not None:
            question = question.where(tables.jobs.c.state == state)
        if model is not None:
            question = question.where(tables.jobs.c.model == model)
        with self._database.read() as connection:
            lines = list(connection.execute(question).all())
            page = jobs_of(connection, lines[:limit])
        return page, page[-1].id if len(lines) > limit else None

    def counts(self) -> dict[State, int]:
        question = sa.select(tables.jobs.c.state, sa.func.count().label("jobs")).group_by(tables.jobs.c.state)
        with self._database.read() as connection:
            found = {line.state: line.jobs for line in connection.execute(question)}
        return {state: found.get(state, 0) for state in State}

    def purge(self, older_than: datetime) -> int:
        """Forgets jobs that ended before and of which nothing is stored; answers how many.

        Their input sets stay, empty, so that nobody does the work again. A job whose results the archive holds stays as
        long as they do: they may have to be taken back, superseded, recalled or made again.
        """
        ended = (tables.jobs.c.state.not_in(UNENDED), tables.jobs.c.finished_at < older_than)
        old = sa.select(tables.jobs.c.number, tables.jobs.c.input_set).where(*ended, sa.not_(STORED))
        with self._database.write() as connection:
            lines = connection.execute(old.limit(PURGE_AT_ONCE)).all()
            numbers = [line.number for line in lines]
            connection.execute(sa.delete(tables.results).where(tables.results.c.job.in_(numbers)))
            connection.execute(sa.delete(tables.jobs).where(tables.jobs.c.number.in_(numbers)))
            unused = tables.roles.c.input_set.not_in(sa.select(tables.jobs.c.input_set))
            emptied = tables.roles.c.input_set.in_([line.input_set for line in lines]) & unused
            connection.execute(sa.update(tables.roles).where(emptied).values(instances=b""))
        return len(lines)

    def remember(self, key: str, value: str) -> None:
        insert = self._database.insert(tables.kept).values(key=key, value=value)
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_={"value": value}))

    def recall(self, key: str) -> str | None:
        with self._database.read() as connection:
            return connection.execute(
                sa.select(tables.kept.c.value).where(tables.kept.c.key == key)
            ).scalar_one_or_none()

    def _line(self, connection: sa.Connection, order: Order, state: State, reason: str) -> tuple[int, bool]:
        """The number of the job on this order, and whether it is new."""
        key = {
            "input_set": put_input_set(connection, self._database, order.input_set),
            "digest": order.digest,
            "parameters": written(order.parameters),
        }
        rest: dict[str, Any] = {
            "model": order.model,
            "version": order.version,
            "priority": int(order.priority),
            "released": order.released,
            "limit_s": order.limit_s,
            "remarks": json.dumps(order.remarks),
            "state": state,
            "reason": reason,
            "created_at": self.now(),
            "finished_at": self.now() if state.ended else None,
            "replaced": False,
            "timings": "[]",
            **dict.fromkeys(("attempt", "begun", "deaths", "setbacks", "fence"), 0),
        }
        insert = self._database.insert(tables.jobs).values(key | rest).on_conflict_do_nothing(index_elements=list(key))
        number = connection.execute(insert.returning(tables.jobs.c.number)).scalar_one_or_none()
        if number is not None:
            return int(number), True
        same = sa.select(tables.jobs.c.number).where(*(tables.jobs.c[name] == value for name, value in key.items()))
        return int(connection.execute(same).scalar_one()), False

    def _release(self, connection: sa.Connection, number: int) -> None:
        connection.execute(sa.update(tables.jobs).where(tables.jobs.c.number == number).values(released=True))


def _number(job_id: str) -> int:
    if not job_id.isascii() or not job_id.isdigit() or len(job_id) > 9:
        raise NoSuchJob(f"There is no job {job_id!r}.")
    return int(job_id)


def _there(job: Job | None, job_id: str | int) -> Job:
    if job is None:
        raise NoSuchJob(f"There is no job {str(job_id)!r}.")
    return job
