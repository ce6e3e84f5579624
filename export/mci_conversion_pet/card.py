"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.mci_conversion_pet.card
"""

from typing import Any

from export.evaluation.carded import Json, figure, markdown, spread, write
from export.evaluation.trials import PARTS
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.export import CARD, FOLDER
from export.mci_conversion_pet.report import PAPER

_OF_CLASS = {"accuracy": "accuracy", "AUC": "auc", "sensitivity": "sensitivity", "specificity": "specificity"}


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in PARTS:
        for name in ANSWERS:
            told = report[part]["answers"][name]
            data = f"{told['patients']} {part.lower()}"
            verdict = told["verdict"]
            figures += [figure(f"{name}: {what}", verdict[key]["value"], data) for what, key in _OF_CLASS.items()]
    foreign = report["foreign series cautioned"]
    of_kinds = f"phantoms of {len(foreign) - 1} kinds"
    figures.append(figure("Series of something else cautioned", foreign["all"], of_kinds))
    figures.append(figure("Seconds a head of the graph", report["seconds_per_head"], "two cores"))
    return {**card, "figures": figures}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    rows: list[tuple[str, ...]] = [("", "paper (patients)", *(part.lower() for part in PARTS))]

    def add(name: str, *ours: object, paper: object = "") -> None:
        rows.append((name, str(paper), *map(str, ours)))

    for name in ANSWERS:
        both = [report[part]["answers"][name] for part in PARTS]
        paper = PAPER if name == ANSWERS[1] else {}
        add(f"**{name}**: patients (with it)", *(f"{told['patients']} ({told['true']})" for told in both))
        for what, key in _OF_CLASS.items():
            add(what, *(spread(told["verdict"][key]) for told in both), paper=paper.get(what, ""))
        add("error of calibration", *(f"{told['verdict']['calibration_error']:.3f}" for told in both))
        add("heat map peaks where the disease acts, of true positives", *(spread(told["peak_inside"]) for told in both))
        for simple in both[0]["alone"]:
            add(f"{simple} alone, AUC", *(f"{told['alone'][simple]:.3f}" for told in both))
    add("cautioned as strange", *(spread(report[part]["strange"]) for part in PARTS))
    add("series of something else: cautioned", f"{report['foreign series cautioned']['all']:.3f}", "")
    add("seconds a head, two cores", f"{report['seconds_per_head']:.2f}", "")
    return markdown(rows)


def main() -> None:
    write(FOLDER, (CARD, FOLDER / "card.json"), with_figures, table)


if __name__ == "__main__":
    main()
