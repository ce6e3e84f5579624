"""The body of a request to run by hand in, a checked wish out; a wrong one is refused with one sentence."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pydicom.uid import RE_VALID_UID

from orthanc_plugin.jobs.job import Parameter, Priority
from orthanc_plugin.web.message import Wrong

KEYS = ("study", "series", "model", "priority", "parameters")
LONGEST_UID = 64


@dataclass(frozen=True)
class Wish:
    """Exactly one of `study_uid` and `series_uid` is there; without a model the routes decide."""

    study_uid: str | None
    series_uid: str | None
    model: str | None
    priority: Priority
    parameters: tuple[tuple[str, Parameter], ...]


def wish(body: str) -> Wish:
    entries = as_object(body)
    for name in entries:
        if name not in KEYS:
            raise Wrong(f'"{name}" is not known here; allowed are {", ".join(KEYS)}.')
    if ("study" in entries) == ("series" in entries):
        raise Wrong('Name either a "study" or a "series" by its UID.')
    return Wish(
        study_uid=uid("study", entries["study"]) if "study" in entries else None,
        series_uid=uid("series", entries["series"]) if "series" in entries else None,
        model=model(entries.get("model")),
        priority=priority(entries.get("priority", "routine")),
        parameters=parameters(entries.get("parameters", {})),
    )


def as_object(body: str) -> dict[str, Any]:
    try:
        entries = json.loads(body, parse_constant=no_number)
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        raise Wrong('The body must be a JSON object such as {"series": "1.2.840…"}.')
    return entries


def no_number(constant: str) -> None:
    """NaN and Infinity, which Python takes for JSON."""
    raise ValueError(constant)


def uid(name: str, value: object) -> str:
    if isinstance(value, str) and len(value) <= LONGEST_UID and re.fullmatch(RE_VALID_UID, value):
        return value
    raise Wrong(f'"{name}" is {shown(value)}; allowed is a DICOM UID.')


def model(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise Wrong(f'"model" is {shown(value)}; allowed is the name of an installed model.')


def priority(value: object) -> Priority:
    names = {each.name.lower(): each for each in Priority}
    if isinstance(value, str) and value in names:
        return names[value]
    raise Wrong(f'"priority" is {shown(value)}; allowed are {", ".join(names)}.')


def parameters(value: object) -> tuple[tuple[str, Parameter], ...]:
    if isinstance(value, dict) and all(isinstance(entry, str | float | int | bool) for entry in value.values()):
        return tuple(sorted(value.items()))
    raise Wrong(f'"parameters" is {shown(value)}; allowed is an object of texts, numbers, true and false.')


def shown(value: object) -> str:
    """Short, so that a refusal does not repeat a whole body."""
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:79] + "…"
