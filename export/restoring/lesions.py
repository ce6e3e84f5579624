"""An image, how it should be, and what was planted in it in; what is lost of that and what was invented out.

Both are asked by the same small eye: an image is smoothed over about the size of the smallest lesion, and what then
differs from what lies around it by half the contrast of a lesion is seen.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, label

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
_SEEN_SHARE = 0.5
_RING_MM = (2.0, 6.0)


@dataclass(frozen=True)
class Planted:
    """On one slice: where it lies, and how much brighter than what is around it."""

    mask: Mask
    contrast: float


def contrast_of(image: Floats, planted: Planted, pixel_mm: float, free: Mask) -> float:
    """Of the lesion beside a ring of what is `free` around it."""
    near, far = (_grown(planted.mask, mm, pixel_mm) for mm in _RING_MM)
    ring = far & ~near & free
    if not ring.any():
        return float("nan")
    return float(image[planted.mask].mean() - np.median(image[ring]))


def lost(image: Floats, planted: Planted, pixel_mm: float, free: Mask) -> bool:
    """Less than half of its contrast is left."""
    found = contrast_of(image, planted, pixel_mm, free)
    return bool(found * np.sign(planted.contrast) < _SEEN_SHARE * abs(planted.contrast))


@dataclass(frozen=True)
class Eye:
    """Sees blobs of this size that differ by this much from how it should be."""

    size_mm: float
    contrast: float

    def invented(self, image: Floats, truth: Floats, within: Mask, pixel_mm: float) -> int:
        """How many blobs there are within an even organ that should not be there."""
        sigma = self.size_mm / 2.355 / pixel_mm
        apart = np.where(within, image - truth, 0).astype(np.float32)
        weight = gaussian_filter(within.astype(np.float32), sigma)
        smooth = gaussian_filter(apart, sigma) / np.maximum(weight, 0.25)
        least = np.pi / 4 * (self.size_mm / 2 / pixel_mm) ** 2
        return sum(_parts(within & (sign * smooth > self.contrast), least) for sign in (1, -1))


def _parts(mask: Mask, least: float) -> int:
    parts, count = label(mask)
    if not count:
        return 0
    return int((np.bincount(parts.ravel())[1:] >= least).sum())


def _grown(mask: Mask, mm: float, pixel_mm: float) -> Mask:
    steps = max(round(mm / pixel_mm), 1)
    return np.asarray(binary_dilation(mask, iterations=steps))
