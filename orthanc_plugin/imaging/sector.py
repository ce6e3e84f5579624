"""An ultrasound image in, what of it is an echo out: the sector without the text, marks and colours of the machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_fill_holes, uniform_filter
from skimage.measure import label

# ITU-R BT.601, as PS3.3 C.7.6.3.1.2 has it for YBR: how bright a colour looks.
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
# An echo is brighter than this share of the brightest; a square of the sector is full of them, one of text is not.
ECHO_SHARE, SQUARE_PX, FULL = 0.03, 15, 0.6
# Colours of flow and of coloured text differ between their channels by more than lossy compression makes grey differ.
COLOUR_SHARE = 0.12
# What was drawn is white, covers so many pixels, and its surroundings are darker by so much.
STROKE_LEAST_PX, DARKER_SHARE = 12, 0.3
STROKE_PX, AROUND_PX = 7, 3
# Smaller than this no image was acquired.
LEAST_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Sector:
    """`grey_yx` is the whole image; `inside_yx` is true where it is an echo that nothing was drawn on."""

    grey_yx: NDArray[np.float32]
    inside_yx: NDArray[np.bool_]

    @property
    def rows(self) -> tuple[int, int]:
        """From the first to the last row of the sector, the last not included; (0, 0) where there is none."""
        found = np.flatnonzero(self.inside_yx.any(axis=1))
        return (int(found[0]), int(found[-1]) + 1) if found.size else (0, 0)


def sector(pixels: NDArray[np.float32]) -> Sector:
    """`pixels` are (rows, columns) or (rows, columns, RGB). Without a sector nothing is inside."""
    grey = grey_of(pixels)
    whole = _whole(grey)
    return Sector(grey, whole & ~_drawn(grey) & ~_coloured(pixels) if whole.any() else whole)


def grey_of(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(pixels @ LUMINANCE if pixels.ndim == 3 else pixels, np.float32)


def _whole(grey: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The largest part that is full of echoes, with its dark vessels."""
    least, brightest = float(grey.min()), float(np.percentile(grey, 99.8))
    echoes = (grey > least + ECHO_SHARE * (brightest - least)).astype(np.float32)
    parts = label(uniform_filter(echoes, SQUARE_PX) > FULL)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    if sizes.max(initial=0) < LEAST_SHARE * grey.size:
        return np.zeros(grey.shape, bool)
    return np.asarray(binary_fill_holes(parts == sizes.argmax()), bool)


def _drawn(grey: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Letters, calipers and arrows: white, thin, on something darker, longer than a grain of speckle."""
    least, brightest = float(grey.min()), float(grey.max())
    spread = max(brightest - least, 1e-6)
    thin = (grey > least + 0.97 * spread) & (uniform_filter(grey, STROKE_PX) < brightest - DARKER_SHARE * spread)
    parts = label(thin, connectivity=2)
    large = np.bincount(parts.ravel()) >= STROKE_LEAST_PX
    large[0] = False
    return np.asarray(binary_dilation(large[parts], iterations=AROUND_PX))


def _coloured(pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    if pixels.ndim == 2:
        return np.zeros(pixels.shape, bool)
    apart = np.ptp(pixels, axis=-1) > COLOUR_SHARE * max(float(pixels.max()), 1e-6)
    return np.asarray(uniform_filter(apart.astype(np.float32), 5) > 0.2)
