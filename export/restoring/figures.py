"""Trials in, the figures of the report out: decibels, lesions lost and invented, and what else was measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.evaluation.statistics import Figure, bootstrap_values, mean_of, share_of
from export.restoring.trial import Quality, Trial


@dataclass(frozen=True)
class Figures:
    """By way; `over` are the decibels of the last way over each other one, scan by scan.

    Lost lesions are of a thousand that were planted, invented ones of a thousand slices.
    """

    scans: int
    planted: int
    psnr: dict[str, Figure]
    over: dict[str, Figure]
    ssim: dict[str, Figure]
    lost: dict[str, Figure]
    invented: dict[str, Figure]
    numbers: dict[str, dict[str, Figure]]
    strange: Figure


def figures_of(trials: Sequence[Trial]) -> Figures:
    ways = list(trials[0].by_way)
    *others, ours = ways

    def by_way(of: Callable[[Quality], float]) -> dict[str, Figure]:
        return {way: mean_of([of(trial.by_way[way]) for trial in trials]) for way in ways}

    return Figures(
        scans=len(trials),
        planted=sum(trial.planted for trial in trials),
        psnr=by_way(lambda one: one.psnr),
        over={way: mean_of([_more(trial, ours, way) for trial in trials]) for way in others},
        ssim=by_way(lambda one: one.ssim),
        lost={way: _lost(trials, way) for way in ways},
        invented={way: mean_of([1000 * each.by_way[way].invented / each.slices for each in trials]) for way in ways},
        numbers={name: {way: _known(trials, way, name) for way in ways} for name in trials[0].by_way[ours].numbers},
        strange=share_of([trial.strange for trial in trials]),
    )


def _more(trial: Trial, way: str, other: str) -> float:
    return trial.by_way[way].psnr - trial.by_way[other].psnr


def _known(trials: Sequence[Trial], way: str, name: str) -> Figure:
    """Of scans where it can be measured."""
    values = [trial.by_way[way].numbers[name] for trial in trials]
    return mean_of([value for value in values if np.isfinite(value)])


def _lost(trials: Sequence[Trial], way: str) -> Figure:
    """Scans are what is drawn again, whose lesions go together."""
    counts = np.array([(trial.by_way[way].lost, trial.planted) for trial in trials], np.float64)
    return bootstrap_values(counts, lambda drawn: _of_thousand(drawn.sum(axis=0)))


def _of_thousand(sums: NDArray[np.float64]) -> float:
    lost, planted = sums
    return float(1000 * lost / planted) if planted else float("nan")
