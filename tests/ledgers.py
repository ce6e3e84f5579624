"""A folder in, the URL of a ledger in it out: empty, and migrated once for all tests."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from orthanc_plugin.jobs.ledger import Ledger


def url_in(folder: Path) -> str:
    """A ledger that is there already stays."""
    path = folder / "ledger.db"
    if not path.exists():
        path.write_bytes(_migrated())
    return f"sqlite:///{path}"


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        Ledger(f"sqlite:///{path}").close()
        return path.read_bytes()
