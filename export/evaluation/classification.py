"""What a classifier answered and what is true in, figures with confidence intervals and sections of a report out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import colormaps, pyplot
from numpy.typing import NDArray

from export.evaluation import statistics
from export.evaluation.page import Part, Pictures, Rows, Section
from export.evaluation.plots import save
from export.evaluation.statistics import Figure, Table, bootstrap

_BINS = 200
_FEW = 2  # cases of a probability, of which a share says nothing


@dataclass(frozen=True, eq=False)
class Answers:
    """Of cases (rows) about classes (columns): what is true, what was answered, and above which answer it is present.

    `patients` says whose case each row is; they are what is drawn again for an interval.
    """

    names: Sequence[str]
    truth: NDArray[np.bool_]
    probability: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    patients: NDArray[np.int64]

    @property
    def present(self) -> NDArray[np.bool_]:
        return self.probability > self.thresholds


@dataclass(frozen=True)
class ClassFigures:
    """At the operating threshold, save the AUC; `share` is how many of the cases have the finding."""

    cases: int
    share: float
    auc: Figure
    sensitivity: Figure
    specificity: Figure
    accuracy: Figure
    calibration_error: float


def figures_of(answers: Answers) -> dict[str, ClassFigures]:
    """Of the classes that some of the cases have and some have not: of others nothing can be said."""
    return {
        name: _figures(answers, column)
        for column, name in enumerate(answers.names)
        if 0 < answers.truth[:, column].sum() < len(answers.truth)
    }


def _figures(answers: Answers, column: int) -> ClassFigures:
    histograms, confusions = histograms_of(answers, column), _confusions(answers, column)
    return ClassFigures(
        cases=int(answers.truth[:, column].sum()),
        share=float(answers.truth[:, column].mean()),
        auc=bootstrap(histograms, statistics.auc),
        sensitivity=bootstrap(confusions, partial(statistics.sensitivity, label=1)),
        specificity=bootstrap(confusions, partial(statistics.specificity, label=1)),
        accuracy=bootstrap(confusions, statistics.accuracy),
        calibration_error=statistics.calibration(histograms.sum(axis=0))[2],
    )


def histograms_of(answers: Answers, column: int) -> Table:
    """(patient, is not / is, bin of the answer)."""
    bins = np.minimum((answers.probability[:, column] * _BINS).astype(np.int64), _BINS - 1)
    return _counted(answers, answers.truth[:, column].astype(np.int64), bins, (2, _BINS))


def _confusions(answers: Answers, column: int) -> Table:
    """(patient, truth, answer)."""
    truth, present = answers.truth[:, column], answers.present[:, column]
    return _counted(answers, truth.astype(np.int64), present.astype(np.int64), (2, 2))


def likeliest(answers: Answers) -> Table:
    """Of classes that exclude one another: (patient, truth, likeliest)."""
    count = len(answers.names)
    return _counted(answers, answers.truth.argmax(axis=1), answers.probability.argmax(axis=1), (count, count))


def _counted(answers: Answers, rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> Table:
    _, numbers = np.unique(answers.patients, return_inverse=True)
    tables = np.zeros((int(numbers.max()) + 1, *shape))
    np.add.at(tables, (numbers, rows, columns), 1)
    return tables


def as_json(figures: Mapping[str, ClassFigures]) -> dict[str, object]:
    return {name: asdict(each) for name, each in figures.items()}


def section(
    title: str, answers: Answers, folder: Path, *, exclusive: bool, said: Mapping[str, str] | None = None
) -> Section:
    """`said` is what a paper reports about a class, to stand beside ours; pictures are written to the folder."""
    figures = figures_of(answers)
    short = "-".join("".join(letter if letter.isalnum() else " " for letter in title.lower()).split())
    parts: list[Part] = [_rows(figures, said or {})]
    if exclusive:
        confusion = likeliest(answers)
        accuracy = bootstrap(confusion, statistics.accuracy)
        parts.append(f"Accuracy of the likeliest class: {accuracy}. Confusion (rows: truth):")
        parts.append(_confusion_rows(answers, confusion))
    pictures = [
        _roc(answers, figures, folder / f"{short}-roc.png"),
        _calibration(answers, figures, folder / f"{short}-calibration.png"),
    ]
    return Section(title, [*parts, Pictures(pictures, "ROC, calibration")])


def _rows(figures: Mapping[str, ClassFigures], said: Mapping[str, str]) -> Rows:
    beside = ("reported",) if said else ()
    head = ("", "cases", "AUC", *beside, "sensitivity", "specificity", "accuracy", "calibration error")
    rows = [
        (name, f"{each.cases} ({each.share:.0%})", str(each.auc), *((said.get(name, ""),) if said else ()),
         str(each.sensitivity), str(each.specificity), str(each.accuracy), f"{each.calibration_error:.3f}")
        for name, each in figures.items()
    ]  # fmt: skip
    return Rows([head, *rows])


def _confusion_rows(answers: Answers, confusion: Table) -> Rows:
    counts = confusion.sum(axis=0).astype(int)
    rows = [(name, *map(str, row)) for name, row in zip(answers.names, counts, strict=True)]
    return Rows([("", *answers.names), *rows])


def _roc(answers: Answers, figures: Mapping[str, ClassFigures], path: Path) -> str:
    picture, axes = pyplot.subplots(figsize=(5, 4.4))
    axes.plot([0, 1], [0, 1], color="lightgrey")
    for name, colour in _coloured(figures):
        false, true = statistics.roc(histograms_of(answers, answers.names.index(name)).sum(axis=0))
        axes.plot(false, true, color=colour, label=f"{name}: AUC {figures[name].auc.value:.3f}")
    axes.set(xlabel="1 - specificity", ylabel="sensitivity")
    axes.legend(loc="lower right", fontsize=6 if len(figures) > 5 else 9)
    return save(picture, path)


def _calibration(answers: Answers, figures: Mapping[str, ClassFigures], path: Path) -> str:
    picture, axes = pyplot.subplots(figsize=(5, 4.4))
    axes.plot([0, 1], [0, 1], color="lightgrey")
    for name, colour in _coloured(figures):
        histogram = histograms_of(answers, answers.names.index(name)).sum(axis=0)
        stated, observed, _ = statistics.calibration(histogram)
        counted = histogram.reshape(2, len(stated), -1).sum(axis=(0, 2)) > _FEW
        axes.plot(stated[counted], observed[counted], "o-", markersize=3, color=colour, label=name)
    axes.set(xlabel="probability stated", ylabel="share observed")
    axes.legend(fontsize=6 if len(figures) > 5 else 9)
    return save(picture, path)


def _coloured(figures: Mapping[str, ClassFigures]) -> list[tuple[str, tuple[float, float, float, float]]]:
    colours = colormaps["tab20" if len(figures) > 10 else "tab10"]
    return [(name, colours(number)) for number, name in enumerate(figures)]
