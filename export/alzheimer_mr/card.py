"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.alzheimer_mr.card
"""

from typing import Any

from export.alzheimer_mr.export import CARD, FOLDER
from export.alzheimer_mr.report import PAPER, limits
from export.evaluation.carded import Json, figure, markdown, spread, write
from export.evaluation.statistics import Agreement
from export.evaluation.trials import PARTS

_OF_CLASS = {"AUC": "auc", "sensitivity": "sensitivity", "specificity": "specificity", "accuracy": "accuracy"}


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in PARTS:
        told, data = report[part], f"{report[part]['patients']} {part.lower()}"
        figures += [figure(name, told["disease"][key]["value"], data) for name, key in _OF_CLASS.items()]
        figures.append(figure("Dice of the hippocampi", told["dice"]["value"], data))
    foreign = report["foreign series cautioned"]
    of_kinds = f"phantoms of {len(foreign) - 1} kinds"
    figures.append(figure("Series of something else cautioned", foreign["all"], of_kinds))
    masses = report["masses"]
    kinds = f"phantoms of {len(masses['cautioned'])} kinds, {masses['each']} of each size"
    shares = [share for sizes in masses["cautioned"].values() for share in sizes.values()]
    figures.append(figure("Masses in the brain cautioned", sum(shares) / len(shares), kinds))
    figures.append(figure("Seconds a head of the graph", report["seconds_per_head"], "two cores"))
    return {**card, "figures": figures}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both = [report[part] for part in PARTS]
    rows: list[tuple[str, ...]] = [("", "paper (patients)", *(part.lower() for part in PARTS))]

    def add(name: str, *ours: object, paper: object = "") -> None:
        rows.append((name, str(paper), *map(str, ours)))

    add("patients (with Alzheimer's disease)", *(f"{told['patients']} ({told['ill']})" for told in both))
    for name, key in _OF_CLASS.items():
        add(name, *(spread(told["disease"][key]) for told in both), paper=PAPER.get(name, ""))
    add("error of calibration", *(f"{told['disease']['calibration_error']:.3f}" for told in both))
    add("heat map peaks where the disease acts, of true positives", *(spread(told["peak_inside"]) for told in both))
    add("Dice of the hippocampi", *(spread(told["dice"]) for told in both))
    add("volume, ml: mean difference (95 % of hippocampi)",
        *(limits(Agreement(**told["volume_ml"])) for told in both))  # fmt: skip
    for name in both[0]["alone"]:
        add(f"{name} alone, AUC", *(f"{told['alone'][name]:.3f}" for told in both))
    add("cautioned as strange", *(spread(told["strange"]) for told in both))
    add("series of something else: cautioned", f"{report['foreign series cautioned']['all']:.3f}", "")
    add("cautioned for something in the brain, without any", *(spread(told["anomalous"]) for told in both))
    sizes = report["masses"]["cautioned"].values()
    for mm, auc in report["masses"]["auc"].items():
        share = sum(by_size[mm] for by_size in sizes) / len(sizes)
        add(f"masses of {mm} mm in the brain: cautioned; AUC", f"{share:.2f}; {auc:.3f}", "")
    add("seconds a head, two cores", f"{report['seconds_per_head']:.2f}", "")
    return markdown(rows)


def main() -> None:
    write(FOLDER, (CARD, FOLDER / "card.json"), with_figures, table)


if __name__ == "__main__":
    main()
