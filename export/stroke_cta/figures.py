"""Trials in, the figures of the report out: who has an infarct, how large it is, how well outlined, on which side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.evaluation import statistics
from export.evaluation.statistics import Agreement, Figure, Table, bootstrap, bootstrap_values
from export.phantoms.stroke import TERRITORIES
from export.stroke_cta.trial import Trial

THRESHOLD_ML = 2.0
"""From so much on a patient is said to have an infarct, as the card removes what is smaller."""
THRESHOLDS_ML = (2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class Figures:
    """`sensitivity` and `specificity` are of patients at `THRESHOLD_ML`, in `by_threshold` at others.

    Dice, volumes and sides are of patients with an infarct; `side_right` of those found. `linear_auc` is what the mean
    HU of the brain alone tells of who has one.
    """

    patients: int
    ill: int
    sensitivity: Figure
    specificity: Figure
    by_threshold: dict[str, dict[str, Figure]]
    small_found: Figure
    auc_of_volume: float
    dice: Figure
    volume_ml: Agreement
    volume_pearson: float
    side_right: Figure
    by_territory: dict[str, dict[str, Figure]]
    calibration_error: Figure
    linear_auc: float
    strange: Figure


def figures_of(trials: Sequence[Trial]) -> Figures:
    ill = [trial for trial in trials if trial.truth_ml > 0]
    truth, found = volumes(ill)
    return Figures(
        patients=len(trials),
        ill=len(ill),
        sensitivity=_sensitivity(trials, THRESHOLD_ML),
        specificity=_specificity(trials, THRESHOLD_ML),
        by_threshold={
            f"{ml:g} ml": {"sensitivity": _sensitivity(trials, ml), "specificity": _specificity(trials, ml)}
            for ml in THRESHOLDS_ML
        },
        small_found=share([trial.found_ml >= THRESHOLD_ML for trial in ill if trial.truth_ml < 15]),
        auc_of_volume=_auc([t.found_ml for t in ill], [t.found_ml for t in trials if t.truth_ml == 0]),
        dice=mean([trial.dice for trial in ill]),
        volume_ml=statistics.agreement(truth, found),
        volume_pearson=float(np.corrcoef(truth, found)[0, 1]),
        side_right=share([trial.side == trial.found_side for trial in ill if trial.found_side is not None]),
        by_territory={name: _of_territory([t for t in ill if t.territory == name]) for name in TERRITORIES},
        calibration_error=bootstrap(histograms(trials), lambda table: statistics.calibration(table)[2]),
        linear_auc=linear_auc(trials),
        strange=share([trial.strange for trial in trials]),
    )


def volumes(trials: Sequence[Trial]) -> tuple[Table, Table]:
    """In ml: the truth and what was found."""
    return np.array([trial.truth_ml for trial in trials]), np.array([trial.found_ml for trial in trials])


def histograms(trials: Sequence[Trial]) -> Table:
    return np.stack([trial.histogram for trial in trials]).astype(np.float64)


def mean(values: Sequence[float]) -> Figure:
    if not values:
        return Figure(float("nan"), float("nan"), float("nan"))
    return bootstrap_values(np.array(values, np.float64), lambda drawn: float(drawn.mean()))


def share(values: Sequence[bool]) -> Figure:
    return mean([float(value) for value in values])


def linear_auc(trials: Sequence[Trial]) -> float:
    auc = _auc([t.brain_hu for t in trials if t.truth_ml > 0], [t.brain_hu for t in trials if t.truth_ml == 0])
    return max(auc, 1 - auc)


def _sensitivity(trials: Sequence[Trial], least_ml: float) -> Figure:
    return share([trial.found_ml >= least_ml for trial in trials if trial.truth_ml > 0])


def _specificity(trials: Sequence[Trial], least_ml: float) -> Figure:
    return share([trial.found_ml < least_ml for trial in trials if trial.truth_ml == 0])


def _of_territory(ill: Sequence[Trial]) -> dict[str, Figure]:
    return {"found": share([t.found_ml >= THRESHOLD_ML for t in ill]), "dice": mean([t.dice for t in ill])}


def _auc(those: Sequence[float], others: Sequence[float]) -> float:
    """How often one of those is more than one of the others."""
    away = np.subtract.outer(np.array(those), np.array(others))
    return float((away > 0).mean() + 0.5 * (away == 0).mean())
