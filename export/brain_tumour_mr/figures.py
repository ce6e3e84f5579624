"""Trials in, the figures of the report out: overlap, volumes, lengths, calibration, what is cautioned about."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.brain_tumour_mr import REGIONS, SERIES
from export.brain_tumour_mr.trial import BINS, WITHOUT, Found, Table, Trial
from export.evaluation import statistics
from export.evaluation.statistics import Agreement, Figure, bootstrap, bootstrap_values

WHOLE = "all series"
NOTHING = Figure(float("nan"), float("nan"), float("nan"))
_SAID = {"without T2": "There is no T2", "without T1": "There is no T1"}
_LAID = "was laid on"


@dataclass(frozen=True)
class Overlap:
    """Of one region: `dice` is the mean over the patients who have it, the others are of all volume together."""

    dice: Figure
    dice_of_all: Figure
    sensitivity: Figure


@dataclass(frozen=True)
class Threshold:
    """What is brighter than `least` of its range on one series; the best choice of both, made in hindsight."""

    series: str
    least: float
    dice: float


@dataclass(frozen=True)
class Figures:
    """By run (which series were there) and by region; sizes are of patients who have the region, all series given.

    `said_missing` is the share of runs without a series that say so, `said_moved` that of patients whose head had moved
    between the series; `sound_clean` is that of heads without a tumour in which nothing was found.
    """

    patients: int
    with_tumour: int
    moved: int
    refused: Figure
    overlap: dict[str, dict[str, Overlap]]
    volume_cm3: dict[str, Agreement]
    longest_mm: dict[str, Agreement]
    calibration_error: dict[str, float]
    threshold_alone: dict[str, Threshold]
    sound_clean: Figure
    strange: dict[str, Figure]
    said_missing: Figure
    said_moved: Figure


def figures_of(trials: Sequence[Trial]) -> Figures:
    judged = [trial for trial in trials if trial.found]
    return Figures(
        patients=len(trials),
        with_tumour=sum(trial.ill for trial in trials),
        moved=sum(trial.moved for trial in trials),
        refused=share([bool(trial.refused) for trial in trials]),
        overlap={run: _overlap([trial.found[run] for trial in judged]) for run in WITHOUT},
        volume_cm3={region: _agreement(*volumes(judged, number)) for number, region in enumerate(REGIONS)},
        longest_mm={region: _agreement(*lengths(judged, number)) for number, region in enumerate(REGIONS)},
        calibration_error={
            region: statistics.calibration(histogram)[2] for region, histogram in histograms(judged).items()
        },
        threshold_alone={region: _threshold(trials, number) for number, region in enumerate(REGIONS)},
        sound_clean=share([not trial.found[WHOLE].cm3[:, 1].any() for trial in judged if not trial.ill]),
        strange={run: share([trial.found[run].strange for trial in judged]) for run in WITHOUT},
        said_missing=share([_says(trial.found[run], words) for trial in judged for run, words in _SAID.items()]),
        said_moved=share([_says(trial.found[WHOLE], _LAID) for trial in judged if trial.moved]),
    )


def _says(found: Found, words: str) -> bool:
    return any(words in each for each in found.cautions)


def share(values: Sequence[bool]) -> Figure:
    return mean_of(np.array(values, np.float64))


def mean_of(values: Table) -> Figure:
    return bootstrap_values(values, lambda drawn: float(drawn.mean())) if len(values) else NOTHING


def _overlap(found: Sequence[Found]) -> dict[str, Overlap]:
    return {
        region: overlap_of(np.array([each.confusion[number] for each in found]).reshape(-1, 2, 2))
        for number, region in enumerate(REGIONS)
    }


def overlap_of(confusions: Table) -> Overlap:
    """(patient, truth, found)."""
    having = [table for table in confusions if table[1].any()]
    if not having:
        return Overlap(NOTHING, NOTHING, NOTHING)
    return Overlap(
        dice=mean_of(np.array([statistics.dice(table, 1) for table in having])),
        dice_of_all=bootstrap(confusions, lambda table: statistics.dice(table, 1)),
        sensitivity=bootstrap(confusions, lambda table: statistics.sensitivity(table, 1)),
    )


def volumes(trials: Sequence[Trial], region: int) -> tuple[Table, Table]:
    """In cm3: the truth and what was found, of patients who have the region."""
    return _pairs([trial.found[WHOLE].cm3[region] for trial in trials])


def lengths(trials: Sequence[Trial], region: int) -> tuple[Table, Table]:
    """The same of longest diameters, in mm."""
    return _pairs([trial.found[WHOLE].longest_mm[region] for trial in trials])


def _pairs(sizes: Sequence[Table]) -> tuple[Table, Table]:
    both = np.array([each for each in sizes if each[0] > 0]).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _agreement(truth: Table, found: Table) -> Agreement:
    """One patient has no spread."""
    return statistics.agreement(truth, found) if len(truth) > 1 else Agreement(*[float("nan")] * 3)


def histograms(trials: Sequence[Trial]) -> dict[str, Table]:
    """(truth, probability) of each region. What is given less than a hundredth, nearly all of a head, is left out."""
    total = np.sum([trial.found[WHOLE].histogram for trial in trials], axis=0)
    told = np.array(np.broadcast_to(total, (len(REGIONS), 2, BINS)), np.float64)
    told[:, :, 0] = 0
    return dict(zip(REGIONS, told, strict=True))


def _threshold(trials: Sequence[Trial], region: int) -> Threshold:
    grey = np.sum([trial.grey[region] for trial in trials], axis=0).astype(np.float64)
    above = grey[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]
    dice = 2 * above[:, 1] / np.maximum(above.sum(axis=1) + grey[:, 1].sum(axis=1, keepdims=True), 1)
    series, least = np.unravel_index(int(dice.argmax()), dice.shape)
    return Threshold(SERIES[series], int(least) / BINS, float(dice[series, least]))
