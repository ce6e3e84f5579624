"""A database URL in, transactions on a migrated ledger out; what the database refuses becomes an error of ours."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from dbos import DBOS
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from orthanc_plugin.errors import ConfigurationError, NodeError, Temporary

MIGRATIONS = Path(__file__).with_name("migrations")
MIGRATION_LOCK = 0x1EDCE5
SQLITE_PATIENCE_S = 30.0
logging.getLogger("alembic").setLevel(logging.WARNING)
UNWRITABLE = (
    "The ledger {} can't be written; make its folder writable for the user who runs the node, "
    "or name another state folder in INFERENCE_DATA."
)
SQLITE_SAYS: tuple[tuple[str, type[NodeError], str], ...] = (
    ("disk is full", Temporary, "The disk that holds the ledger {} is full; free some space."),
    ("is locked", Temporary, "The ledger {} is busy for too long; it is asked again."),
    ("disk I/O error", Temporary, "The disk that holds the ledger {} fails; look into the machine's log."),
    ("unable to open database file", ConfigurationError, UNWRITABLE),
    ("readonly database", ConfigurationError, UNWRITABLE),
    ("malformed", ConfigurationError, "The ledger {} is damaged; move it away or restore it from a backup."),
    ("not a database", ConfigurationError, "The ledger {} is damaged; move it away or restore it from a backup."),
)
Insert = sqlite.Insert | postgresql.Insert


class Database:
    """Opened is migrated: the ledger's tables and the engine's, in one database so that one transaction writes both."""

    def __init__(self, url: str) -> None:
        self.url = _driver(url)
        self._engine = sa.create_engine(self.url, pool_pre_ping=not self._is_sqlite)
        if self._is_sqlite:
            _listen(self._engine)
        self._reading = self._engine.execution_options(reading=True)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """The URL for the engine, password and all: never for a log."""
        return self.url.render_as_string(hide_password=False)

    @property
    def place(self) -> str:
        """What a sentence may say about where the ledger is."""
        if self._is_sqlite:
            return str(self.url.database)
        port = f":{self.url.port}" if self.url.port else ""
        return f"postgresql://{self.url.host or ''}{port}/{self.url.database}"

    @property
    def _is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction that is alone in writing what it touches; all of it counts, or nothing."""
        with self.door(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self.door(), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def door(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeout) as error:
            ours = self._sentence(error)
            if ours is None:
                raise
            raise ours from error

    def insert(self, table: sa.Table) -> Insert:
        """The dialect's own INSERT, which knows ON CONFLICT."""
        return sqlite.insert(table) if self._is_sqlite else postgresql.insert(table)

    def close(self) -> None:
        self._engine.dispose()

    def _open(self) -> None:
        with self.write() as connection:
            if not self._is_sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            migrate(connection)
        with self.door():
            DBOS.migrate(self.address)

    def _sentence(self, error: DBAPIError | PoolTimeout) -> NodeError | None:
        cause = error.orig if isinstance(error, DBAPIError) else None
        if self._is_sqlite:
            said = str(cause)
            return next((kind(text.format(self.place)) for part, kind, text in SQLITE_SAYS if part in said), None)
        if not isinstance(error, OperationalError | InterfaceError | PoolTimeout):
            return None
        if str(getattr(cause, "sqlstate", "")).startswith("53"):
            return Temporary(f"The database {self.place} lacks disk, memory or connections; it is asked again.")
        return Temporary(f"The database {self.place} does not answer; it is asked again.")


def migrate(connection: sa.Connection) -> None:
    """Up to the newest revision, inside the caller's transaction."""
    configuration = Config(attributes={"connection": connection})
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    try:
        command.upgrade(configuration, "head")
    except CommandError as error:
        raise ConfigurationError(
            "The ledger was written by a newer release of the node; install that release or restore an older ledger."
        ) from error


def _driver(url: str) -> sa.URL:
    try:
        parts = sa.make_url(url)
        if parts.get_backend_name() == "postgresql":
            return parts.set(drivername="postgresql+psycopg")
        if parts.drivername == "sqlite" and parts.database not in (None, "", ":memory:"):
            return parts
    except (ArgumentError, NoSuchModuleError):
        pass
    raise ConfigurationError(
        "The database URL names no database that the ledger can use; allowed are "
        '"sqlite:///" with the path of a file and "postgresql://" with a host and a database.'
    )


def _listen(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={int(SQLITE_PATIENCE_S * 1000)}")
        connection.execute("PRAGMA journal_mode=WAL")
        # A power cut may take back the last moments, which are then done again and store nothing new.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    # sqlite3 would begin late and deferred, and fail at the first write after a read (docs.sqlalchemy.org, pysqlite).
    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
