"""The two ways in which a line of the ledger changes its state: it moves, or it gets its next turn in the queue."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from orthanc_plugin.jobs.dispatch import Dispatch, Turn
from orthanc_plugin.jobs.job import State
from orthanc_plugin.jobs.tables import jobs

UNENDED = tuple(state for state in State if not state.ended)


def move(connection: sa.Connection, number: int, *still: sa.ColumnElement[bool], **values: Any) -> int | None:
    """The new fence, or None when the job is no longer as `still` says; whoever held it can write no more."""
    change = sa.update(jobs).where(jobs.c.number == number, *still).values(fence=jobs.c.fence + 1, **values)
    fence = connection.execute(change.returning(jobs.c.fence)).scalar_one_or_none()
    return None if fence is None else int(fence)


def give_turn(
    connection: sa.Connection, dispatch: Dispatch, number: int, *still: sa.ColumnElement[bool], **values: Any
) -> bool:
    """The job waits with an attempt of its own in the queue; False when it is no longer as `still` says."""
    fresh = {"state": State.WAITING, "worker": None, "due_at": None, "finished_at": None, "reason": ""}
    if move(connection, number, *still, **(fresh | values), attempt=jobs.c.attempt + 1) is None:
        return False
    line = connection.execute(sa.select(jobs.c.attempt, jobs.c.priority).where(jobs.c.number == number)).one()
    dispatch.put(connection, Turn(str(number), line.attempt), line.priority)
    return True
