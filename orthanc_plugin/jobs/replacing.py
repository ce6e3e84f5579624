"""Jobs whose place another takes in, ended out: what has not ended is cancelled, what stored something is marked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.job import Order, State
from orthanc_plugin.jobs.rows import JOBS_ON_SETS, written
from orthanc_plugin.jobs.standing import ENDED, STORED
from orthanc_plugin.jobs.tables import input_sets, jobs, roles
from orthanc_plugin.jobs.turns import UNENDED, move


def on_other_content(series_uid: str, fingerprint: str) -> sa.Select[Any]:
    """Jobs on the series in another state than it has now, alone or along with others."""
    in_sets = JOBS_ON_SETS.join(roles)
    other = (roles.c.series_uid == series_uid, roles.c.fingerprint != fingerprint)
    return sa.select(jobs.c.number).select_from(in_sets).where(*other)


def on_other_sets(study_uid: str, model: str, key: str) -> sa.Select[Any]:
    """Jobs of a model that takes several series of a study, on other sets of it."""
    other = (input_sets.c.study_uid == study_uid, input_sets.c.key != key, jobs.c.model == model)
    return sa.select(jobs.c.number).select_from(JOBS_ON_SETS).where(*other)


def beside_another_past(order: Order, role: str) -> sa.Select[Any]:
    """Jobs by the same model with the same parameters on just the series that takes that role, compared with others."""
    this, here, there = input_sets.alias(), roles.alias(), roles.alias()
    alike = (roles.c.name, roles.c.series_uid, roles.c.fingerprint, roles.c.instances)
    same = sa.and_(*(here.c[column.name] == there.c[column.name] for column in alike))
    on_it = (
        sa.select(there.c.input_set)
        .join(here, same)
        .join(this, this.c.id == here.c.input_set)
        .where(this.c.key == order.input_set.key, here.c.name == role)
    )
    its = (jobs.c.input_set.in_(on_it), jobs.c.parameters == written(order.parameters), jobs.c.model == order.model)
    return sa.select(jobs.c.number).select_from(JOBS_ON_SETS).where(*its, input_sets.c.key != order.input_set.key)


def by_other_versions(order: Order, number: int) -> sa.Select[Any]:
    """Jobs by the same model with the same parameters on just the same input set as that job's."""
    this = sa.select(jobs.c.input_set).where(jobs.c.number == number).scalar_subquery()
    same = (jobs.c.input_set == this, jobs.c.parameters == written(order.parameters), jobs.c.model == order.model)
    return sa.select(jobs.c.number).where(*same, jobs.c.digest != order.digest)


def replace(connection: sa.Connection, others: sa.Select[Any], sentence: str, now: datetime) -> list[Turn]:
    """The turns that are nobody's any more.

    Whoever takes the place takes back what the others stored, once its own is stored. One that was replaced before
    keeps the sentence that says why.
    """
    in_turn = others.distinct().order_by(jobs.c.number)
    unended = list(connection.execute(in_turn.where(jobs.c.state.in_(UNENDED))).scalars())
    no_longer = queued(connection, unended)
    for number in unended:
        cancel(connection, number, sentence, now, replaced=True)
    with_something = (jobs.c.state == State.DONE) | (ENDED & STORED)
    ended = list(connection.execute(in_turn.where(with_something, sa.not_(jobs.c.replaced))).scalars())
    marked = sa.update(jobs).where(jobs.c.number.in_(ended))
    connection.execute(marked.values(reason=sentence, replaced=True))
    return no_longer


def cancel(connection: sa.Connection, number: int, reason: str, now: datetime, *, replaced: bool = False) -> bool:
    """At once, whoever works on it: its lease is lost, and the worker sees to the call that still runs."""
    values = {"state": State.CANCELLED, "reason": reason, "replaced": replaced, "worker": None}
    return move(connection, number, jobs.c.state.in_(UNENDED), **values, finished_at=now) is not None


def queued(connection: sa.Connection, numbers: Sequence[int]) -> list[Turn]:
    """The turns of those that wait; an attempt that runs ends in the engine by itself."""
    waiting = (jobs.c.number.in_(numbers), jobs.c.state == State.WAITING)
    lines = connection.execute(sa.select(jobs.c.number, jobs.c.attempt).where(*waiting))
    return [Turn(str(line.number), line.attempt) for line in lines]
