"""The plane of a mammogram: a window in millimetres goes in, coordinates and noise on its pixels come out.

x runs from the chest wall to the nipple, y downwards; a right breast is mirrored only when it is stored.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
HEIGHT_MM, WIDTH_MM = 280.0, 210.0
_TILE = 256  # heights on a side; the noise of an octave repeats after half as many waves


@dataclass(frozen=True)
class Window:
    """Pixels of `pixel_mm` from the corner (top, left); what reaches beyond the detector is drawn all the same."""

    top_mm: float
    left_mm: float
    rows: int
    columns: int
    pixel_mm: float

    @classmethod
    def whole(cls, pixel_mm: float) -> "Window":
        return cls(0.0, 0.0, round(HEIGHT_MM / pixel_mm), round(WIDTH_MM / pixel_mm), pixel_mm)

    @cached_property
    def x(self) -> Floats:
        """(1, columns)."""
        return ((np.arange(self.columns, dtype=np.float32) + 0.5) * self.pixel_mm + self.left_mm)[None, :]

    @cached_property
    def y(self) -> Floats:
        """(rows, 1)."""
        return ((np.arange(self.rows, dtype=np.float32) + 0.5) * self.pixel_mm + self.top_mm)[:, None]


@dataclass(frozen=True)
class Texture:
    """Noise whose power falls with the frequency; the same seed is the same texture in every window.

    `waves_mm` are its octaves from the longest on; each is weaker than the one before by `fall`.
    """

    seed: tuple[int, ...]
    waves_mm: tuple[float, ...]
    fall: float

    def on(self, window: Window) -> Floats:
        """Mean 0, deviation about 1; octaves finer than the pixels are left out."""
        total = np.zeros((window.rows, window.columns), np.float32)
        weights = np.float64(self.fall) ** np.arange(len(self.waves_mm))
        weights /= np.sqrt((weights**2).sum())
        for number, (wave, weight) in enumerate(zip(self.waves_mm, weights, strict=True)):
            if wave >= 1.5 * window.pixel_mm:
                total += np.float32(weight) * lattice(window, wave, (*self.seed, number))
        return total


def lattice(window: Window, wave_mm: float, seed: tuple[int, ...]) -> Floats:
    """One octave: random heights half a wave apart, smooth between them, deviation 1."""
    step = wave_mm / 2
    heights = np.random.default_rng(seed).standard_normal((_TILE, _TILE), dtype=np.float32)
    down, rows = _spline(window.y[:, 0], step)
    across, columns = _spline(window.x[0], step)
    made = np.asarray(down @ heights[np.ix_(rows, columns)] @ across.T, np.float32)
    return made * np.float32(2.1)  # a cubic spline of white noise has a deviation of 0.48


def _spline(places_mm: Floats, step: float) -> tuple[Floats, NDArray[np.intp]]:
    """Weights (place, height) of cubic B-splines, and which heights of the tile they are for."""
    at = places_mm / step
    whole = np.floor(at).astype(int)
    t = at - whole
    first, last = int(whole.min()) - 1, int(whole.max()) + 3
    four = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    weights = np.zeros((len(at), last - first), np.float32)
    for place in range(4):
        weights[np.arange(len(at)), whole - 1 + place - first] = four[:, place]
    return weights, np.arange(first, last) % _TILE
