"""Trials in, the figures of the report out: of breasts, by what the model was given of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.breast_cancer_mg.trial import ALL, WAYS, Trial
from export.evaluation import classification
from export.evaluation.classification import Answers, ClassFigures
from export.evaluation.statistics import Figure, share_of

CANCER = "Malignant lesion"
UNKNOWN = float("nan")


@dataclass(frozen=True)
class Figures:
    """`by_way` is of all breasts that something is said of, patients being drawn again for the intervals.

    `beside_benign` is the AUC among breasts with a lesion; `peak_near` is of true positives.
    """

    patients: int
    breasts: int
    malignant: int
    benign: int
    by_way: dict[str, ClassFigures]
    beside_benign: Figure
    peak_near: Figure
    strange: Figure


def figures_of(trials: Sequence[Trial], threshold: float) -> Figures:
    kinds = [kind for trial in trials for kind in trial.kinds]
    hits = [
        inside
        for trial in trials
        for inside, malignant, share in zip(trial.peak_near, trial.malignant, trial.probability[ALL], strict=True)
        if malignant and share > threshold
    ]
    return Figures(
        patients=len(trials),
        breasts=len(kinds),
        malignant=kinds.count("malignant"),
        benign=kinds.count("benign"),
        by_way={way: _of(answers_of(trials, threshold, way)) for way in WAYS},
        beside_benign=_of(answers_of(trials, threshold, ALL, ("malignant", "benign"))).auc,
        peak_near=share_of(hits),
        strange=share_of([trial.strange for trial in trials]),
    )


def _of(answers: Answers) -> ClassFigures:
    """Not numbers where all breasts are of one kind, as in a look at few patients."""
    found = classification.figures_of(answers).get(CANCER)
    if found is not None:
        return found
    cases, share = int(answers.truth.sum()), float(answers.truth.mean()) if len(answers.truth) else UNKNOWN
    return ClassFigures(cases, share, *(Figure(UNKNOWN, UNKNOWN, UNKNOWN),) * 4, calibration_error=UNKNOWN)


def answers_of(
    trials: Sequence[Trial], threshold: float, way: str = ALL, kinds: Sequence[str] = ("malignant", "benign", "none")
) -> Answers:
    """Of breasts of these kinds that something is said of."""
    rows = [
        (number, malignant, share)
        for number, trial in enumerate(trials)
        for kind, malignant, share in zip(trial.kinds, trial.malignant, trial.probability[way], strict=True)
        if kind in kinds and np.isfinite(share)
    ]
    return Answers(
        names=(CANCER,),
        truth=np.array([row[1] for row in rows], bool)[:, None],
        probability=np.array([row[2] for row in rows], np.float64)[:, None],
        thresholds=np.array([threshold]),
        patients=np.array([row[0] for row in rows], np.int64),
    )
