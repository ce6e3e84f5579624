"""Model folders for tests: a card that is right, to be changed in one place, and graphs that nobody opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orthanc_plugin.routing.card import Card

CT_ABDOMEN = ({"tag": "Modality", "in": ["CT"]}, {"body_part": ["abdomen"]})


def slices(least: int = 1) -> dict[str, Any]:
    return {"slices": {"least": least}}


def code(value: str) -> dict[str, str]:
    return {"value": value, "scheme": "99TEST", "meaning": value}


def card_values(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "card_version": 1,
        "name": "abdomen",
        "title": "Abdomen",
        "version": "1.0.0",
        "licence": "AGPL-3.0-or-later",
        "intended_use": "Tests.",
        "trained_on": "Nothing.",
        "clinical_use": False,
        "notice": "Not for clinical use.",
        "applies": {"all": [*CT_ABDOMEN, slices()]},
        "unknown": "run",
        "stages": [stage()],
        "outputs": {
            "segments": {
                "from": {"stage": "only", "output": "y"},
                "steps": [{"step": "threshold"}],
                "items": [segment("Liver"), segment("Spleen")],
            }
        },
        "limits": {"seconds": 60},
    }
    return values | changes


def segment(label: str, **changes: Any) -> dict[str, Any]:
    coded = {"category": code("organ"), "property": code(label.lower())}
    return {"label": label, **coded, "rgb": [200, 80, 80], "threshold": 0.5} | changes


def classes(**changes: Any) -> dict[str, Any]:
    """Outputs of a classifier of one class."""
    item = {"label": "Cyst", "code": code("cyst"), "threshold": 0.5} | changes
    source = {"stage": "only", "output": "y"}
    return {"classes": {"from": source, "activation": "sigmoid", "exclusive": False, "items": [item]}}


def stage(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": "only",
        "files": ["model.onnx"],
        "kind": "slices",
        "input": "x",
        "outputs": ["y"],
        "rows": 64,
        "columns": 64,
    }
    return values | changes


def card(*rules: Any, **changes: Any) -> Card:
    """Whose rules must all hold; without any, those of a CT of the abdomen."""
    applies = {"applies": {"all": list(rules)}} if rules else {}
    return Card.model_validate_json(json.dumps(card_values(**applies, **changes)))


def model_folder(models: Path, name: str = "abdomen", **changes: Any) -> Path:
    """A folder as the catalogue reads it."""
    folder = models / name
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(card_values(name=name, **changes)))
    (folder / "model.onnx").write_bytes(b"graph of " + name.encode())
    return folder
