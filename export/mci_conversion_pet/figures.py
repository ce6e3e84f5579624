"""Trials in, the figures of the report out: in whom it looks like the disease, whose impairment converts, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from export.evaluation import classification
from export.evaluation.classification import Answers, ClassFigures
from export.evaluation.statistics import Figure, auc_alone, mean_of, share_of
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.trial import Trial
from export.phantoms.metabolism import GROUPS

OTHERWISE = ("normal", "stays")
"""What is the case where an answer is no."""
THRESHOLD = 0.5


@dataclass(frozen=True)
class AnswerFigures:
    """Of the patients that one answer is about; `true` is of how many it is so.

    `alone` is how well one simple number tells them apart, as an AUC. `peak_inside` is of true positives, `by_chance`
    the share of the brain that a peak of theirs would be inside of.
    """

    patients: int
    true: int
    verdict: ClassFigures
    peak_inside: Figure
    by_chance: Figure
    alone: dict[str, float]


@dataclass(frozen=True)
class Figures:
    """`answers` by `ANSWERS`; `said` is the mean probability of each answer in each group."""

    patients: int
    groups: dict[str, int]
    answers: dict[str, AnswerFigures]
    said: dict[str, dict[str, float]]
    strange: Figure


def figures_of(trials: Sequence[Trial]) -> Figures:
    return Figures(
        patients=len(trials),
        groups={group: sum(trial.group == group for trial in trials) for group in GROUPS},
        answers={name: _of_answer(trials, number) for number, name in enumerate(ANSWERS)},
        said={name: _by_group(trials, number) for number, name in enumerate(ANSWERS)},
        strange=share_of([trial.strange for trial in trials]),
    )


def _of_answer(trials: Sequence[Trial], answer: int) -> AnswerFigures:
    about = [trial for trial in trials if trial.about(answer)]
    hits = [trial for trial in about if trial.true(answer) and trial.probabilities[answer] > THRESHOLD]
    return AnswerFigures(
        patients=len(about),
        true=sum(trial.true(answer) for trial in about),
        verdict=classification.figures_of(answers_of(trials, answer))[ANSWERS[answer]],
        peak_inside=share_of([trial.peaks_inside[answer] for trial in hits]),
        by_chance=mean_of([trial.near_share for trial in hits]),
        alone=_alone(about, answer),
    )


def answers_of(trials: Sequence[Trial], answer: int) -> Answers:
    """Of the patients that it is about, as two classes that exclude one another."""
    about = [trial for trial in trials if trial.about(answer)]
    true = np.array([trial.true(answer) for trial in about], bool)
    probability = np.array([trial.probabilities[answer] for trial in about], np.float64)
    return Answers(
        names=(ANSWERS[answer], OTHERWISE[answer]),
        truth=np.stack([true, ~true], axis=1),
        probability=np.stack([probability, 1 - probability], axis=1),
        thresholds=np.array([THRESHOLD, 1 - THRESHOLD]),
        patients=np.arange(len(about)),
    )


def _alone(about: Sequence[Trial], answer: int) -> dict[str, float]:
    def of(name: str, true: bool) -> list[float]:
        return [trial.simple[name] for trial in about if trial.true(answer) is true]

    return {name: auc_alone(of(name, True), of(name, False)) for name in about[0].simple}


def _by_group(trials: Sequence[Trial], answer: int) -> dict[str, float]:
    said: Mapping[str, list[float]] = {group: [] for group in GROUPS}
    for trial in trials:
        said[trial.group].append(trial.probabilities[answer])
    return {group: float(np.mean(values)) for group, values in said.items() if values}
