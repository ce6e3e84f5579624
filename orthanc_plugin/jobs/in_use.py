"""A ledger in, the versions of models that jobs which have not ended are made for out."""

from __future__ import annotations

import sqlalchemy as sa

from orthanc_plugin.jobs import tables
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.turns import UNENDED


def versions_in_use(ledger: Ledger) -> frozenset[tuple[str, str]]:
    """Names and digests, of one moment: a job that changes its state meanwhile is not missed."""
    question = sa.select(tables.jobs.c.model, tables.jobs.c.digest).where(tables.jobs.c.state.in_(UNENDED)).distinct()
    with ledger.database.read() as connection:
        return frozenset((line.model, line.digest) for line in connection.execute(question))
