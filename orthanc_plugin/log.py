"""The node's records in, one line each on standard error out: time, level, room, sentence, job and UIDs."""

from __future__ import annotations

import json
import logging
import traceback
import warnings
from datetime import UTC, datetime

from orthanc_plugin.errors import NodeError

# What a record may carry beside its sentence: numbers and UIDs, never a patient's data, a token or a header.
FIELDS = ("job", "attempt", "worker", "model", "stage", "study", "series", "orthanc_job", "path")


class Line(logging.Formatter):
    """logfmt: `time=… level=… room=… event="…" job=…`; easy to read, to grep and to parse."""

    def format(self, record: logging.LogRecord) -> str:
        entries = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name.removeprefix("orthanc_plugin."),
            "event": record.getMessage(),
        }
        entries |= {name: str(vars(record)[name]) for name in FIELDS if vars(record).get(name) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            entries["error"] = trace(record.exc_info[1])
        return " ".join(f"{name}={quoted(value)}" for name, value in entries.items())


def quoted(value: str) -> str:
    plain = value and all(character.isprintable() and character not in ' "=\\' for character in value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def trace(error: BaseException) -> str:
    """Where it happened and what kind it was, cause first; foreign words are left out, as they can quote a header."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.insert(0, link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return " then ".join(described(each) for each in chain)


def described(error: BaseException) -> str:
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    said = f": {error.sentence}" if isinstance(error, NodeError) else ""
    return f"{type(error).__name__}{said} at {' < '.join(reversed(places)) or 'an unknown place'}"


def configure(level: int = logging.INFO) -> None:
    """Only the node's own loggers are heard: libraries' records and warnings quote what they choke on."""
    handler = logging.StreamHandler()
    handler.setFormatter(Line())
    own = logging.getLogger("orthanc_plugin")
    own.handlers[:] = [handler]
    own.setLevel(level)
    own.propagate = False
    logging.lastResort = None
    warnings.simplefilter("ignore")
