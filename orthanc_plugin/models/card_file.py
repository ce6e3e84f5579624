"""A folder's card.json in, a sentence for each entry that is missing or wrong out; all of them, not the first alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from orthanc_plugin.routing.card import Card


def wrongs(folder: Path) -> tuple[str, ...]:
    """Nothing when the card is right. An entry that is null was left open by an importer: somebody must state it."""
    path = folder / "card.json"
    if not path.is_file():
        return (f"The folder {folder.name} has no card.json; write one.",)
    try:
        written = json.loads(path.read_bytes())
    except (ValueError, UnicodeDecodeError):
        return (f"The card.json of {folder.name} is not JSON; correct it.",)
    try:
        Card.model_validate_json(path.read_bytes())
    except ValidationError as error:
        return tuple(dict.fromkeys(_sentences(written, error)))
    return ()


def _sentences(written: object, error: ValidationError) -> Iterator[str]:
    wrongs = error.errors()
    places = [place(written, wrong["loc"]) for wrong in wrongs]
    for where, wrong in zip(places, wrongs, strict=True):
        if any(other.startswith(f"{where}.") for other in places):
            continue  # wrong because of what is wrong in it
        if wrong["type"] != "missing" and where and wrong["input"] is None:
            yield f"The card leaves {where} open (null); state it in card.json."
        else:
            said = wrong["msg"].removeprefix("Value error, ")
            yield f"The card is wrong{f' at {where}' if where else ''}: {said}; correct card.json."


def place(written: object, location: Sequence[str | int]) -> str:
    """Where in the file, as `stages.0.rows`: the location without the kinds of entries that pydantic puts between."""
    path: list[str] = []
    here = written
    for index, part in enumerate(location):
        entries = dict(enumerate(here)) if isinstance(here, list) else here
        if isinstance(entries, dict) and part in entries:
            here = entries[part]
        elif index < len(location) - 1 or not isinstance(here, dict):
            continue
        path.append(str(part))
    return ".".join(path)
