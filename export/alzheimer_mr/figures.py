"""Trials in, the figures of the report out: who is ill, where that was seen, how large and how well outlined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from export.alzheimer_mr.trial import Trial
from export.evaluation import classification, statistics
from export.evaluation.classification import Answers, ClassFigures
from export.evaluation.statistics import Agreement, Figure, Table, auc_alone, mean_of, share_of

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
    anomalous: Figure


def figures_of(trials: Sequence[Trial]) -> Figures:
    truth, found = volumes(trials)
    hits = [trial for trial in trials if trial.ill and trial.probability > THRESHOLD]
    return Figures(
        patients=len(trials),
        ill=sum(trial.ill for trial in trials),
        disease=classification.figures_of(answers_of(trials))[DISEASE],
        peak_inside=share_of([trial.peak_inside for trial in hits]),
        dice=mean_of([float(np.mean(trial.dice)) for trial in trials]),
        volume_ml=statistics.agreement(truth, found),
        volume_pearson=float(np.corrcoef(truth, found)[0, 1]),
        alone={name: _alone(trials, number) for name, number in ALONE.items()},
        strange=share_of([trial.strange for trial in trials]),
        anomalous=share_of([trial.anomalous for trial in trials]),
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


def _alone(trials: Sequence[Trial], number: Callable[[Trial], float]) -> float:
    ill, healthy = ([number(trial) for trial in trials if trial.ill is there] for there in (True, False))
    return auc_alone(ill, healthy)
