"""A record in, its text in the ledger out, and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from orthanc_plugin.jobs.job import PlannedResult, Record

PAIRS = ("inputs", "parameters", "versions")


def entries(record: Record) -> dict[str, Any]:
    """As JSON has it."""
    return asdict(record) | {name: dict(getattr(record, name)) for name in PAIRS}


def written(record: Record) -> str:
    return json.dumps(entries(record), separators=(",", ":"))


def read(text: str) -> Record:
    found: dict[str, Any] = json.loads(text)
    pairs = {name: tuple(found[name].items()) for name in PAIRS}
    predecessors = tuple(PlannedResult(**each) for each in found["predecessors"])
    return Record(**(found | pairs | {"predecessors": predecessors}))
