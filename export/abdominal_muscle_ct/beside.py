"""What the report sets beside the figures of the model: the other encoder, fine series, images of something else."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export.abdominal_muscle_ct import TISSUES
from export.abdominal_muscle_ct.foreign import Verdicts
from export.evaluation.page import Rows, Section

_REPORTS = Path(__file__).parents[2] / "docs" / "models" / "abdominal-muscle-ct"
_NEAR_MM = 10.0
Encoders = Mapping[str, Mapping[str, Any]]
ForeignTrials = Mapping[str, Sequence[Verdicts]]


def recorded_encoders() -> Encoders | None:
    """As `export.abdominal_muscle_ct.compare` measured them; their checkpoints are needed for that, not for this."""
    path = _REPORTS / "encoders.json"
    found: Encoders | None = json.loads(path.read_text()) if path.exists() else None
    return found


def encoder_section(encoders: Encoders) -> Section:
    parts = list(next(iter(encoders.values()))["dice"])
    rows = [
        (name, f"{each['parameters']:,}", f"{each['size_mb']:.1f}", f"{1000 * each['seconds_a_slice']:.0f}",
         *(" / ".join(f"{each['dice'][part][tissue]:.3f}" for tissue in TISSUES) for part in parts))
        for name, each in encoders.items()
    ]  # fmt: skip
    head = ("network", "parameters", "MB", "ms a slice, two threads", *(f"Dice at mid L3, {part}" for part in parts))
    return Section(
        "Two encoders",
        [
            "The next step that the thesis announces: another network as the encoder. Both are trained alike, on the "
            "same patients and slices, for as many epochs, with the same augmentation and learning rates. Dice of "
            "muscle / visceral fat / subcutaneous fat, after the HU ranges. Which of the two is shipped follows from "
            "the patients of the validation and from the time, never from the other parts.",
            Rows([head, *rows]),
        ],
    )


def fine_section(errors_mm: Sequence[float], spacing_mm: float) -> Section:
    found = np.abs([each for each in errors_mm if not np.isnan(each)])
    near = int((found <= _NEAR_MM).sum())
    return Section(
        "The level in thin slices",
        [
            f"{len(errors_mm)} held-out whole abdomens of slices {spacing_mm:g} mm apart: L3 found within "
            f"{_NEAR_MM:g} mm in {near}, median error {float(np.median(found)) if len(found) else float('nan'):.1f} mm."
        ],
    )


def foreign_figures(foreign: ForeignTrials) -> dict[str, Any]:
    every = [verdicts for each in foreign.values() for verdicts in each]
    return {
        "series": len(every),
        "cautioned": _share(every, "any"),
        "by kind": {
            kind: {which: _share(each, which) for which in ("any", "strange", "header", "level")}
            for kind, each in foreign.items()
        },
    }


def _share(verdicts: Sequence[Verdicts], which: str) -> float:
    return round(float(np.mean([getattr(each, which) for each in verdicts])), 4)


def foreign_section(foreign: ForeignTrials) -> Section:
    told = foreign_figures(foreign)
    rows = [
        (kind, *(f"{shares[which]:.2f}" for which in ("any", "strange", "header", "level")))
        for kind, shares in told["by kind"].items()
    ]
    return Section(
        "Images of something else",
        [
            f"{told['series']} series of what the model was not made for. The node cautions about "
            f"{100 * told['cautioned']:.0f} % of them. Three things may tell: the slices are unlike those that the "
            "level network has learned on (the median over the series), the header says that the field of view or the "
            "patient's position is another, or there is no L3. How many series of the model's own kind get the first "
            "caution stands with the level.",
            Rows([("share cautioned", "by any", "strange", "by the header", "by the level"), *rows]),
        ],
    )
