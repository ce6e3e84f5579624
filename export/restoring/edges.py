"""A disc on slices in, how sharp its edge is out: the frequency at which a tenth of the contrast is left."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import tukey

Floats = NDArray[np.float32]
_STEP_SHARE = 0.2  # of a pixel: places on the edge are told apart so finely
_REACH_MM = 7.0
_LEFT = 0.1


def mtf10_per_mm(slices: Floats, middle_yx: tuple[float, float], radius_mm: float, pixel_mm: float) -> float:
    """Of the disc of this radius around a place (row, column), which is the same on all slices [n, rows, columns]."""
    rows, columns = slices.shape[1:]
    y, x = np.mgrid[:rows, :columns]
    away = np.hypot(y - middle_yx[0], x - middle_yx[1]) * pixel_mm - radius_mm
    near = np.abs(away) < min(_REACH_MM, radius_mm)
    step = _STEP_SHARE * pixel_mm
    places = np.broadcast_to(away, slices.shape)[:, near].ravel()
    return _falls(_profile(places, slices[:, near].ravel(), step), step)


def _profile(places: NDArray[np.float64], values: Floats, step: float) -> NDArray[np.float64]:
    """Across the edge, evenly sampled."""
    bins = np.rint((places - places.min()) / step).astype(int)
    counts = np.bincount(bins)
    sums = np.bincount(bins, weights=values)
    known = counts > 0
    return np.interp(np.arange(len(counts)), np.flatnonzero(known), sums[known] / counts[known])


def _falls(edge: NDArray[np.float64], step: float) -> float:
    line = np.gradient(edge) * tukey(len(edge), 0.5)
    size = 8 * len(line)
    spectrum = np.abs(np.fft.rfft(line, size))
    spectrum /= spectrum[0] if spectrum[0] else 1
    below = np.flatnonzero(spectrum < _LEFT)
    if not len(below) or not below[0]:
        return float("nan")
    first = int(below[0])
    before, after = spectrum[first - 1], spectrum[first]
    return float((first - 1 + (before - _LEFT) / (before - after)) / (size * step))
