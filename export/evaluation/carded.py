"""A model's report in; its figures in the card, here and where it is served, and in the README out."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from export.evaluation import shipped
from export.evaluation.readme import between_marks
from export.evaluation.statistics import Agreement, Figure

_REPORTS = Path(__file__).parents[2] / "docs" / "models"
Json = Mapping[str, Any]
Row = tuple[str, ...]


def figure(name: str, value: float, data: str) -> dict[str, Any]:
    """One of a card's."""
    return {"name": name, "value": round(value, 4), "data": data}


def spread(told: Json) -> str:
    """A value with its confidence interval, as a report keeps it."""
    return str(Figure(**told))


def limits(told: Json) -> str:
    """A mean difference with its limits, as a report keeps it."""
    return str(Agreement(**told))


def markdown(rows: Sequence[Row]) -> str:
    """The first row is the head."""
    head, *rest = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rest))


def write(
    folder: Path, cards: Sequence[Path], with_figures: Callable[[Json, Json], Json], table: Callable[[Json], str]
) -> None:
    """`cards`: the folder's own last; what the first of them says goes into all."""
    report = json.loads((_REPORTS / folder.name / "report.json").read_text())
    if report["model"]["sha256"] != {path.name: shipped.sha256(path) for path in sorted(folder.glob("*.onnx"))}:
        raise SystemExit(f"The report is about other graphs; run python -m export.evaluate {folder.name} first.")
    written = with_figures(json.loads(cards[0].read_text()), report)
    for path in cards:
        path.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n")
    readme = folder / "README.md"
    readme.write_text(between_marks(readme.read_text(), table(report), folder.name.replace("-", "_")))
