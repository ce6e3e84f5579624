"""Trials in, figures with confidence intervals out: on given regions, and from whole images."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from export.breast_mass_mg.trial import Candidate, RegionTrial, WholeTrial
from export.evaluation import statistics
from export.evaluation.classification import Answers
from export.evaluation.statistics import Agreement, Figure, Table, bootstrap, bootstrap_values

PER_IMAGE = (0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class RegionFigures:
    """Of pixels, masses being drawn again for the intervals."""

    masses: int
    share_of_pixels: float
    sensitivity: Figure
    specificity: Figure
    accuracy: Figure
    dice: Figure
    iou: Figure
    auc: Figure
    calibration_error: float
    area_cm2: Agreement
    confusion: list[list[int]]


@dataclass(frozen=True)
class WholeFigures:
    """`sensitivity_at` says which share of the masses is found at so many wrong outlines an image.

    `peaks_inside`: of the images with a mass that are called so, those whose heat map peaks within it. `cautioned`:
    images that are called strange.
    """

    images: int
    masses: int
    found: Figure
    wrong_per_image: float
    sensitivity_at: dict[str, float]
    dice_of_found: Figure
    area_cm2: Agreement
    peaks_inside: Figure
    cautioned: Figure


def of_regions(trials: Sequence[RegionTrial], network: str, *, at_edge: bool) -> RegionFigures:
    some = [trial for trial in trials if trial.network == network and trial.at_edge == at_edge]
    confusion = np.stack([trial.confusion for trial in some]).astype(np.float64)
    histograms = np.stack([trial.histogram for trial in some]).astype(np.float64)
    total = confusion.sum(axis=0)
    truth, found = (np.array(values) for values in zip(*((t.true_cm2, t.found_cm2) for t in some), strict=True))
    return RegionFigures(
        masses=len(some),
        share_of_pixels=float(total[1].sum() / total.sum()),
        sensitivity=bootstrap(confusion, partial(statistics.sensitivity, label=1)),
        specificity=bootstrap(confusion, partial(statistics.specificity, label=1)),
        accuracy=bootstrap(confusion, statistics.accuracy),
        dice=bootstrap_values(np.array([trial.dice for trial in some]), _mean),
        iou=bootstrap(confusion, partial(statistics.iou, label=1)),
        auc=bootstrap(histograms, statistics.auc),
        calibration_error=statistics.calibration(histograms.sum(axis=0))[2],
        area_cm2=statistics.agreement(truth, found),
        confusion=total.astype(int).tolist(),
    )


def of_whole(trials: Sequence[WholeTrial], network: str, threshold: float, present: float) -> WholeFigures:
    """`threshold` is that of the card's candidates, `present` from which probability on an image shows a mass."""
    hits = [hit for trial in trials for hit in found_in(trial, network, threshold)]
    masses = sum(trial.masses for trial in trials)
    of_image = np.array([[len(found_in(t, network, threshold)), t.masses] for t in trials], np.float64)
    wrong = sum(len(wrong_in(trial, network, threshold)) for trial in trials)
    called = [trial for trial in trials if trial.masses and trial.probability > present]
    return WholeFigures(
        images=len(trials),
        masses=masses,
        found=bootstrap(of_image, lambda sums: float(sums[0] / max(sums[1], 1))),
        wrong_per_image=wrong / len(trials),
        sensitivity_at={f"{most:g}": sensitivity_at(trials, network, most) for most in PER_IMAGE},
        dice_of_found=bootstrap_values(np.array([hit.dice for hit in hits] or [0.0]), _mean),
        area_cm2=statistics.agreement(*(areas(hits) if len(hits) > 1 else (np.zeros(2), np.zeros(2)))),
        peaks_inside=bootstrap_values(np.array([float(trial.peak_inside) for trial in called] or [0.0]), _mean),
        cautioned=bootstrap_values(np.array([float(trial.strangeness > 1) for trial in trials]), _mean),
    )


def areas(hits: Sequence[Candidate]) -> tuple[Table, Table]:
    return np.array([hit.true_cm2 for hit in hits]), np.array([hit.found_cm2 for hit in hits])


def found_in(trial: WholeTrial, network: str, threshold: float) -> list[Candidate]:
    """Of each mass that was found the best outline."""
    best: dict[int, Candidate] = {}
    for each in trial.candidates[network]:
        if each.mass is not None and each.score > threshold and each.dice >= best.get(each.mass, each).dice:
            best[each.mass] = each
    return list(best.values())


def wrong_in(trial: WholeTrial, network: str, threshold: float) -> list[Candidate]:
    return [each for each in trial.candidates[network] if each.mass is None and each.score > threshold]


def free_response(trials: Sequence[WholeTrial], network: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wrong outlines per image and share of masses found, over falling thresholds."""
    scores = sorted({each.score for trial in trials for each in trial.candidates[network]}, reverse=True)
    masses = max(sum(trial.masses for trial in trials), 1)
    wrong, found = [0.0], [0.0]
    for score in scores:
        wrong.append(sum(len(wrong_in(trial, network, score - 1e-9)) for trial in trials) / len(trials))
        found.append(sum(len(found_in(trial, network, score - 1e-9)) for trial in trials) / masses)
    return np.array(wrong), np.array(found)


def sensitivity_at(trials: Sequence[WholeTrial], network: str, most: float) -> float:
    wrong, found = free_response(trials, network)
    return float(found[wrong <= most].max(initial=0.0))


def answers_of(trials: Sequence[WholeTrial], present: float) -> Answers:
    """Whether an image shows a mass."""
    _, patients = np.unique([trial.patient for trial in trials], return_inverse=True)
    return Answers(
        ("Mass",),
        np.array([[trial.masses > 0] for trial in trials]),
        np.array([[trial.probability] for trial in trials]),
        np.array([present]),
        patients,
    )


def as_json(figures: RegionFigures | WholeFigures) -> dict[str, object]:
    return asdict(figures)


def _mean(values: Table) -> float:
    return float(values.mean())
