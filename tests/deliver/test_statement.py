"""docs/conformance-statement.md says what the code does."""

import re

from tests.deliver import statement

TEXT = statement.DOCUMENT.read_text("utf-8")


def test_its_tables_are_the_code_s() -> None:
    """Written anew by `python -m tests.deliver.statement`."""
    assert statement.rewritten(TEXT) == TEXT


def test_every_table_has_its_place() -> None:
    assert sorted(match["name"] for match in statement.SECTION.finditer(TEXT)) == sorted(statement.TABLES)


def test_its_parts_are_those_of_the_standard() -> None:
    """PS3.2 annex A."""
    assert re.findall(r"^## (\d .+)$", TEXT, re.MULTILINE) == [
        "1 Overview",
        "2 Introduction",
        "3 Networking",
        "4 Media interchange",
        "5 Transformation of DICOM to CDA",
        "6 Support of character sets",
        "7 Security",
        "8 Annexes",
    ]
