"""The engine as seen from outside a worker: attempts are put into its queue, looked up, struck out, swept away."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, Serializer

from orthanc_plugin.jobs.database import Database
from orthanc_plugin.jobs.job import Priority

APPLICATION = "inference-node"
QUEUE = "attempts"
# Has slots of its own in every worker, so that an urgent attempt never waits for others to end.
STAT_QUEUE = "stat-attempts"
QUEUES = (STAT_QUEUE, QUEUE)
WORKFLOW = "attempt"
# One for all releases: an attempt waits for ever for a version that no worker has.
VERSION = "1"
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
AT_ONCE = 500

logging.getLogger("dbos").addHandler(logging.NullHandler())
logging.getLogger("dbos").setLevel(logging.WARNING)


def _refuse(self: Serializer, serialized_data: str) -> NoReturn:
    raise ValueError("only JSON is read from the engine's tables")


def json_alone() -> Serializer:
    """The JSON serializer; the engine's others, which unpickle what a row calls a pickle, refuse from now on."""
    for other in set(Serializer.__subclasses__()) - {DBOSPortableJSONSerializer}:
        other.deserialize = _refuse  # type: ignore[method-assign,assignment]
    return DBOSPortableJSONSerializer()


@dataclass(frozen=True)
class Turn:
    """One attempt at a job: `number` counts the attempts of that job."""

    job_id: str
    number: int

    @property
    def workflow_id(self) -> str:
        return f"{self.job_id}:{self.number}"

    @classmethod
    def of(cls, workflow_id: str) -> Turn:
        job_id, number = workflow_id.split(":")
        return cls(job_id, int(number))


@dataclass(frozen=True)
class Held:
    """What the engine knows of a turn; `worker` is empty while it waits in the queue."""

    turn: Turn
    worker: str
    ended: bool


class Dispatch:
    """Nothing here decides: which attempt may begin is the ledger's to say."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._client = DBOSClient(
            system_database_url=database.address,
            serializer=json_alone(),
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def put(self, connection: sa.Connection, turn: Turn, priority: int) -> None:
        """Within the caller's transaction, so that no job waits without a turn in the queue."""
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": STAT_QUEUE if priority <= Priority.STAT else QUEUE,
            "workflow_id": turn.workflow_id,
            "app_version": VERSION,
            "priority": priority,
        }
        self._client.enqueue_in_transaction(connection, options, turn.job_id, turn.number)

    def look_up(self, turns: Sequence[Turn]) -> list[Held]:
        """What the engine knows of these turns; those it does not know are missing."""
        found: list[Held] = []
        for start in range(0, len(turns), AT_ONCE):
            ids = [turn.workflow_id for turn in turns[start : start + AT_ONCE]]
            found += self._held(workflow_ids=ids)
        return found

    def taken(self) -> list[Held]:
        """The turns that some worker, alive or dead, has taken from the queue and not ended."""
        return [held for queue in QUEUES for held in self._held(status="PENDING", queue_name=queue)]

    def strike_out(self, turns: Iterable[Turn]) -> None:
        ids = [turn.workflow_id for turn in turns]
        if ids:
            with self._database.door():
                self._client.cancel_workflows(ids)

    def sweep(self, ended_before: datetime) -> int:
        """Forgets turns that ended; the ledger has kept what they came to."""
        before = ended_before.isoformat()
        with self._database.door():
            ended = self._client.list_workflows(
                status=ENDED, completed_before=before, limit=AT_ONCE, load_input=False, load_output=False
            )
            if ended:
                self._client.delete_workflows([status.workflow_id for status in ended])
        return len(ended)

    def set_up_queues(self, worker_concurrency: int, polling_interval_s: float) -> None:
        with self._database.door():
            for queue in QUEUES:
                self._client.register_queue(
                    queue, worker_concurrency=worker_concurrency, polling_interval_sec=polling_interval_s
                )

    def close(self) -> None:
        self._client.destroy()

    def _held(self, **filters: Any) -> list[Held]:
        with self._database.door():
            listed = self._client.list_workflows(name=WORKFLOW, load_input=False, load_output=False, **filters)
        return [
            Held(Turn.of(status.workflow_id), status.executor_id or "", status.status in ENDED) for status in listed
        ]
