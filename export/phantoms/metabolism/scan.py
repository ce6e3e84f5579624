"""A PET scanner and one injection: a random state in, resolution, noise, scale and position out, and what it measures.

What is reconstructed by filtered back projection has as much noise everywhere, and negative numbers; what is
reconstructed iteratively has more where there is more.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from export.phantoms.brain.anatomy import Floats, Random
from export.phantoms.brain.scan import Grid

Reconstruction = Literal["OSEM", "FBP"]
_TO_SIGMA = 1 / 2.355
_HAZE_MM, _LOCAL_MM = 45.0, 9.0
_HALF_LIFE_MINUTES = 109.77
_GREY_SUV = 0.072  # of one in a hundred parts of grey matter, about, an hour after the injection


@dataclass(frozen=True)
class Injection:
    """`minutes` from it to the scan; `factor` is the patient's own, by sugar in the blood and what nobody knows."""

    weight_kg: float
    dose_mbq: float
    minutes: float
    factor: float

    @property
    def bqml(self) -> float:
        """Of one part of a hundred of the usual grey matter, corrected for decay to the scan's start."""
        return _GREY_SUV * self.factor * self.bqml_of_suv

    @property
    def bqml_of_suv(self) -> float:
        """What an SUV of one is, by body weight."""
        left = 2 ** (-self.minutes / _HALF_LIFE_MINUTES)
        return self.dose_mbq * 1e6 * left / (self.weight_kg * 1e3)


@dataclass(frozen=True)
class Scanner:
    """`fwhm_mm` is its resolution in all directions, `grain_mm` that of its noise, of which a voxel of grey matter has
    the share `noise`. `haze` is scatter that was left, `uneven` how far attenuation was misjudged.
    """

    grid: Grid
    reconstruction: Reconstruction
    fwhm_mm: float
    grain_mm: float
    noise: float
    haze: float
    uneven: float
    minutes: float

    def cubes(self, step_mm: float) -> Grid:
        """Of the same extent, in the same place."""
        shape = [max(round(count * step / step_mm), 1) for count, step in
                 zip(self.grid.shape, self.grid.step_mm, strict=True)]  # fmt: skip
        return replace(self.grid, shape=(shape[0], shape[1], shape[2]), step_mm=(step_mm,) * 3, thickness_mm=step_mm)


def draw_injection(rng: Random, *, shifted: bool) -> Injection:
    weight = float(np.clip(rng.normal(72, 14), 42, 125))
    per_kg = float(rng.uniform(2.2, 4.2)) if shifted else float(rng.uniform(2.8, 5.2))
    minutes = float(rng.uniform(42, 95)) if shifted else float(rng.uniform(30, 65))
    return Injection(weight, per_kg * weight, minutes, float(np.exp(rng.normal(0, 0.22))))


def draw_scanner(rng: Random, *, shifted: bool) -> Scanner:
    """`shifted` is another one: sharper or coarser than those usual, noisier, other voxels, heads that lie askew."""
    if shifted:
        fwhm = float(rng.uniform(4.4, 5.2) if rng.random() < 0.5 else rng.uniform(7.6, 8.6))
        pixel, slices = float(rng.uniform(1.6, 2.0)), float(rng.uniform(3.0, 4.25))
    else:
        fwhm, pixel, slices = float(rng.uniform(5.2, 7.4)), float(rng.uniform(2.0, 2.7)), float(rng.uniform(2.0, 3.3))
    filtered = bool(rng.random() < (0.5 if shifted else 0.2))
    high, wide = float(rng.uniform(158, 215)), float(rng.uniform(240, 290))
    spare = 0.4 * (high - 150)
    turn = rng.normal(0, (0.09, 0.05, 0.06)) * (1.4 if shifted else 1.0)
    aside, back = (float(each) for each in rng.normal(0, (4, 7)))
    return Scanner(
        grid=Grid(
            shape=(round(high / slices), round(wide / pixel), round(wide / pixel)),
            step_mm=(slices, pixel, pixel),
            thickness_mm=slices,
            turn=(float(turn[0]), float(turn[1]), float(turn[2])),
            shift_mm=(aside, back, 5 + float(rng.uniform(-spare, spare))),
        ),
        reconstruction="FBP" if filtered else "OSEM",
        fwhm_mm=fwhm,
        grain_mm=fwhm * float(rng.uniform(0.65, 0.95)),
        noise=float(rng.uniform(0.03, 0.075)) * (1.6 if shifted else 1.0),
        haze=float(rng.uniform(0.0, 0.06)),
        uneven=float(rng.uniform(0.01, 0.04)) * (1.5 if shifted else 1.0),
        minutes=float(rng.choice([10, 15, 20])),
    )


def measured(uptake: Floats, scanner: Scanner, grid: Grid, rng: Random) -> Floats:
    """`uptake` in parts of a hundred on the grid; the same, as the scanner has it."""
    return counted(resolved(uptake, scanner, grid, rng), scanner, grid, rng)


def resolved(uptake: Floats, scanner: Scanner, grid: Grid, rng: Random) -> Floats:
    """As it would be seen with endless counts."""
    seen = _blurred(uptake, scanner.fwhm_mm, grid)
    seen = seen + np.float32(scanner.haze) * _blurred(uptake, _HAZE_MM, grid)
    return np.asarray(seen * _uneven(rng, grid, scanner.uneven), np.float32)


def counted(seen: Floats, scanner: Scanner, grid: Grid, rng: Random) -> Floats:
    """With the noise of what was counted."""
    grain = _blurred(rng.standard_normal(grid.shape, np.float32), scanner.grain_mm, grid)
    grain *= np.float32(scanner.noise / max(float(grain.std()), 1e-6))
    if scanner.reconstruction == "FBP":
        return np.asarray(seen + 80 * grain, np.float32)
    local = np.maximum(_blurred(seen, _LOCAL_MM, grid), 0)
    return np.asarray(np.maximum(seen + 8 * np.sqrt(local) * grain, 0), np.float32)


def _blurred(values: Floats, fwhm_mm: float, grid: Grid) -> Floats:
    return np.asarray(gaussian_filter(values, [fwhm_mm * _TO_SIGMA / step for step in grid.step_mm]), np.float32)


def _uneven(rng: Random, grid: Grid, size: float) -> Floats:
    """Slowly varying, most of it from one side to the other, as where the head has moved since the CT."""
    axes = np.meshgrid(*(np.linspace(-1, 1, count, dtype=np.float32) for count in grid.shape), indexing="ij")
    tilt = sum(float(weight) * axis for weight, axis in zip(rng.normal(0, 1, 3), axes, strict=True))
    bent = sum(float(weight) * axis**2 for weight, axis in zip(rng.normal(0, 1, 3), axes, strict=True))
    return np.asarray(np.exp(size * (tilt + bent)), np.float32)
