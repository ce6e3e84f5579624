"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.stroke_cta.card
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.evaluation import shipped
from export.evaluation.readme import between_marks
from export.evaluation.statistics import Agreement
from export.stroke_cta.export import CARD, FOLDER
from export.stroke_cta.report import SURVEY, limits

_REPORT = Path(__file__).parents[2] / "docs" / "models" / FOLDER.name / "report.json"
_PARTS = ("Held-out phantoms", "Shifted phantoms")
Json = Mapping[str, Any]


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in _PARTS:
        told, data = report[part], f"{report[part]['patients']} {part.lower()}"
        for name, key in (("Sensitivity", "sensitivity"), ("Specificity", "specificity"), ("Dice", "dice")):
            figures.append(_figure(name, told[key]["value"], data))
    foreign = report["foreign series cautioned"]
    kinds = len(foreign) - 1
    figures.append(_figure("Series of something else cautioned", foreign["all"], f"phantoms of {kinds} kinds"))
    seconds = report["seconds_per_slice"]
    figures.append(_figure("Seconds a slice of a whole job", seconds, "256 rows, two cores"))
    return {**card, "figures": figures}


def _figure(name: str, value: float, data: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 4), "data": data}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[part] for part in _PARTS]
    rows: list[tuple[str, ...]] = [("", "survey (patients)", *(part.lower() for part in _PARTS)), ("---",) * 4]

    def add(name: str, survey: object, *ours: object) -> None:
        rows.append((name, str(survey), *map(str, ours)))

    add("patients (with an infarct)", "", *(f"{told['patients']} ({told['ill']})" for told in both))
    add("sensitivity", SURVEY["sensitivity"], *(_range(told["sensitivity"]) for told in both))
    add("specificity", SURVEY["specificity"], *(_range(told["specificity"]) for told in both))
    add("infarcts under 15 ml found", "", *(_range(told["small_found"]) for told in both))
    add("Dice of an infarct", "", *(_range(told["dice"]) for told in both))
    add("volume, ml: mean difference (95 % of patients)", "",
        *(limits(Agreement(**told["volume_ml"])) for told in both))  # fmt: skip
    add("side right", "", *(_range(told["side_right"]) for told in both))
    for territory in both[0]["by_territory"]:
        add(f"found, {territory}", "", *(_range(told["by_territory"][territory]["found"]) for told in both))
    add("mean HU of the brain alone, AUC", "", *(f"{told['linear_auc']:.3f}" for told in both))
    add("cautioned as strange", "", *(_range(told["strange"]) for told in both))
    add("series of something else: cautioned", "", f"{report['foreign series cautioned']['all']:.3f}", "")
    add("seconds a slice of a whole job, two cores", "", f"{report['seconds_per_slice']:.3f}", "")
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _range(figure: Json) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def main() -> None:
    report = json.loads(_REPORT.read_text())
    if report["model"]["sha256"] != {"model.onnx": shipped.sha256(FOLDER / "model.onnx")}:
        raise SystemExit("The report is about another graph; run python -m export.evaluate stroke-cta first.")
    written = json.dumps(with_figures(json.loads(CARD.read_text()), report), indent=2, ensure_ascii=False) + "\n"
    for path in (CARD, FOLDER / "card.json"):
        path.write_text(written)
    readme = FOLDER / "README.md"
    readme.write_text(between_marks(readme.read_text(), table(report), "stroke_cta"))


if __name__ == "__main__":
    main()
