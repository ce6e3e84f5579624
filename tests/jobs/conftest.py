"""A ledger of each kind for the tests that hold for both, and workers as processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.jobs.job import Job
from orthanc_plugin.jobs.ledger import Ledger
from tests.jobs import postgresql
from tests.jobs.builders import Clock
from tests.ledgers import url_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    with postgresql.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_ledger(postgres: postgresql.Server) -> str:
    """The URL of a database with a ledger, which the tests use one after the other."""
    url = postgres.url(postgres.make_database())
    Ledger(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return url_in(tmp_path)
    url: str = request.getfixturevalue("postgres_ledger")
    postgresql.empty(url)
    return url


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
    opened = Ledger(url_in(tmp_path), clock)
    yield opened
    opened.close()


class Workers:
    """Starts workers on one ledger and ends those that still run when the test is over."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *, lease_s: float = 1.0, jobs_at_once: int = 2) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.jobs.worker_process"]
        command += [self._url, str(lease_s), str(jobs_at_once), str(self._folder)]
        with (self._folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)
        self._processes.append(process)
        return process

    def happened(self, what: str = "") -> list[tuple[str, int]]:
        """Job and process of each time that it did."""
        path = self._folder / "log"
        lines = [line.split() for line in path.read_text("utf-8").splitlines()] if path.exists() else []
        return [(job, int(pid)) for job, happened, pid in lines if what in ("", happened)]

    def is_any_alive(self) -> bool:
        return any(process.poll() is None for process in self._processes)

    def let_store(self, job: Job) -> None:
        (self._folder / f"go-{job.id}").touch()

    @property
    def log(self) -> str:
        return (self._folder / "worker.log").read_text("utf-8")

    def end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workers]:
    """On PostgreSQL where the test takes `database_url`, on SQLite otherwise."""
    both = "database_url" in request.fixturenames
    url = request.getfixturevalue("database_url") if both else url_in(tmp_path)
    started = Workers(url, tmp_path)
    yield started
    started.end()


@pytest.fixture
def sqlite_books(tmp_path: Path) -> Iterator[Ledger]:
    """The ledger that the workers of a test have too, by the real clock."""
    opened = Ledger(url_in(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def books(database_url: str) -> Iterator[Ledger]:
    """As `sqlite_books`, of each kind."""
    opened = Ledger(database_url)
    yield opened
    opened.close()
