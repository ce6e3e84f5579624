"""The number of a job in, what its results take the place of out; and that they have taken it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from orthanc_plugin.jobs.job import REJECTION, STATUS, PlannedResult
from orthanc_plugin.jobs.tables import input_sets, jobs, results, roles

SUPERSEDED = "Another series of the study arrived; the job on the new set of series replaces this one."


def superseded(connection: sa.Connection, number: int, *, removed: bool) -> list[str]:
    """What goes once the job's results are stored: pages that said that there are none, and what is `removed`.

    That is what replaced jobs stored, or were about to, by the same model with the same parameters on one of its
    series; never what the job stored itself, as a series that was deleted and sent again gives the same results again.
    """
    earlier = [line for line in _of_replaced(connection, number) if removed or line.kind == STATUS]
    return list(dict.fromkeys(line.sop_instance_uid for line in (*_own_pages(connection, number), *earlier)))


def predecessors(connection: sa.Connection, number: int) -> tuple[PlannedResult, ...]:
    """Of the earlier results what was stored and has no successor yet."""
    found = (
        PlannedResult(line.kind, line.sop_instance_uid, line.series_instance_uid, line.sop_class_uid)
        for line in _of_replaced(connection, number)
        if line.stored and not line.superseded and line.kind not in (STATUS, REJECTION)
    )
    return tuple(dict.fromkeys(found))


def settle(connection: sa.Connection, number: int, *, removed: bool) -> None:
    """The job's results are stored: what they supersede was removed, or stays beside them."""
    for line in (*_own_pages(connection, number), *_of_replaced(connection, number)):
        values = {"stored": False} if removed or line.kind == STATUS else {"superseded": True}
        this = (results.c.job == line.job, results.c.sop_instance_uid == line.sop_instance_uid)
        connection.execute(sa.update(results).where(*this).values(**values))


def _own_pages(connection: sa.Connection, number: int) -> Sequence[sa.Row[Any]]:
    """Of earlier attempts at the same job."""
    question = sa.select(results).where(results.c.job == number, results.c.kind == STATUS, results.c.stored)
    return connection.execute(question).all()


def _of_replaced(connection: sa.Connection, number: int) -> Sequence[sa.Row[Any]]:
    """On the same series, or on a set that gave way to another; never of other studies with the same prior."""
    mine, other = jobs.alias(), jobs.alias()
    ours, theirs = input_sets.alias(), input_sets.alias()
    here, there = roles.alias(), roles.alias()
    shared = (
        sa.select(here.c.place)
        .join(there, there.c.series_uid == here.c.series_uid)
        .where(here.c.input_set == mine.c.input_set, there.c.input_set == other.c.input_set)
    )
    replaced = (
        sa.select(other.c.number)
        .select_from(mine)
        .join(ours, ours.c.id == mine.c.input_set)
        .join(theirs, theirs.c.study_uid == ours.c.study_uid)
        .join(other, other.c.input_set == theirs.c.id)
        .where(mine.c.number == number, other.c.number != number, other.c.replaced)
        .where(shared.exists() | (other.c.reason == SUPERSEDED))
        .where(other.c.model == mine.c.model, other.c.parameters == mine.c.parameters)
    )
    own = sa.select(results.c.sop_instance_uid).where(results.c.job == number)
    question = sa.select(results).where(results.c.job.in_(replaced), results.c.sop_instance_uid.not_in(own))
    return connection.execute(question.order_by(results.c.job, results.c.place)).all()
