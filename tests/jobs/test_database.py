"""Opening a ledger: from nothing, by many at once, from a newer release, where it can't be; and what fails later."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from orthanc_plugin.errors import ConfigurationError, Temporary
from orthanc_plugin.jobs import database, tables
from orthanc_plugin.jobs.database import Database
from orthanc_plugin.jobs.ledger import Ledger
from tests.jobs import postgresql
from tests.jobs.builders import order
from tests.jobs.conftest import ROOT


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: postgresql.Server = request.getfixturevalue("postgres")
    return server.url(server.make_database())


def refused(url: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        Database(url)
    return error.value.sentence


def test_the_migrations_make_the_tables_that_the_code_uses(ledger: Ledger) -> None:
    def ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
        return kind != "table" or name in tables.metadata.tables

    with ledger.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, tables.metadata) == []


def test_many_processes_open_a_new_ledger_at_once(empty_url: str) -> None:
    code = (
        "import sys; from orthanc_plugin.jobs.ledger import Ledger; Ledger(sys.argv[1]).remember(sys.argv[2], 'here')"
    )
    openers = [
        subprocess.Popen([sys.executable, "-c", code, empty_url, name], cwd=ROOT, stderr=subprocess.PIPE)
        for name in "abc"
    ]
    for opener in openers:
        _, complaint = opener.communicate(timeout=60)
        assert (opener.returncode, complaint) == (0, b"")
    ledger = Ledger(empty_url)
    assert [ledger.recall(name) for name in "abc"] == ["here"] * 3
    ledger.close()


def test_a_ledger_of_the_first_release_is_brought_up_to_date_with_its_jobs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger(url)
    job = ledger.propose(order())
    with ledger.database.write() as connection:
        for later in ("jobs DROP COLUMN remarks", "jobs DROP COLUMN record"):
            connection.execute(sa.text(f"ALTER TABLE {later}"))
        for column in ("sop_class_uid", "sha256", "superseded"):
            connection.execute(sa.text(f"ALTER TABLE results DROP COLUMN {column}"))
        connection.execute(sa.text("DROP TABLE rejected"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    ledger.close()
    opened = Ledger(url)
    assert opened.job(job.id) == job
    opened.close()


def test_a_ledger_of_a_newer_release_is_left_alone(empty_url: str) -> None:
    ledger = Ledger(empty_url)
    with ledger.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    ledger.close()
    assert refused(empty_url) == (
        "The ledger was written by a newer release of the node; install that release or restore an older ledger."
    )


@pytest.mark.parametrize(
    "url", ["", "ledger.db", "mysql://host/db", "sqlite://", "sqlite:///:memory:", "sqlite+aiosqlite:///ledger.db"]
)
def test_a_url_of_something_else_is_refused(url: str) -> None:
    assert refused(url) == (
        "The database URL names no database that the ledger can use; allowed are "
        '"sqlite:///" with the path of a file and "postgresql://" with a host and a database.'
    )


def test_a_state_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, not a folder", "utf-8")
    assert refused(f"sqlite:///{tmp_path}/state/ledger.db") == (
        f"The ledger {tmp_path}/state/ledger.db can't be written; make its folder writable "
        "for the user who runs the node, or name another state folder in INFERENCE_DATA."
    )


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database at all" * 500)
    assert refused(f"sqlite:///{tmp_path}/ledger.db") == (
        f"The ledger {tmp_path}/ledger.db is damaged; move it away or restore it from a backup."
    )


def test_a_database_that_does_not_answer_is_asked_again_and_its_password_kept() -> None:
    with pytest.raises(Temporary) as error:
        Database("postgresql://node:secret@127.0.0.1:1/ledger?connect_timeout=2")
    assert error.value.sentence == "The database postgresql://127.0.0.1:1/ledger does not answer; it is asked again."


def test_a_full_disk_is_said_and_what_was_written_before_stays(sqlite_ledger: Ledger) -> None:
    kept = sqlite_ledger.propose(order())
    with sqlite_ledger.database.write() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Temporary) as error:
        for number in range(1000):
            sqlite_ledger.remember(f"key-{number}", "value" * 1000)
    path = sqlite_ledger.database.url.database
    assert error.value.sentence == f"The disk that holds the ledger {path} is full; free some space."
    assert sqlite_ledger.job(kept.id) == kept


def test_a_ledger_that_stays_busy_is_asked_again(
    sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SQLITE_PATIENCE_S", 0.05)
    impatient = Database(f"sqlite:///{tmp_path}/ledger.db")
    with (
        sqlite_ledger.database.write(),
        pytest.raises(
            Temporary, match=re.escape(f"The ledger {tmp_path}/ledger.db is busy for too long; it is asked again.")
        ),
        impatient.write(),
    ):
        pass
    impatient.close()


def test_a_bug_of_ours_is_not_taken_for_a_fault_of_the_database(ledger: Ledger) -> None:
    twice = sa.insert(tables.kept).values(key="a", value="b")
    with pytest.raises(sa.exc.IntegrityError), ledger.database.write() as connection:
        connection.execute(twice)
        connection.execute(twice)


def test_nothing_of_a_transaction_that_fails_is_kept(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.database.write() as connection:
        connection.execute(sa.insert(tables.kept).values(key="a", value="b"))
        raise ZeroDivisionError
    assert ledger.recall("a") is None
