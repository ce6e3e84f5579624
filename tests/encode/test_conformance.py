"""docs/conformance.md lists every private code that is written, and none that is not."""

import re
from pathlib import Path

from pydicom.sr.coding import Code

from orthanc_plugin.encode import sr
from orthanc_plugin.encode.context import PRIVATE_SCHEME
from orthanc_plugin.measure import body_composition, outlines
from tests.encode.making import card

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"


def test_private_codes_are_documented() -> None:
    constants = [value for module in (sr, body_composition, outlines) for value in vars(module).values()]
    written = {code for code in constants if isinstance(code, Code)}
    written |= {code for segment in card().segments for code in (segment.category.code(), segment.property.code())}
    documented = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", DOCUMENT.read_text(), re.MULTILINE)

    private = {(code.value, code.meaning) for code in written if code.scheme_designator == PRIVATE_SCHEME}
    assert {(value, meaning.strip()) for value, meaning in documented} == private


def test_private_codes_fit_their_value_representation() -> None:
    """SH: 16 characters."""
    assert all(len(segment.property.value) <= 16 for segment in card().segments)
    assert max(map(len, re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT.read_text(), re.MULTILINE))) <= 16
