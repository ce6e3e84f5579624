"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.brain_tumour_mr.card
"""

from typing import Any

from export.brain_tumour_mr import REGIONS
from export.brain_tumour_mr.export import CARD, FOLDER
from export.brain_tumour_mr.figures import WHOLE
from export.brain_tumour_mr.trial import WITHOUT
from export.evaluation.carded import Json, figure, limits, markdown, spread, write
from export.evaluation.trials import PARTS


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in PARTS:
        told, data = report[part], f"{report[part]['patients']} {part.lower()}"
        for region in REGIONS:
            figures.append(figure(f"Dice, {region}", told["overlap"][WHOLE][region]["dice"]["value"], data))
    kinds = len(report["foreign studies cautioned"]) - 1
    foreign = report["foreign studies cautioned"]["all"]
    figures.append(figure("Studies of something else cautioned", foreign, f"phantoms of {kinds} kinds"))
    figures.append(figure("Seconds a patch of the graph", report["seconds_per_patch"], "two cores"))
    return {**card, "figures": figures}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both, paper = [report[part] for part in PARTS], report["paper"]
    head = ("", *paper, *(part.lower() for part in PARTS))
    rows: list[tuple[str, ...]] = [head]

    def add(name: str, *ours: str, published: tuple[str, ...] = ("",) * len(paper)) -> None:
        rows.append((name, *published, *ours))

    add("patients (with a tumour)", *(f"{told['patients']} ({told['with_tumour']})" for told in both))
    for run in WITHOUT:
        for region in REGIONS:
            published = tuple(f"{each[region]:.2f}" if run == WHOLE else "" for each in paper.values())
            add(f"Dice, {region}, {run}", *(spread(told["overlap"][run][region]["dice"]) for told in both),
                published=published)  # fmt: skip
    for region in REGIONS:
        add(f"Dice of a plain threshold, {region}", *(f"{t['threshold_alone'][region]['dice']:.3f}" for t in both))
    for region in REGIONS:
        add(f"volume, {region}: mean difference (95 % of patients), cm³",
            *(limits(told["volume_cm3"][region]) for told in both))  # fmt: skip
        add(f"longest diameter, {region}: the same, mm",
            *(limits(told["longest_mm"][region]) for told in both))  # fmt: skip
    add("no tumour: nothing found", *(spread(told["sound_clean"]) for told in both))
    add("cautioned as strange", *(spread(told["strange"][WHOLE]) for told in both))
    add("studies of something else: cautioned", f"{report['foreign studies cautioned']['all']:.3f}", "")
    add("seconds a patch, two cores", f"{report['seconds_per_patch']:.3f}", "")
    return markdown(rows)


def main() -> None:
    write(FOLDER, (CARD, FOLDER / "card.json"), with_figures, table)


if __name__ == "__main__":
    main()
