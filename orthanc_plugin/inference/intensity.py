"""The intensities that a card asks for and an image in, the scaling that does it to any part of that image out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.routing.network import Intensity, Percentile, Scale, Untouched, Window, ZScore

# A percentile of a few million voxels, taken evenly, is that of all of them as far as anyone can tell.
SAMPLE_MOST = 4_000_000
# An image that is one value everywhere has no spread to be divided by; it becomes 0.
SPREAD_LEAST = 1e-6


@dataclass(frozen=True)
class Scaling:
    """Values are kept between `lowest` and `highest`, then shifted by `shift` and multiplied by `factor`."""

    lowest: float = -np.inf
    highest: float = np.inf
    shift: float = 0.0
    factor: float = 1.0

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        if self == UNTOUCHED:
            return values
        kept = np.clip(values, np.float32(self.lowest), np.float32(self.highest))
        kept -= np.float32(self.shift)
        kept *= np.float32(self.factor)
        return kept

    def undone(self, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the numbers were before, but for what was cut off; an image of one value everywhere has it again."""
        inverse = 1 / self.factor if self.factor else 0.0
        return scaled * np.float32(inverse) + np.float32(self.shift)


UNTOUCHED = Scaling()


def scaling(intensity: Intensity, values: NDArray[np.float32]) -> Scaling:
    """`values` are the whole image: what is asked of its statistics holds for all of its slices and patches."""
    match intensity:
        case Window():
            return _between(intensity.lowest, intensity.highest)
        case Percentile():
            lowest, highest = np.percentile(_sample(values), (intensity.lowest, intensity.highest))
            return _between(float(lowest), float(highest))
        case ZScore():
            counted = values if intensity.above is None else values[values > intensity.above]
            if not counted.size:
                return Scaling(factor=0.0)
            spread = float(counted.std(dtype=np.float64))
            return Scaling(shift=float(counted.mean(dtype=np.float64)), factor=_inverse(spread))
        case Scale():
            lowest = -np.inf if intensity.lowest is None else intensity.lowest
            highest = np.inf if intensity.highest is None else intensity.highest
            if intensity.factor == 0:
                return Scaling(lowest, highest, factor=0.0)
            return Scaling(lowest, highest, -intensity.shift / intensity.factor, intensity.factor)
        case Untouched():
            return UNTOUCHED


def _between(lowest: float, highest: float) -> Scaling:
    return Scaling(lowest, highest, lowest, _inverse(highest - lowest))


def _inverse(spread: float) -> float:
    return 1 / spread if spread > SPREAD_LEAST else 0.0


def _sample(values: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = values.reshape(-1)
    return flat[:: -(-flat.size // SAMPLE_MOST)]
