"""docs/codes.md lists every private code that is written, and none that is not."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from pydicom.sr.coding import Code

from orthanc_plugin import encode, measure
from orthanc_plugin.encode.context import PRIVATE_SCHEME
from tests.encode.making import card

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "codes.md"
CODE = re.compile(r"^\| `([a-z-]+)` \| ([^|]+) \|", re.MULTILINE)


def constants() -> Iterator[Code]:
    for package in (encode, measure):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            values = vars(importlib.import_module(module.name)).values()
            yield from (value for value in values if isinstance(value, Code))


def test_private_codes_are_documented() -> None:
    written = {*constants()}
    written |= {code for segment in card().segments for code in (segment.category.code(), segment.property.code())}

    private = {(code.value, code.meaning) for code in written if code.scheme_designator == PRIVATE_SCHEME}
    assert {(value, meaning.strip()) for value, meaning in CODE.findall(DOCUMENT.read_text())} == private


def test_private_codes_fit_their_value_representation() -> None:
    """SH: 16 characters."""
    assert all(len(segment.property.value) <= 16 for segment in card().segments)
    assert max(len(value) for value, _ in CODE.findall(DOCUMENT.read_text())) <= 16
