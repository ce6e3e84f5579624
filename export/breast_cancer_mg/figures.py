"""Trials in, the figures of the report out: of breasts, by what the model was given of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.breast_cancer_mg.trial import ALL, WAYS, Trial
from export.evaluation import classification
from export.evaluation.classification import Answers, ClassFigures
from export.evaluation.statistics import Figure, bootstrap_values

CANCER = "Malignant lesion"


@dataclass(frozen=True)
class Figures:
    """`by_way` is of all breasts that something is said of, patients being drawn again for the intervals.

    `beside_benign` is the AUC among breasts with a lesion; `peak_inside` is of true positives.
    """

    patients: int
    breasts: int
    malignant: int
    benign: int
    by_way: dict[str, ClassFigures]
    beside_benign: Figure
    peak_inside: Figure
    strange: Figure


def figures_of(trials: Sequence[Trial], threshold: float) -> Figures:
    kinds = [kind for trial in trials for kind in trial.kinds]
    hits = [
        inside
        for trial in trials
        for inside, malignant, share in zip(trial.peak_inside, trial.malignant, trial.probability[ALL], strict=True)
        if malignant and share > threshold
    ]
    with_lesion = answers_of(trials, threshold, ALL, ("malignant", "benign"))
    return Figures(
        patients=len(trials),
        breasts=len(kinds),
        malignant=kinds.count("malignant"),
        benign=kinds.count("benign"),
        by_way={way: classification.figures_of(answers_of(trials, threshold, way))[CANCER] for way in WAYS},
        beside_benign=classification.figures_of(with_lesion)[CANCER].auc,
        peak_inside=share_of(hits),
        strange=share_of([trial.strange for trial in trials]),
    )


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
    patients, truth, probability = zip(*rows, strict=True)
    return Answers(
        names=(CANCER,),
        truth=np.array(truth, bool)[:, None],
        probability=np.array(probability, np.float64)[:, None],
        thresholds=np.array([threshold]),
        patients=np.array(patients, np.int64),
    )


def share_of(values: Sequence[bool]) -> Figure:
    if not values:
        return Figure(float("nan"), float("nan"), float("nan"))
    return bootstrap_values(np.array(values, np.float64), lambda drawn: float(drawn.mean()))
