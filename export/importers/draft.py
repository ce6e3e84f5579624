"""What a source says of its model in, a card out; what it does not say is null, which the node refuses by name."""

import colorsys
import json
from pathlib import Path
from typing import Any

from export.importers import Refused
from export.importers.graph import INPUT, OUTPUT

Entries = dict[str, Any]
STAGE = "network"


def card(name: str, *, title: str, version: str | None, origin: str, stage: Entries, outputs: Entries) -> Entries:
    """`stage` without its name, files and tensors, which are the same for every import."""
    return {
        "card_version": 1,
        "name": name,
        "title": title[:40],
        "version": version,
        "licence": None,
        "intended_use": None,
        "trained_on": None,
        "clinical_use": False,
        "notice": f"Not for clinical use. Imported from {origin}.",
        "applies": {"all": [{"tag": "Modality", "in": None}, {"body_part": None}]},
        "unknown": "skip",
        "inputs": {"series": {}},
        "stages": [{"name": STAGE, "files": ["model.onnx"], "input": INPUT, "outputs": [OUTPUT], **stage}],
        "outputs": outputs,
        "limits": {"seconds": 600},
    }


def segments(labels: list[str | None], *, background: bool, steps: list[Entries]) -> Entries:
    """Colours are chosen apart from one another; codes are for somebody who knows what was outlined."""
    items = [
        {"label": label, "category": None, "property": None, "rgb": colour(number, len(labels))}
        for number, label in enumerate(labels)
    ]
    source = {"stage": STAGE, "output": OUTPUT}
    return {"segments": {"from": source, "background": background, "steps": steps, "items": items}}


def classes(labels: list[str | None], *, activation: str | None) -> Entries:
    items = [{"label": label, "code": None, "threshold": None} for label in labels]
    exclusive = None if activation is None else activation == "softmax"
    source = {"stage": STAGE, "output": OUTPUT}
    return {"classes": {"from": source, "activation": activation, "exclusive": exclusive, "items": items}}


def colour(number: int, of: int) -> list[int]:
    red, green, blue = colorsys.hsv_to_rgb(number / max(of, 1), 0.65, 0.95)
    return [round(255 * red), round(255 * green), round(255 * blue)]


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise Refused(f"{path.name} is not in {path.parent.name}; it is needed.") from None
    except (OSError, ValueError) as error:
        raise Refused(f"{path.name} can't be read as JSON ({type(error).__name__}); correct it.") from error


def completed(drafted: Any, known: Any) -> Any:
    """The draft with what somebody states: entry by entry, and lists of the same length item by item.

    What has no key in common with the draft, as another kind of rule, takes its place.
    """
    if isinstance(drafted, dict) and isinstance(known, dict) and (not known or drafted.keys() & known.keys()):
        whole = drafted | {key: value for key, value in known.items() if key not in drafted}
        return whole | {key: completed(drafted[key], known[key]) for key in drafted if key in known}
    if isinstance(drafted, list) and isinstance(known, list) and len(drafted) == len(known):
        return [completed(before, stated) for before, stated in zip(drafted, known, strict=True)]
    return known
