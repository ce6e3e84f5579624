"""Each slice's guess of its distance to mid L3 in, the slice at L3 (or why there is none) out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

# A spread above this between the slices' answers means that they do not agree on where L3 is. Their median is nearer
# than any of them: on whole abdomens of phantoms (the validation's) it then is off by half a vertebra, 18 mm, at times.
SPREAD_MOST_MM = 22.0


@dataclass(frozen=True)
class Level:
    """`slice_index` is None where L3 is not in the volume; `caution` is a sentence, or empty."""

    slice_index: int | None
    spread_mm: float
    caution: str

    def on(self, source_slice: Callable[[int], int | None]) -> Level:
        """The same level on the slices that were acquired; there is none on a series that was not acquired axially."""
        if self.slice_index is None:
            return self
        index = source_slice(self.slice_index)
        if index is None:
            return Level(None, self.spread_mm, "The series is not axial; nothing was measured at L3.")
        return replace(self, slice_index=index)


def locate(offsets_mm: NDArray[np.float32], sigmas_mm: NDArray[np.float32], positions_mm: NDArray[np.float64]) -> Level:
    """`positions_mm` are the slices' places towards the head; `offsets_mm` how far each lies above mid L3."""
    weights = 1.0 / np.square(np.maximum(sigmas_mm.astype(np.float64), 1.0))
    votes = positions_mm - offsets_mm.astype(np.float64)
    level_mm = _weighted_median(votes, weights)
    spread_mm = _weighted_median(np.abs(votes - level_mm), weights) * 1.4826
    if len(votes) == 1:
        spread_mm = float(sigmas_mm[0])
    reach_mm = _half_spacing(positions_mm)
    if not positions_mm.min() - reach_mm <= level_mm <= positions_mm.max() + reach_mm:
        return Level(None, spread_mm, "L3 is not in the field of view; nothing was measured at its level.")
    caution = ""
    if spread_mm > SPREAD_MOST_MM:
        caution = f"The level of L3 is uncertain (spread {spread_mm:.0f} mm); check the slice before using its figures."
    return Level(int(np.argmin(np.abs(positions_mm - level_mm))), spread_mm, caution)


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    whole = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(whole, whole[-1] / 2)])


def _half_spacing(positions_mm: NDArray[np.float64]) -> float:
    """Half the slice spacing; one slice alone counts as L3 when it lies within 10 mm, a good quarter of a vertebra."""
    if len(positions_mm) == 1:
        return 10.0
    return float(np.median(np.abs(np.diff(np.sort(positions_mm))))) / 2
