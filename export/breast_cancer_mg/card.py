"""What the report measured goes into the card, here and where it is served, and into the README.

python -m export.breast_cancer_mg.card
"""

from typing import Any

from export.breast_cancer_mg.export import CARD, FOLDER
from export.breast_cancer_mg.report import NOT_MEASURED, PAPER, READERS
from export.breast_cancer_mg.trial import ALL, WAYS, WITHOUT_PRIOR
from export.evaluation.carded import Json, figure, markdown, spread, write
from export.evaluation.trials import PARTS

_OF_CLASS = {"AUC": "auc", "sensitivity": "sensitivity", "specificity": "specificity", "accuracy": "accuracy"}


def with_figures(card: Json, report: Json) -> dict[str, Any]:
    figures = []
    for part in PARTS:
        told, data = report[part], f"{report[part]['breasts']} breasts of {report[part]['patients']} {part.lower()}"
        figures += [figure(name, told["by_way"][ALL][key]["value"], data) for name, key in _OF_CLASS.items()]
    foreign = report["foreign studies cautioned"]
    figures.append(
        figure("Studies of something else cautioned", foreign["all"], f"phantoms of {len(foreign) - 1} kinds")
    )
    figures.append(figure("Seconds a study", report["seconds_per_study"], "with the study before, two cores"))
    return {**card, "figures": figures}


def table(report: Json) -> str:
    """The README's, in Markdown."""
    both, scratch = [report[part] for part in PARTS], report["from nothing"]
    rows: list[tuple[str, ...]] = [("", "published (patients)", *(part.lower() for part in PARTS))]

    def add(name: str, *ours: object, paper: object = "") -> None:
        rows.append((name, str(paper), *map(str, ours)))

    add("patients, breasts with a malignant lesion, with a benign one",
        *(f"{told['patients']}, {told['malignant']}, {told['benign']}" for told in both))  # fmt: skip
    for name, key in _OF_CLASS.items():
        add(name, *(spread(told["by_way"][ALL][key]) for told in both), paper=PAPER.get(name, ""))
    for name, value in READERS.items():
        add(f"beside readers: {name}", *(NOT_MEASURED for _ in both), paper=value)
    add("AUC beside benign lesions alone", *(spread(told["beside_benign"]) for told in both))
    for way in [each for each in WAYS if each != ALL]:
        add(f"AUC, {way}", *(spread(told["by_way"][way]["auc"]) for told in both))
    if scratch is not None:
        add(f"AUC, {ALL}, begun from nothing", *(spread(scratch[part][ALL]) for part in PARTS))
    for way in (ALL, WITHOUT_PRIOR):
        add(f"error of calibration, {way}", *(f"{told['by_way'][way]['calibration_error']:.3f}" for told in both))
    for name in ("sensitivity", "specificity"):
        add(f"{name}, {WITHOUT_PRIOR}", *(spread(told["by_way"][WITHOUT_PRIOR][name]) for told in both))
    add("heat map peaks within 2 mm of the malignant lesion, of true positives",
        *(spread(told["peak_near"]) for told in both))  # fmt: skip
    add("cautioned as strange", *(spread(told["strange"]) for told in both))
    for name in report["alone"][PARTS[0]]:
        add(f"{name} alone, AUC", *(f"{report['alone'][part][name]:.3f}" for part in PARTS))
    add("studies of something else: cautioned", f"{report['foreign studies cautioned']['all']:.3f}", "")
    add("seconds a study with the one before, two cores", f"{report['seconds_per_study']:.2f}", "")
    return markdown(rows)


def main() -> None:
    write(FOLDER, (CARD, FOLDER / "card.json"), with_figures, table)


if __name__ == "__main__":
    main()
