"""What the network is held against: a Gaussian in three dimensions, as wide as does best on each scan."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float32]
_WIDTHS_MM = np.arange(1.0, 12.0, 0.5)
_TO_SIGMA = 1 / 2.355


def best_gaussian(
    noisy: Floats, clean: Floats, step_mm: tuple[float, float, float], within: NDArray[np.bool_]
) -> Floats:
    """It is told how the scan should look `within` the head, and so which width does best; nobody could know that."""
    made = [_smoothed(noisy, float(width), step_mm) for width in _WIDTHS_MM]
    return min(made, key=lambda each: float(np.square(each - clean)[within].mean()))


def _smoothed(noisy: Floats, width_mm: float, step_mm: tuple[float, float, float]) -> Floats:
    return np.asarray(gaussian_filter(noisy, [width_mm * _TO_SIGMA / step for step in step_mm]), np.float32)
