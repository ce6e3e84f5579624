"""Grey values in, how they lie beside one another out: equalised, filtered, counted in pairs, four numbers of that."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter
from skimage.exposure import equalize_hist
from skimage.feature import graycomatrix

Floats = NDArray[np.float64]
# Neighbours to the right, up to the right, above, up to the left (and, as matrices are symmetric, their opposites).
ANGLES = (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)


def equalised(grey_yx: NDArray[np.float32], inside_yx: NDArray[np.bool_]) -> Floats:
    """From 0 to 1, each value as the share of the pixels inside that are not brighter; 0 outside."""
    if not inside_yx.any():
        return np.zeros(grey_yx.shape)
    spread = np.asarray(equalize_hist(grey_yx, mask=inside_yx), np.float64)
    return np.where(inside_yx, spread, 0.0)


def local_range(values_yx: Floats, size: int) -> Floats:
    """The largest less the least value in the square of `size` pixels around each."""
    return np.asarray(maximum_filter(values_yx, size) - minimum_filter(values_yx, size))


def levels(values_yx: Floats, count: int) -> NDArray[np.uint8]:
    """Values from 0 to 1 as whole levels from 0 to `count` - 1, each as wide as the others."""
    return np.clip(np.floor(values_yx * count), 0, count - 1).astype(np.uint8)


def cooccurrence(levels_yx: NDArray[np.uint8], count: int, distance: int) -> Floats:
    """How often level i lies beside level j, symmetric, the mean of the four directions; it sums to 1."""
    counted = graycomatrix(levels_yx, [distance], ANGLES, levels=count, symmetric=True, normed=True)
    return np.asarray(counted[:, :, 0, :].mean(axis=-1))


def features(matrix: Floats) -> Mapping[str, float]:
    """Haralick's names; levels count from 1.

    With p(i, j) the matrix, m its mean level and s = i + j: autocorrelation is the mean of i j, sum of squares that of
    (i - m)², sum average that of s, sum variance that of (s - sum average)².
    """
    rows, columns = (axis + 1.0 for axis in np.indices(matrix.shape))
    total = rows + columns
    mean = float((matrix * rows).sum())
    sum_average = float((matrix * total).sum())
    return {
        "autocorrelation": float((matrix * rows * columns).sum()),
        "sum-of-squares": float((matrix * (rows - mean) ** 2).sum()),
        "sum-average": sum_average,
        "sum-variance": float((matrix * (total - sum_average) ** 2).sum()),
    }
