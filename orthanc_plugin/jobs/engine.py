"""The engine inside a worker: takes turns from the queue, most urgent first, and calls `attend` with each."""

from __future__ import annotations

import logging
from collections.abc import Callable

from dbos import DBOS, error

from orthanc_plugin.jobs.database import Database
from orthanc_plugin.jobs.dispatch import APPLICATION, QUEUES, VERSION, WORKFLOW, Turn, json_alone


def launch(database: Database, worker: str, attend: Callable[[Turn], None]) -> None:
    """Once in a process. The worker's id is new at each start: the engine never resumes an attempt by itself."""

    def attempt(job_id: str, number: int) -> None:
        attend(Turn(job_id, number))

    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": database.address,
            "serializer": json_alone(),
            "application_version": VERSION,
            "executor_id": worker,
            "log_level": "WARNING",
            "run_migrations": False,
            "sys_db_pool_size": 5,
        }
    )
    logging.getLogger("dbos").addFilter(_is_news)
    DBOS.workflow(name=WORKFLOW)(attempt)
    DBOS.listen_queues(list(QUEUES))
    DBOS.launch()


def _is_news(record: logging.LogRecord) -> bool:
    """An attempt that was given up meanwhile ends for the engine with an error; the ledger has said so already."""
    return not (record.exc_info and isinstance(record.exc_info[1], error.DBOSAwaitedWorkflowCancelledError))
