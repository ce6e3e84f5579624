"""docs/ihe-air.md names tests that there are, and marks every row with how sure it is."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = (PROJECT / "docs" / "ihe-air.md").read_text("utf-8")
SURE = {"public", "second-hand", "not looked up"}
NAMED = sorted(set(re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", DOCUMENT)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_named_test_is_there(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (PROJECT / file).read_text("utf-8"), re.MULTILINE)


def test_every_row_says_how_sure_it_is() -> None:
    rows = [line for line in DOCUMENT.splitlines() if line.startswith("|") and not line.startswith("|---")]
    of_requirements = [row for row in rows if "| sure |" not in row]

    assert len(of_requirements) > 25
    assert [row for row in of_requirements if not SURE & {cell.strip() for cell in row.split("|")}] == []


def test_every_test_that_is_named_is_named_as_one() -> None:
    assert DOCUMENT.count("::test_") == len(re.findall(r"`tests/[a-z0-9_/]+\.py::test_[a-z0-9_]+`", DOCUMENT))
