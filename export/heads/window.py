"""A volume in, the window of cubes that the network is given out, as the node cuts it; and where a head lies in it."""

import numpy as np
from numpy.typing import NDArray

from export.heads.settings import HeadSettings
from orthanc_plugin.inference.resample import Slices

Floats = NDArray[np.float32]
Shape = tuple[int, int, int]
MIDDLE_MM = (0.0, 0.0, -2.0)
"""Of the aligned head in the usual brain: x, y, z."""


def between(values: Floats, lowest: float, highest: float) -> Floats:
    """From 0 to 1 between two percentiles, as a card may ask the node to."""
    low, high = np.percentile(values, (lowest, highest))
    return np.asarray(np.clip((values - low) / max(float(high - low), 1e-6), 0, 1), np.float32)


def window_of(
    values: Floats, shape: Shape, spacing_mm: tuple[float, float, float] | None = None, step_mm: float | None = None
) -> Floats:
    """The middle of the values, brought to cubes where their spacing is given; 0 around them."""
    if spacing_mm is not None and step_mm is not None:
        lengths = [max(round(n * own / step_mm), 1) for n, own in zip(values.shape, spacing_mm, strict=True)]
        values = Slices(values, (lengths[0], lengths[1], lengths[2])).take(0, lengths[0])
    for axis, wanted in enumerate(shape):
        before = corner(wanted, values.shape[axis])
        if before < 0:
            values = np.take(values, range(-before, -before + wanted), axis=axis)
        else:
            around = [(0, 0)] * 3
            around[axis] = (before, wanted - before - values.shape[axis])
            values = np.pad(values, around)
    return np.asarray(values, np.float32)


def corner(wanted: int, length: int) -> int:
    """Where the first of so many cubes lies in the window; negative where they are cut off."""
    return (wanted - length) // 2


def place_of(to_usual: NDArray[np.float64], shape: tuple[int, ...], settings: HeadSettings) -> Floats:
    """From the aligned head to the window, both from -1 to 1 (3, 4); `to_usual` is from mm around the middle of cubes
    of this shape to mm of the usual brain.
    """
    turned = np.linalg.inv(to_usual[:, :3])
    half_mm = np.array(settings.aligned_mm)
    in_mm = np.column_stack([turned @ np.diag(half_mm), turned @ (np.array(MIDDLE_MM) - to_usual[:, 3])])
    window, own = np.array(settings.window[::-1]), np.array(shape[::-1])
    corners = np.array([corner(wanted, length) for wanted, length in zip(window, own, strict=True)])
    scale = 2 / (window * settings.step_mm)
    middle = (own + 2 * corners) / window - 1
    in_mm[:, 3] = in_mm[:, 3] * scale + middle
    in_mm[:, :3] = in_mm[:, :3] * scale[:, None]
    return in_mm.astype(np.float32)
