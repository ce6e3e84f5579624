"""Jobs of the ledger in, JSON as the interface promises it out; and what may be asked about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orthanc_plugin.jobs import record
from orthanc_plugin.jobs.job import InputSet, Job, Priority, State
from orthanc_plugin.web.message import Wrong
from orthanc_plugin.web.viewer import link

MOST_AT_ONCE = 500
FILTERS = ("study", "series", "state", "model", "limit", "cursor")


def view(job: Job) -> dict[str, Any]:
    order = job.order
    return {
        "id": job.id,
        "study": order.input_set.study_uid,
        "series": list(order.input_set.series_uids),
        "model": order.model or None,
        "version": order.version or None,
        "digest": order.digest or None,
        "state": job.state,
        "priority": Priority(order.priority).name.lower(),
        "attempts": job.attempts,
        "reason": job.reason or None,
        "created_at": moment(job.created_at),
        "started_at": moment(job.started_at),
        "finished_at": moment(job.finished_at),
        "timings": {step: round(seconds, 3) for step, seconds in job.timings},
        "results": [
            {
                "kind": receipt.kind,
                "sop_instance_uid": receipt.sop_instance_uid,
                "series_instance_uid": receipt.series_instance_uid,
                "sha256": receipt.sha256 or None,
            }
            for receipt in job.results
        ],
        "viewer": link(order.input_set.study_uid, shown(job)),
    }


def whole(job: Job) -> dict[str, Any]:
    """One job alone: also which series took which role, and what contradicts itself in them."""
    order = job.order
    roles = seats(order.input_set)
    made_from = None if job.record is None else record.entries(job.record)
    return view(job) | {"roles": roles, "remarks": list(order.remarks), "record": made_from}


def seats(input_set: InputSet) -> dict[str, str | list[str]]:
    """The series that took a role, a list where there are several."""
    found: dict[str, list[str]] = {}
    for role in input_set.roles:
        found.setdefault(role.name, []).append(role.series_uid)
    return {name: uids if len(uids) > 1 else uids[0] for name, uids in found.items()}


def shown(job: Job) -> tuple[str, ...]:
    """The series that the viewer opens for a job: what it worked on and what came of it."""
    return tuple(dict.fromkeys((*job.order.input_set.series_uids, *(each.series_instance_uid for each in job.results))))


def moment(time: datetime | None) -> str | None:
    return None if time is None else time.astimezone(UTC).isoformat(timespec="milliseconds")


def filters(query: Mapping[str, str]) -> dict[str, Any]:
    """The arguments for the ledger; an unknown name is an error, never left out."""
    for name in query:
        if name not in FILTERS:
            raise Wrong(f'"{name}" is not a filter of jobs; allowed are {", ".join(FILTERS)}.')
    wanted: dict[str, Any] = {name: query[name] for name in ("study", "series", "model", "cursor") if query.get(name)}
    if query.get("state"):
        wanted["state"] = state(query["state"])
    if query.get("limit"):
        wanted["limit"] = limit(query["limit"])
    return wanted


def state(value: str) -> State:
    try:
        return State(value)
    except ValueError:
        raise Wrong(f'"state" is "{value}"; allowed are {", ".join(State)}.') from None


def limit(value: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value) <= MOST_AT_ONCE:
        return int(value)
    raise Wrong(f'"limit" is "{value}"; allowed is a whole number from 1 to {MOST_AT_ONCE}.')
