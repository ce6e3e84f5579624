"""What the ledger holds: input sets, jobs on them, their states."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from orthanc_plugin.archive.protocol import Receipt

Parameter = str | float | int | bool
# The name of the parameter by which an order says that its results are not to be stored.
SHADOW = "shadow"
# And that by which it says that one frame alone is meant, of the one instance that its role names.
FRAME = "frame"

# The kinds of what a job stores that are no results of a model: the page that says why there are none, and the key
# object that rejects earlier ones.
STATUS = "STATUS"
REJECTION = "REJECTION"


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    RETRYING = "retrying"
    FAILED = "failed"
    SET_ASIDE = "set-aside"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (State.WAITING, State.RUNNING, State.RETRYING)


class Priority(IntEnum):
    STAT = 1
    ROUTINE = 10


@dataclass(frozen=True)
class Role:
    """One part of an input set: a series, the instances of it that count, and the state of their files."""

    name: str
    series_uid: str
    sop_instance_uids: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True)
class InputSet:
    """What a job works on: one series is a set with one role. A role that takes several series stands once for each."""

    study_uid: str
    roles: tuple[Role, ...]

    @property
    def key(self) -> str:
        parts = [self.study_uid]
        for role in sorted(self.roles, key=lambda role: (role.name, role.series_uid)):
            parts += [role.name, role.series_uid, role.fingerprint, *sorted(role.sop_instance_uids)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def series_uids(self) -> tuple[str, ...]:
        return tuple(role.series_uid for role in self.roles)


@dataclass(frozen=True)
class Order:
    """A job before it has a number: which model, on what, how urgently. `model` is empty where none fits.

    `released` says that results may be published; `limit_s` is how long the work may take, waiting for release apart.
    `remarks` are what routing minded about the source, told in the results; they make no other order of it.
    """

    input_set: InputSet
    model: str
    version: str
    digest: str
    parameters: tuple[tuple[str, Parameter], ...] = ()
    priority: Priority = Priority.ROUTINE
    released: bool = True
    limit_s: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def shadow(self) -> bool:
        """Carried out and planned, with nothing stored."""
        return (SHADOW, True) in self.parameters


@dataclass(frozen=True)
class PlannedResult:
    kind: str
    sop_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str = ""


@dataclass(frozen=True)
class Record:
    """What a job's results were made from and by, beside the model's digest and the moment that the job itself holds.

    `inputs` are by role the SHA-256 over the images in their order and their pixels; `parameters` those that counted,
    wherever they came from; `seed` is None as no step draws at random; `predecessors` are what the results supersede.
    """

    inputs: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, Parameter], ...]
    provider: str
    encoding: str
    result_schema: int
    versions: tuple[tuple[str, str], ...]
    utc_offset_s: int
    predecessors: tuple[PlannedResult, ...] = ()
    seed: int | None = None


@dataclass(frozen=True)
class Job:
    """A line of the ledger as it stood when it was read; `attempts` counts those that began.

    `results` are those that the archive holds; `record` is there once they were planned.
    """

    id: str
    order: Order
    state: State
    attempts: int
    deaths: int
    reason: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    timings: tuple[tuple[str, float], ...]
    planned: tuple[PlannedResult, ...]
    results: tuple[Receipt, ...]
    record: Record | None = None
