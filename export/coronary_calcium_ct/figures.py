"""Trials in, the figures of the report out: correlation, agreement, categories, plaques by artery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from export.coronary_calcium_ct.trial import CLASSES, Trial, taken_for_coronary
from export.evaluation import statistics
from export.evaluation.statistics import Agreement, Figure, Table, bootstrap, bootstrap_values
from export.phantoms.heart import ARTERIES
from orthanc_plugin.measure.calcium import CATEGORIES


@dataclass(frozen=True)
class Figures:
    """Scores are of all arteries together, those in `by_artery` of one; of voxels only those that are bright count.

    `linear_auc` is what the mean HU of a patient's plaques and of the calcium beside them tells of which is which.
    """

    patients: int
    gated: int
    without_calcium: int
    pearson: Figure
    pearson_gated: Figure
    volume_pearson: Figure
    agatston: Agreement
    agatston_bland_altman_of_roots: Agreement
    category_right: Figure
    categories: list[list[int]]
    zero_found: Figure
    by_artery: dict[str, dict[str, Figure]]
    taken_for_coronary: dict[str, float]
    linear_auc: float
    strange: Figure


def figures_of(trials: Sequence[Trial]) -> Figures:
    truth, found = scores(trials)
    zero = [trial for trial, score in zip(trials, truth, strict=True) if round(score) == 0]
    return Figures(
        patients=len(trials),
        gated=sum(trial.gated for trial in trials),
        without_calcium=len(zero),
        pearson=pearson(trials),
        pearson_gated=pearson([trial for trial in trials if trial.gated]),
        volume_pearson=_correlation(*_totals(trials, lambda score: score.volume_mm3)),
        agatston=statistics.agreement(truth, found),
        agatston_bland_altman_of_roots=statistics.agreement(np.sqrt(truth), np.sqrt(found)),
        category_right=statistics.share_of([category(t) == category(f) for t, f in zip(truth, found, strict=True)]),
        categories=_categories(truth, found),
        zero_found=statistics.share_of([round(trial.total[1].agatston) == 0 for trial in zero]),
        by_artery={name: _of_artery(trials, number) for number, name in enumerate(ARTERIES)},
        taken_for_coronary=taken_for_coronary(trials),
        linear_auc=_linear_auc(trials),
        strange=statistics.share_of([trial.strange for trial in trials]),
    )


def scores(trials: Sequence[Trial]) -> tuple[Table, Table]:
    """Agatston: the truth and what was found."""
    return _totals(trials, lambda score: score.agatston)


def _totals(trials: Sequence[Trial], of: Callable[..., float]) -> tuple[Table, Table]:
    both = np.array([[of(score) for score in trial.total] for trial in trials], np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def pearson(trials: Sequence[Trial]) -> Figure:
    return _correlation(*scores(trials))


def _correlation(truth: Table, found: Table) -> Figure:
    """Not a number where one of them is the same in all patients."""
    return bootstrap_values(np.stack([truth, found], axis=1), _pearson)


def _pearson(both: Table) -> float:
    if len(both) < 2 or not both.std(axis=0).all():
        return float("nan")
    return float(np.asarray(np.corrcoef(both.T))[0, 1])


def category(agatston: float) -> int:
    return next(number for number, (most, _) in enumerate(CATEGORIES) if round(agatston) <= most)


def _categories(truth: Table, found: Table) -> list[list[int]]:
    table = np.zeros((len(CATEGORIES), len(CATEGORIES)), int)
    for t, f in zip(truth, found, strict=True):
        table[category(t), category(f)] += 1
    return table.tolist()


def _of_artery(trials: Sequence[Trial], number: int) -> dict[str, Figure]:
    tables = np.stack([_square(trial) for trial in trials])
    label = number + 1
    truth, found = (
        np.array([side[number].agatston for side in sides])
        for sides in zip(*((trial.truth, trial.found) for trial in trials), strict=True)
    )
    return {
        "dice": bootstrap(tables, lambda table: statistics.dice(table, label)),
        "sensitivity": bootstrap(tables, lambda table: statistics.sensitivity(table, label)),
        "pearson": _correlation(truth, found),
    }


def _square(trial: Trial) -> Table:
    """Of (truth, found) with all that is none of the arteries' in one row."""
    table = trial.confusion[:CLASSES].astype(np.float64)
    table[0] += trial.confusion[CLASSES:].sum(axis=0)
    return table


def _linear_auc(trials: Sequence[Trial]) -> float:
    mine, other = ([value for value in values if np.isfinite(value)] for values in zip(
        *((trial.plaque_hu, trial.beside_hu) for trial in trials), strict=True))  # fmt: skip
    return statistics.auc_alone(mine, other)
