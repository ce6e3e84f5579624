"""A ledger of each kind for the tests that hold for both, and workers as processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.jobs.ledger import Ledger
from tests.jobs import postgresql
from tests.jobs.builders import Clock


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    with postgresql.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: postgresql.Server) -> str:
    """A database with an empty ledger, to be copied."""
    name = postgres.make_database()
    Ledger(postgres.url(name)).close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: postgresql.Server = request.getfixturevalue("postgres")
    return server.url(server.make_database(request.getfixturevalue("postgres_template")))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(database_url: str, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger(database_url, clock)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path}/ledger.db", clock)
    yield opened
    opened.close()
