"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.brain_tumour_mr.card
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.brain_tumour_mr import REGIONS
from export.brain_tumour_mr.export import CARD, FOLDER
from export.brain_tumour_mr.figures import WHOLE
from export.brain_tumour_mr.report import limits
from export.brain_tumour_mr.trial import WITHOUT
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
        for region in REGIONS:
            figures.append(_figure(f"Dice, {region}", told["overlap"][WHOLE][region]["dice"]["value"], data))
    kinds = len(report["foreign studies cautioned"]) - 1
    foreign = report["foreign studies cautioned"]["all"]
    figures.append(_figure("Studies of something else cautioned", foreign, f"phantoms of {kinds} kinds"))
    figures.append(_figure("Seconds a patch of the graph", report["seconds_per_patch"], "two cores"))
    return {**card, "figures": figures}


def _figure(name: str, value: float, data: str) -> dict[str, Any]:
    return {"name": name, "value": round(value, 4), "data": data}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both, paper = [report[part] for part in _PARTS], report["paper"]
    head = ("", *paper, *(part.lower() for part in _PARTS))
    rows: list[tuple[str, ...]] = [head, ("---",) * len(head)]

    def add(name: str, *ours: str, published: tuple[str, ...] = ("",) * len(paper)) -> None:
        rows.append((name, *published, *ours))

    add("patients (with a tumour)", *(f"{told['patients']} ({told['with_tumour']})" for told in both))
    for run in WITHOUT:
        for region in REGIONS:
            published = tuple(f"{each[region]:.2f}" if run == WHOLE else "" for each in paper.values())
            add(f"Dice, {region}, {run}", *(_range(told["overlap"][run][region]["dice"]) for told in both),
                published=published)  # fmt: skip
    for region in REGIONS:
        add(f"Dice of a plain threshold, {region}", *(f"{t['threshold_alone'][region]['dice']:.3f}" for t in both))
    for region in REGIONS:
        add(f"volume, {region}: mean difference (95 % of patients), cm³",
            *(limits(Agreement(**told["volume_cm3"][region])) for told in both))  # fmt: skip
        add(f"longest diameter, {region}: the same, mm",
            *(limits(Agreement(**told["longest_mm"][region])) for told in both))  # fmt: skip
    add("no tumour: nothing found", *(_range(told["sound_clean"]) for told in both))
    add("cautioned as strange", *(_range(told["strange"][WHOLE]) for told in both))
    add("studies of something else: cautioned", f"{report['foreign studies cautioned']['all']:.3f}", "")
    add("seconds a patch, two cores", f"{report['seconds_per_patch']:.3f}", "")
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _range(figure: Json) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def main() -> None:
    report = json.loads(_REPORT.read_text())
    if report["model"]["sha256"] != {"model.onnx": shipped.sha256(FOLDER / "model.onnx")}:
        raise SystemExit("The report is about another graph; run python -m export.evaluate brain-tumour-mr first.")
    written = json.dumps(with_figures(json.loads(CARD.read_text()), report), indent=2, ensure_ascii=False) + "\n"
    for path in (CARD, FOLDER / "card.json"):
        path.write_text(written)
    readme = FOLDER / "README.md"
    readme.write_text(between_marks(readme.read_text(), table(report), "brain_tumour_mr"))


if __name__ == "__main__":
    main()
