"""Model folders for tests: a card that is right, to be changed in one place, and graphs that nobody opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orthanc_plugin.routing.card import Card


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
        "applies": {"modality": ["CT"], "body_part": ["ABDOMEN"], "unknown_body_part": "run", "minimum_slices": 1},
        "stages": [{"name": "only", "file": "model.onnx", "input": "x", "outputs": ["y"], "rows": 64, "columns": 64}],
        "segments": [],
        "measurements": [],
        "limits": {"seconds": 60},
    }
    return values | changes


def card(**applies: Any) -> Card:
    rules = card_values()["applies"] | applies
    return Card.model_validate_json(json.dumps(card_values(applies=rules)))


def model_folder(models: Path, name: str = "abdomen", **changes: Any) -> Path:
    """A folder as the catalogue reads it."""
    folder = models / name
    folder.mkdir(parents=True)
    (folder / "card.json").write_text(json.dumps(card_values(name=name, **changes)))
    (folder / "model.onnx").write_bytes(b"graph of " + name.encode())
    return folder
