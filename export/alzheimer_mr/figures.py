"""Trials in, the figures of the report out: who is ill, where that was seen, how large and how well outlined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from export.alzheimer_mr.trial import Trial
from export.evaluation import classification, statistics
from export.evaluation.classification import Answers, ClassFigures
from export.evaluation.statistics import Agreement, Figure, Table, bootstrap_values

DISEASE, NORMAL = "Alzheimer's disease", "normal"
THRESHOLD = 0.5


@dataclass(frozen=True)
class Figures:
    """`alone` is how well one simple number tells who is ill, as an AUC. `peak_inside` is of true positives."""

    patients: int
    ill: int
    disease: ClassFigures
    peak_inside: Figure
    dice: Figure
    volume_ml: Agreement
    volume_pearson: float
    alone: dict[str, float]
    strange: Figure


def figures_of(trials: Sequence[Trial]) -> Figures:
    truth, found = volumes(trials)
    hits = [trial for trial in trials if trial.ill and trial.probability > THRESHOLD]
    return Figures(
        patients=len(trials),
        ill=sum(trial.ill for trial in trials),
        disease=classification.figures_of(answers_of(trials))[DISEASE],
        peak_inside=share([trial.peak_inside for trial in hits]),
        dice=mean([float(np.mean(trial.dice)) for trial in trials]),
        volume_ml=statistics.agreement(truth, found),
        volume_pearson=float(np.corrcoef(truth, found)[0, 1]),
        alone={name: auc_alone(trials, number) for name, number in ALONE.items()},
        strange=share([trial.strange for trial in trials]),
    )


ALONE: dict[str, Callable[[Trial], float]] = {
    "true volume of both hippocampi": lambda trial: sum(trial.truth_ml),
    "volume found of both hippocampi": lambda trial: sum(trial.found_ml),
    "smaller of both hippocampi": lambda trial: min(trial.truth_ml),
    "mean grey of the medial temporal lobes, scaled": lambda trial: trial.medial_grey[0],
    "mean grey of the medial temporal lobes, as stored": lambda trial: trial.medial_grey[1],
    "mean grey of the brain, scaled": lambda trial: trial.brain_grey[0],
    "mean grey of the brain, as stored": lambda trial: trial.brain_grey[1],
    "age": lambda trial: trial.age_years,
}


def answers_of(trials: Sequence[Trial]) -> Answers:
    """Of two classes that exclude one another."""
    ill, probability = np.array([t.ill for t in trials], bool), np.array([t.probability for t in trials], np.float64)
    return Answers(
        names=(DISEASE, NORMAL),
        truth=np.stack([ill, ~ill], axis=1),
        probability=np.stack([probability, 1 - probability], axis=1),
        thresholds=np.array([THRESHOLD, 1 - THRESHOLD]),
        patients=np.arange(len(trials)),
    )


def volumes(trials: Sequence[Trial]) -> tuple[Table, Table]:
    """In ml, of each hippocampus: the truth and what was found."""
    truth = np.array([trial.truth_ml for trial in trials], np.float64).reshape(-1)
    return truth, np.array([trial.found_ml for trial in trials], np.float64).reshape(-1)


def mean(values: Sequence[float]) -> Figure:
    if not values:
        return Figure(float("nan"), float("nan"), float("nan"))
    return bootstrap_values(np.array(values, np.float64), lambda drawn: float(drawn.mean()))


def share(values: Sequence[bool]) -> Figure:
    return mean([float(value) for value in values])


def auc_alone(trials: Sequence[Trial], number: Callable[[Trial], float]) -> float:
    """Of a linear model on one number, which is that number or its negative."""
    ill = np.array([number(trial) for trial in trials if trial.ill])
    healthy = np.array([number(trial) for trial in trials if not trial.ill])
    apart = np.subtract.outer(ill, healthy)
    above = float((apart > 0).mean() + 0.5 * (apart == 0).mean())
    return max(above, 1 - above)
