"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.coronary_calcium_ct.card
"""

from typing import Any

from export.coronary_calcium_ct.export import CARD, FOLDER
from export.coronary_calcium_ct.report import SURVEY
from export.evaluation.carded import Json, figure, limits, markdown, spread, write
from export.evaluation.trials import PARTS


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in PARTS:
        told, data = report[part], f"{report[part]['patients']} {part.lower()}"
        figures.append(figure("Pearson of the Agatston score", told["pearson"]["value"], data))
        figures.append(figure("Category right", told["category_right"]["value"], data))
    foreign = report["foreign series cautioned"]
    figures.append(figure("Series of something else cautioned", foreign["all"], "phantoms of six kinds"))
    seconds = report["seconds_per_slice"]
    figures.append(figure("Seconds a slice of a whole job", seconds, "512 rows, two cores"))
    return {**card, "figures": figures}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[part] for part in PARTS]
    rows: list[tuple[str, ...]] = [("", "survey (patients)", *(part.lower() for part in PARTS))]

    def add(name: str, survey: object, *ours: object) -> None:
        rows.append((name, str(survey), *map(str, ours)))

    add("patients (gated)", "", *(f"{told['patients']} ({told['gated']})" for told in both))
    add("Agatston score: Pearson", SURVEY["Pearson of the Agatston score"], *(spread(t["pearson"]) for t in both))
    add("Agatston score: mean difference (95 % of patients)", SURVEY["Bland-Altman bias"],
        *(limits(told["agatston"]) for told in both))  # fmt: skip
    add("volume score: Pearson", "", *(spread(told["volume_pearson"]) for told in both))
    add("category right", "", *(spread(told["category_right"]) for told in both))
    add("no calcium: score 0", "", *(spread(told["zero_found"]) for told in both))
    for artery in both[0]["by_artery"]:
        add(f"{artery}: Dice of its bright voxels", "", *(spread(told["by_artery"][artery]["dice"]) for told in both))
    for kind in both[0]["taken_for_coronary"]:
        add(f"taken for coronary: {kind}", "", *(f"{told['taken_for_coronary'][kind]:.3f}" for told in both))
    add("mean HU alone tells plaques from other calcium, AUC", "", *(f"{told['linear_auc']:.3f}" for told in both))
    add("cautioned as strange", "", *(spread(told["strange"]) for told in both))
    add("series of something else: cautioned", "", f"{report['foreign series cautioned']['all']:.3f}", "")
    add("seconds a slice of a whole job, two cores", "", f"{report['seconds_per_slice']:.3f}", "")
    return markdown(rows)


def main() -> None:
    write(FOLDER, (CARD, FOLDER / "card.json"), with_figures, table)


if __name__ == "__main__":
    main()
