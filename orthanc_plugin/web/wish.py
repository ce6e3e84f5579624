"""The body of a request to run by hand in, a checked wish out; a wrong one is refused with one sentence."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from pydicom.uid import RE_VALID_UID

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.roi import given_region
from orthanc_plugin.jobs.job import FRAME, SHADOW, Parameter, Priority
from orthanc_plugin.web.message import Wrong

KEYS = ("study", "series", "instance", "frame", "model", "priority", "parameters")
PLACES = KEYS[:3]
RESERVED = (FRAME, SHADOW)
LONGEST_UID = 64


@dataclass(frozen=True)
class Wish:
    """Exactly one of the three UIDs is there; without a model the routes decide. `frame` is one of the instance's."""

    study_uid: str | None
    series_uid: str | None
    model: str | None
    priority: Priority
    parameters: tuple[tuple[str, Parameter], ...]
    instance_uid: str | None = None
    frame: int | None = None


def wish(body: str) -> Wish:
    entries = as_object(body)
    for name in entries:
        if name not in KEYS:
            raise Wrong(f'"{name}" is not known here; allowed are {", ".join(KEYS)}.')
    named = {name: uid(name, entries[name]) for name in PLACES if name in entries}
    if len(named) != 1:
        raise Wrong('Name either a "study", a "series" or an "instance" by its UID.')
    if "frame" in entries and "instance" not in named:
        raise Wrong('A "frame" is one of an "instance"; name that by its UID.')
    return Wish(
        study_uid=named.get("study"),
        series_uid=named.get("series"),
        instance_uid=named.get("instance"),
        frame=frame(entries["frame"]) if "frame" in entries else None,
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


def frame(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise Wrong(f'"frame" is {shown(value)}; allowed is a whole number from 1.')


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
        for name in RESERVED:
            if name in value:
                raise Wrong(f'"parameters" holds "{name}", by which the node means something itself; leave it out.')
        try:
            given_region(value)
        except Unsuitable as error:
            raise Wrong(error.sentence) from error
        return tuple(sorted(value.items()))
    raise Wrong(f'"parameters" is {shown(value)}; allowed is an object of texts, numbers, true and false.')


def shown(value: object) -> str:
    """Short, so that a refusal does not repeat a whole body."""
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:79] + "…"
