"""Which results of the node the archive holds, found by their series, model or UID; and that they were taken back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.jobs.database import Database
from orthanc_plugin.jobs.job import Job
from orthanc_plugin.jobs.rows import COLUMNS, JOBS_ON_SETS, jobs_of
from orthanc_plugin.jobs.tables import jobs, results, roles
from orthanc_plugin.jobs.turns import UNENDED

AFTER_ALL = 1000
ENDED = jobs.c.state.not_in(UNENDED)
STORED = sa.exists().where(results.c.job == jobs.c.number, results.c.stored)


class Standing:
    """Of ended jobs alone: while one runs, its worker looks after what it stores."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def on_series(self, series_uid: str) -> list[Job]:
        on_it = sa.select(roles.c.input_set).where(roles.c.series_uid == series_uid)
        return self._jobs(ENDED, STORED, jobs.c.input_set.in_(on_it))

    def page(self, after: int, limit: int) -> list[Job]:
        """All, by their numbers, a few at a time."""
        return self._jobs(ENDED, STORED, jobs.c.number > after, limit=limit)

    def of_model(self, model: str, version: str = "") -> list[Job]:
        """`version` as the card names it, or the first digits of the digest."""
        return self._jobs(ENDED, STORED, jobs.c.model == model, _named(version))

    def under_way(self, model: str, version: str = "") -> list[Job]:
        """Those of the model that have not ended."""
        return self._jobs(sa.not_(ENDED), jobs.c.model == model, _named(version))

    def with_result(self, sop_instance_uid: str) -> Job | None:
        """The newest job that stored it, whether it was taken back since or not."""
        stored_it = sa.select(results.c.job).where(results.c.sop_instance_uid == sop_instance_uid)
        found = self._jobs(jobs.c.number.in_(stored_it))
        return found[-1] if found else None

    def knows_digest(self, digest: str) -> bool:
        """Whether a model of that digest ever worked here."""
        with self._database.read() as connection:
            return (
                connection.execute(sa.select(jobs.c.number).where(jobs.c.digest == digest).limit(1)).first() is not None
            )

    def of_this_alone(self, job: Job) -> list[str]:
        """Its stored results, less those that another job has as well, be it about to store them."""
        mine = [receipt.sop_instance_uid for receipt in job.results]
        theirs = (
            sa.select(results.c.sop_instance_uid)
            .select_from(results.join(jobs))
            .where(results.c.sop_instance_uid.in_(mine), results.c.job != int(job.id))
            .where(results.c.stored | sa.not_(ENDED))
        )
        with self._database.read() as connection:
            others = frozenset(connection.execute(theirs).scalars())
        return [uid for uid in mine if uid not in others]

    def add(self, job_id: str, receipt: Receipt, sop_class_uid: str) -> None:
        """What was stored on the job's account after it ended, and goes with its results."""
        line = {
            "job": int(job_id),
            "sop_instance_uid": receipt.sop_instance_uid,
            "series_instance_uid": receipt.series_instance_uid,
            "kind": receipt.kind,
            "place": AFTER_ALL,
            "stored": True,
            "was_there": receipt.was_there,
            "sop_class_uid": sop_class_uid,
            "sha256": receipt.sha256,
        }
        insert = self._database.insert(results).values(line)
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_nothing())

    def taken_back(self, job_id: str, reason: str, *, but: Collection[str] = ()) -> None:
        """Nothing of the job is stored any more, save `but`; with nothing left the same order may come again."""
        number = int(job_id)
        with self._database.write() as connection:
            gone = (results.c.job == number, results.c.sop_instance_uid.not_in(list(but)))
            connection.execute(sa.update(results).where(*gone).values(stored=False))
            ended = sa.update(jobs).where(jobs.c.number == number, ENDED)
            connection.execute(ended.values(reason=reason, replaced=jobs.c.replaced if but else True))

    def _jobs(self, *where: sa.ColumnElement[bool], limit: int | None = None) -> list[Job]:
        question = sa.select(*COLUMNS).select_from(JOBS_ON_SETS).where(*where).order_by(jobs.c.number).limit(limit)
        with self._database.read() as connection:
            lines: Sequence[sa.Row[tuple[object, ...]]] = connection.execute(question).all()
            return jobs_of(connection, list(lines))


def _named(version: str) -> sa.ColumnElement[bool]:
    if not version:
        return sa.true()
    return (jobs.c.version == version) | jobs.c.digest.startswith(version, autoescape=True)
