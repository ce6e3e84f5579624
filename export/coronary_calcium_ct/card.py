"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.coronary_calcium_ct.card
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.coronary_calcium_ct.export import CARD, FOLDER
from export.coronary_calcium_ct.report import SURVEY, limits
from export.evaluation import shipped
from export.evaluation.readme import between_marks
from export.evaluation.statistics import Agreement

_REPORT = Path(__file__).parents[2] / "docs" / "models" / FOLDER.name / "report.json"
_PARTS = ("Held-out phantoms", "Shifted phantoms")
Json = Mapping[str, Any]


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in _PARTS:
        told, data = report[part], f"{report[part]['patients']} {part.lower()}"
        figures.append(_figure("Pearson of the Agatston score", told["pearson"]["value"], data))
        figures.append(_figure("Category right", told["category_right"]["value"], data))
    foreign = report["foreign series cautioned"]
    figures.append(_figure("Series of something else cautioned", foreign["all"], "phantoms of six kinds"))
    seconds = report["seconds_per_slice"]
    figures.append(_figure("Seconds a slice of a whole job", seconds, "512 rows, two cores"))
    return {**card, "figures": figures}


def _figure(name: str, value: float, data: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 4), "data": data}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[part] for part in _PARTS]
    rows: list[tuple[str, ...]] = [("", "survey (patients)", *(part.lower() for part in _PARTS)), ("---",) * 4]

    def add(name: str, survey: object, *ours: object) -> None:
        rows.append((name, str(survey), *map(str, ours)))

    add("patients (gated)", "", *(f"{told['patients']} ({told['gated']})" for told in both))
    add("Agatston score: Pearson", SURVEY["Pearson of the Agatston score"], *(_range(t["pearson"]) for t in both))
    add("Agatston score: mean difference (95 % of patients)", SURVEY["Bland-Altman bias"],
        *(limits(Agreement(**told["agatston"])) for told in both))  # fmt: skip
    add("volume score: Pearson", "", *(_range(told["volume_pearson"]) for told in both))
    add("category right", "", *(_range(told["category_right"]) for told in both))
    add("no calcium: score 0", "", *(_range(told["zero_found"]) for told in both))
    for artery in both[0]["by_artery"]:
        add(f"{artery}: Dice of its bright voxels", "", *(_range(told["by_artery"][artery]["dice"]) for told in both))
    for kind in both[0]["taken_for_coronary"]:
        add(f"taken for coronary: {kind}", "", *(f"{told['taken_for_coronary'][kind]:.3f}" for told in both))
    add("mean HU alone tells plaques from other calcium, AUC", "", *(f"{told['linear_auc']:.3f}" for told in both))
    add("cautioned as strange", "", *(_range(told["strange"]) for told in both))
    add("series of something else: cautioned", "", f"{report['foreign series cautioned']['all']:.3f}", "")
    add("seconds a slice of a whole job, two cores", "", f"{report['seconds_per_slice']:.3f}", "")
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _range(figure: Json) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def main() -> None:
    report = json.loads(_REPORT.read_text())
    if report["model"]["sha256"] != {"model.onnx": shipped.sha256(FOLDER / "model.onnx")}:
        raise SystemExit("The report is about another graph; run python -m export.evaluate coronary-calcium-ct first.")
    written = json.dumps(with_figures(json.loads(CARD.read_text()), report), indent=2, ensure_ascii=False) + "\n"
    for path in (CARD, FOLDER / "card.json"):
        path.write_text(written)
    readme = FOLDER / "README.md"
    readme.write_text(between_marks(readme.read_text(), table(report), "coronary_calcium_ct"))


if __name__ == "__main__":
    main()
