"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.stroke_cta.card
"""

from typing import Any

from export.evaluation.carded import Json, figure, limits, markdown, spread, write
from export.evaluation.trials import PARTS
from export.stroke_cta.export import CARD, FOLDER
from export.stroke_cta.report import SURVEY


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in PARTS:
        told, data = report[part], f"{report[part]['patients']} {part.lower()}"
        for name, key in (("Sensitivity", "sensitivity"), ("Specificity", "specificity"), ("Dice", "dice")):
            figures.append(figure(name, told[key]["value"], data))
    foreign = report["foreign series cautioned"]
    kinds = len(foreign) - 1
    figures.append(figure("Series of something else cautioned", foreign["all"], f"phantoms of {kinds} kinds"))
    seconds = report["seconds_per_slice"]
    figures.append(figure("Seconds a slice of a whole job", seconds, "256 rows, two cores"))
    return {**card, "figures": figures}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[part] for part in PARTS]
    rows: list[tuple[str, ...]] = [("", "survey (patients)", *(part.lower() for part in PARTS))]

    def add(name: str, survey: object, *ours: object) -> None:
        rows.append((name, str(survey), *map(str, ours)))

    add("patients (with an infarct)", "", *(f"{told['patients']} ({told['ill']})" for told in both))
    add("sensitivity", SURVEY["sensitivity"], *(spread(told["sensitivity"]) for told in both))
    add("specificity", SURVEY["specificity"], *(spread(told["specificity"]) for told in both))
    add("infarcts under 15 ml found", "", *(spread(told["small_found"]) for told in both))
    add("Dice of an infarct", "", *(spread(told["dice"]) for told in both))
    add("volume, ml: mean difference (95 % of patients)", "",
        *(limits(told["volume_ml"]) for told in both))  # fmt: skip
    add("side right", "", *(spread(told["side_right"]) for told in both))
    for territory in both[0]["by_territory"]:
        add(f"found, {territory}", "", *(spread(told["by_territory"][territory]["found"]) for told in both))
    add("mean HU of the brain alone, AUC", "", *(f"{told['linear_auc']:.3f}" for told in both))
    add("cautioned as strange", "", *(spread(told["strange"]) for told in both))
    add("series of something else: cautioned", "", f"{report['foreign series cautioned']['all']:.3f}", "")
    add("seconds a slice of a whole job, two cores", "", f"{report['seconds_per_slice']:.3f}", "")
    return markdown(rows)


def main() -> None:
    write(FOLDER, (CARD, FOLDER / "card.json"), with_figures, table)


if __name__ == "__main__":
    main()
