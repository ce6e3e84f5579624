"""Orders and jobs to rows of the ledger, and back."""

from __future__ import annotations

import json
import zlib
from typing import Any

import sqlalchemy as sa

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.jobs import record, tables
from orthanc_plugin.jobs.database import Database
from orthanc_plugin.jobs.job import InputSet, Job, Order, Parameter, PlannedResult, Priority, Role, State

COLUMNS = (*tables.jobs.c, tables.input_sets.c.study_uid)
JOBS_ON_SETS = tables.jobs.join(tables.input_sets)


def deflated(uids: tuple[str, ...]) -> bytes:
    return zlib.compress("\n".join(uids).encode())


def inflated(instances: bytes) -> tuple[str, ...]:
    return tuple(zlib.decompress(instances).decode().split())


def written(parameters: tuple[tuple[str, Parameter], ...]) -> str:
    """The same parameters in another order are the same text."""
    return json.dumps(dict(sorted(parameters)), separators=(",", ":"))


def put_input_set(connection: sa.Connection, database: Database, input_set: InputSet) -> int:
    """The row's id; a set that the retention emptied gets its instances back."""
    head = database.insert(tables.input_sets).values(key=input_set.key, study_uid=input_set.study_uid)
    connection.execute(head.on_conflict_do_nothing(index_elements=["key"]))
    number = connection.execute(
        sa.select(tables.input_sets.c.id).where(tables.input_sets.c.key == input_set.key)
    ).scalar_one()
    lines = [
        {
            "input_set": number,
            "place": place,
            "name": role.name,
            "series_uid": role.series_uid,
            "fingerprint": role.fingerprint,
            "instances": deflated(role.sop_instance_uids),
        }
        for place, role in enumerate(input_set.roles)
    ]
    insert = database.insert(tables.roles)
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["input_set", "place"], set_={"instances": insert.excluded.instances}
        ),
        lines,
    )
    return int(number)


def jobs_of(connection: sa.Connection, lines: list[sa.Row[Any]]) -> list[Job]:
    """The jobs whose lines were read, in their order, with what other tables hold of them."""
    roles: dict[int, list[Role]] = {line.input_set: [] for line in lines}
    for row in connection.execute(
        sa.select(tables.roles).where(tables.roles.c.input_set.in_(roles)).order_by(tables.roles.c.place)
    ):
        roles[row.input_set].append(Role(row.name, row.series_uid, inflated(row.instances), row.fingerprint))
    results: dict[int, list[sa.Row[Any]]] = {line.number: [] for line in lines}
    for row in connection.execute(
        sa.select(tables.results).where(tables.results.c.job.in_(results)).order_by(tables.results.c.place)
    ):
        results[row.job].append(row)
    return [_job(line, tuple(roles[line.input_set]), results[line.number]) for line in lines]


def job_of(connection: sa.Connection, number: int) -> Job | None:
    """The job as it stands."""
    line = connection.execute(
        sa.select(*COLUMNS).select_from(JOBS_ON_SETS).where(tables.jobs.c.number == number)
    ).one_or_none()
    return None if line is None else jobs_of(connection, [line])[0]


def _job(line: sa.Row[Any], roles: tuple[Role, ...], results: list[sa.Row[Any]]) -> Job:
    return Job(
        id=str(line.number),
        order=Order(
            input_set=InputSet(line.study_uid, roles),
            model=line.model,
            version=line.version,
            digest=line.digest,
            parameters=tuple(json.loads(line.parameters).items()),
            priority=Priority(line.priority),
            released=line.released,
            limit_s=line.limit_s,
            remarks=tuple(json.loads(line.remarks)),
        ),
        state=State(line.state),
        attempts=line.begun,
        deaths=line.deaths,
        reason=line.reason,
        created_at=line.created_at,
        started_at=line.started_at,
        finished_at=line.finished_at,
        timings=tuple((verb, seconds) for verb, seconds in json.loads(line.timings)),
        planned=tuple(
            PlannedResult(row.kind, row.sop_instance_uid, row.series_instance_uid, row.sop_class_uid) for row in results
        ),
        results=tuple(
            Receipt(row.kind, row.sop_instance_uid, row.series_instance_uid, row.was_there, row.sha256)
            for row in results
            if row.stored
        ),
        record=record.read(line.record) if line.record else None,
    )
