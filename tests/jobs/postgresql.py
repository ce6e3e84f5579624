"""A PostgreSQL server of the tests' own: in a folder of its own, on a socket, without the network, without fsync."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


class Server:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def url(self, database: str) -> str:
        return f"postgresql://tests@/{database}?host={self._folder}"

    def make_database(self) -> str:
        self._made += 1
        name = f"ledger_{self._made}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return name


def empty(url: str) -> None:
    """As a ledger is when it was just made: the tables stay, and what says which migrations made them."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
            "WHERE schemaname IN ('public', 'dbos') AND tablename NOT IN ('alembic_version', 'dbos_migrations')"
        ).fetchall()
        connection.execute(f"TRUNCATE {', '.join(name for (name,) in tables)} RESTART IDENTITY CASCADE".encode())


@contextmanager
def running() -> Iterator[Server]:
    if not INSTALLED:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    try:
        call("initdb", f"--pgdata={folder}/data", "--username=tests", "--auth=trust", "--no-sync", "--encoding=UTF8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        call("pg_ctl", f"--pgdata={folder}/data", "--wait", f"--log={folder}/log", f"--options={options}", "start")
        try:
            yield Server(folder)
        finally:
            call("pg_ctl", f"--pgdata={folder}/data", "--wait", "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder)


def call(program: str, *arguments: str) -> None:
    """PostgreSQL refuses to run as root."""
    other_user = ["runuser", "--user=postgres", "--"] if os.geteuid() == 0 else []
    command = [*other_user, str(INSTALLED[-1].with_name(program)), *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")
