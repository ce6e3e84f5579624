"""docs/codes.md lists every private code that is written, and none that is not."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from pydicom.sr.coding import Code

from orthanc_plugin import encode, measure
from orthanc_plugin.encode.context import PRIVATE_SCHEME

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = PROJECT / "docs" / "codes.md"
CODE = re.compile(r"^\| `([a-z-]+)` \| ([^|]+) \|", re.MULTILINE)


def constants() -> Iterator[Code]:
    for package in (encode, measure):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            values = vars(importlib.import_module(module.name)).values()
            yield from (value for value in values if isinstance(value, Code))


def of_cards() -> Iterator[Code]:
    """Of the catalogue, and of the models whose cards wait beside their training."""
    for folder in ("onnx_models/*", "export/*", "export/*/served"):
        for path in sorted(PROJECT.glob(f"{folder}/*.json")):
            if "card_version" in (read := json.loads(path.read_text())):
                yield from coded(read)


def coded(entry: object) -> Iterator[Code]:
    if isinstance(entry, dict) and entry.keys() >= {"value", "scheme", "meaning"}:
        yield Code(entry["value"], entry["scheme"], entry["meaning"])
    elif isinstance(entry, dict | list):
        for below in entry.values() if isinstance(entry, dict) else entry:
            yield from coded(below)


def private() -> set[tuple[str, str]]:
    written = {*constants(), *of_cards()}
    return {(code.value, code.meaning) for code in written if code.scheme_designator == PRIVATE_SCHEME}


def test_private_codes_are_documented() -> None:
    assert {(value, meaning.strip()) for value, meaning in CODE.findall(DOCUMENT.read_text())} == private()


def test_private_codes_fit_their_value_representation() -> None:
    """SH: 16 characters."""
    assert [value for value, _ in sorted(private()) if len(value) > 16] == []
