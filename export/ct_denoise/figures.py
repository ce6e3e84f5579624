"""Trials in, the figures of the report out: decibels, bias, edges, lesions lost and invented."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from export.ct_denoise.trial import NON_LOCAL, OURS, RODS_HU, SLICES, SOURCE, TISSUES, WAYS, Quality, Trial
from export.evaluation.statistics import Figure, bootstrap_values, mean_of, share_of


@dataclass(frozen=True)
class Figures:
    """Of ways (`WAYS`) by name. `bias` is by tissue, `edges` by a rod's contrast: how many times the frequency at which
    a tenth of it is left is that of the images without noise. Lost lesions are of a thousand that were planted,
    invented ones of a thousand slices.
    """

    scans: int
    planted: int
    psnr: dict[str, Figure]
    over_non_local: Figure
    over_source: Figure
    ssim: dict[str, Figure]
    bias: dict[str, dict[str, Figure]]
    edges: dict[str, dict[str, Figure]]
    lost: dict[str, Figure]
    invented: dict[str, Figure]
    strange: Figure


def figures_of(trials: Sequence[Trial]) -> Figures:
    def by_way(of: Callable[[Quality], float]) -> dict[str, Figure]:
        return {way: mean_of([of(trial.by_way[way]) for trial in trials]) for way in WAYS}

    return Figures(
        scans=len(trials),
        planted=sum(trial.planted for trial in trials),
        psnr=by_way(lambda one: one.psnr),
        over_non_local=_more(trials, NON_LOCAL),
        over_source=_more(trials, SOURCE),
        ssim=by_way(lambda one: one.ssim),
        bias={tissue: _biases(trials, tissue) for tissue in TISSUES},
        edges={f"{contrast:g} HU": _edges(trials, contrast) for contrast in RODS_HU},
        lost={way: _lost(trials, way) for way in WAYS},
        invented={way: mean_of([1000 * trial.by_way[way].invented / SLICES for trial in trials]) for way in WAYS},
        strange=share_of([trial.strange for trial in trials]),
    )


def _more(trials: Sequence[Trial], other: str) -> Figure:
    """Decibels, scan by scan."""
    return mean_of([trial.by_way[OURS].psnr - trial.by_way[other].psnr for trial in trials])


def _biases(trials: Sequence[Trial], tissue: str) -> dict[str, Figure]:
    """Of scans that have it."""
    found = {way: [trial.by_way[way].bias[tissue] for trial in trials] for way in WAYS}
    return {way: mean_of([value for value in values if np.isfinite(value)]) for way, values in found.items()}


def _edges(trials: Sequence[Trial], contrast: float) -> dict[str, Figure]:
    """Where the edge of the images without noise can be measured."""
    having = [trial for trial in trials if np.isfinite(trial.sharp.get(contrast, np.nan))]

    def share(trial: Trial, way: str) -> float:
        return trial.by_way[way].mtf10[contrast] / trial.sharp[contrast]

    return {way: mean_of([value for trial in having if np.isfinite(value := share(trial, way))]) for way in WAYS}


def _lost(trials: Sequence[Trial], way: str) -> Figure:
    """Scans are what is drawn again, whose lesions go together."""
    counts = np.array([(trial.by_way[way].lost, trial.planted) for trial in trials], np.float64)
    return bootstrap_values(counts, lambda drawn: _of_thousand(drawn.sum(axis=0)))


def _of_thousand(sums: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    lost, planted = sums
    return float(1000 * lost / planted) if planted else float("nan")


def worst_bias(of: Mapping[str, Mapping[str, Figure]]) -> float:
    """Of our answer in the tissue where it is largest, without its sign."""
    return max(abs(ways[OURS].value) for ways in of.values() if np.isfinite(ways[OURS].value))
