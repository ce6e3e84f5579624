"""A slice without noise in, the noise that few photons leave in it out, as filtered back projection spreads it.

What a detector misses it misses along a whole ray. So noise is drawn direction by direction: of each direction it is
as strong as the rays there are weak, and all that a direction adds lies along its own frequencies.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from export.phantoms.canvas import Floats

_WATER_PER_MM = 0.0193
_DIRECTIONS = 16
_COARSE_MM = 3.2
_MIDDLE_MM = 40.0
_FLATTER = 1.6
"""How much weaker the beam is at the edge of the body, where the filter in front of the tube takes most of it."""
_EDGE_MM = 200.0


@dataclass(frozen=True)
class Dose:
    """`share` of the usual photons; `electronic` is the share of the electronics in the noise of the usual dose."""

    share: float
    electronic: float


@dataclass(frozen=True)
class Grain:
    """`noise_hu` is that of the body's middle at the usual dose; the rest is what the kernel makes of it."""

    noise_hu: float
    slope: float
    cutoff_per_mm: float


def noise(hu: Floats, pixel_mm: float, grain: Grain, dose: Dose, rng: np.random.Generator) -> Floats:
    """Of square slices."""
    rows = len(hu)
    axis = ((np.arange(rows) - (rows - 1) / 2) * pixel_mm).astype(np.float32)
    spectrum = scipy.fft.rfft2(rng.standard_normal((rows, rows), dtype=np.float32))
    down, across = np.fft.fftfreq(rows, pixel_mm)[:, None], np.fft.rfftfreq(rows, pixel_mm)[None, :]
    spectrum *= _response(np.hypot(down, across), grain, pixel_mm)
    turn = np.arctan2(down, across) % np.pi
    weakness = [_weakness(hu, pixel_mm, angle) for angle in _angles()]
    usual = float(np.mean([values[np.abs(places) < _MIDDLE_MM].mean() for places, values in weakness]))
    made = np.zeros_like(hu)
    for angle, (places, values) in zip(_angles(), weakness, strict=True):
        variance = values / usual / dose.share
        variance = variance + dose.electronic * variance**2
        wedge = np.sqrt(np.clip(1 - _apart(turn, angle) / (np.pi / _DIRECTIONS), 0, None)).astype(np.float32)
        along = np.float32(np.cos(angle)) * axis[None, :] + np.float32(np.sin(angle)) * axis[:, None]
        strength = np.interp(along, places, np.sqrt(variance)).astype(np.float32)
        made += strength * scipy.fft.irfft2(spectrum * wedge, s=(rows, rows))
    return made * np.float32(grain.noise_hu)


def _angles() -> NDArray[np.float64]:
    """Of the axes of the detector, to which the rays stand upright."""
    return np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS


def _apart(turn: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    away = np.abs(turn - angle)
    return np.minimum(away, np.pi - away)


def _response(frequency: NDArray[np.float64], grain: Grain, pixel_mm: float) -> Floats:
    """What makes white noise the kernel's, of deviation 1 where the grid is fine enough."""
    cutoff, slope = grain.cutoff_per_mm, grain.slope
    radial = np.linspace(0, 3 * cutoff, 600)
    power = _shape(radial, slope, cutoff) ** 2 * 2 * np.pi * radial
    deviation = float(np.sqrt(np.trapezoid(power, radial))) * pixel_mm
    return (_shape(frequency, slope, cutoff) / deviation).astype(np.float32)


def _shape(frequency: NDArray[np.float64], slope: float, cutoff: float) -> NDArray[np.float64]:
    return np.asarray((frequency + 0.01) ** slope * np.exp(-((frequency / cutoff) ** 2)))


def _weakness(hu: Floats, pixel_mm: float, angle: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How many times fewer photons come through than went in, by the place on the detector."""
    step = max(round(_COARSE_MM / pixel_mm), 1)
    count = len(hu) // step
    coarse = hu[: count * step, : count * step].reshape(count, step, count, step).mean(axis=(1, 3), dtype=np.float64)
    weaker = np.clip(1 + coarse / 1000, 0, None) * _WATER_PER_MM
    cell_mm = step * pixel_mm
    axis = (np.arange(count) + 0.5) * cell_mm - len(hu) * pixel_mm / 2
    along = np.cos(angle) * axis[None, :] + np.sin(angle) * axis[:, None]
    reach = int(np.ceil(count * 0.75))
    cells = np.clip(np.rint(along / cell_mm).astype(int) + reach, 0, 2 * reach)
    passed = np.bincount(cells.ravel(), weights=weaker.ravel(), minlength=2 * reach + 1) * cell_mm
    places = np.asarray((np.arange(2 * reach + 1) - reach) * cell_mm, np.float64)
    filtered = _FLATTER * (places / _EDGE_MM) ** 2
    return places, np.exp(gaussian_filter1d(passed, 1.0) + np.minimum(filtered, _FLATTER * 2))
