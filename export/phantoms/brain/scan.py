"""A head in, its four series as a scanner makes them out: each on a grid of its own, in one space or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from export.phantoms.brain import SERIES, TUMOUR
from export.phantoms.brain.anatomy import (
    NECROSIS,
    TISSUES,
    Floats,
    Head,
    Labels,
    Random,
)

# How bright each tissue is, in the order of `TISSUES`.
_BRIGHT: Mapping[str, tuple[int, ...]] = {
    "t1": (0, 220, 15, 70, 30, 85, 120, 95, 60, 72, 45, 102, 48, 82, 78),
    "t1c": (0, 220, 15, 80, 30, 90, 122, 98, 190, 178, 47, 103, 52, 185, 80),
    "t2": (0, 125, 15, 55, 240, 138, 98, 118, 30, 190, 212, 152, 205, 150, 180),
    "flair": (0, 100, 15, 52, 28, 138, 108, 116, 38, 100, 66, 178, 118, 165, 186),
}
_PART_MM = 2.0
_EXTENT_MM = (168.0, 208.0, 168.0)


@dataclass(frozen=True)
class Grid:
    """Slices, rows and columns with their steps in mm; `matrix` takes places of the head to those of the scanner."""

    shape: tuple[int, int, int]
    step_mm: tuple[float, float, float]
    thickness_mm: float
    turn: tuple[float, float, float]
    shift_mm: tuple[float, float, float]

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Of vectors (x, y, z)."""
        made = np.eye(3)
        for axis, angle in enumerate(self.turn):
            cos, sin = np.cos(angle), np.sin(angle)
            first, second = [each for each in range(3) if each != axis]
            one = np.eye(3)
            one[first, first], one[first, second], one[second, first], one[second, second] = cos, -sin, sin, cos
            made = one @ made
        return made

    def places(self, offset_mm: float = 0.0) -> Floats:
        """(3, slices, rows, columns) of z, y, x in the head, so far above the slices' middles."""
        axes = [
            ((np.arange(count) - (count - 1) / 2) * step).astype(np.float32)
            for count, step in zip(self.shape, self.step_mm, strict=True)
        ]
        z, y, x = np.meshgrid(axes[0] + np.float32(offset_mm), axes[1], axes[2], indexing="ij")
        turned = np.tensordot(self.rotation.T, np.stack([x, y, z]), 1)
        moved = turned - np.array(self.shift_mm).reshape(3, 1, 1, 1)
        return np.asarray(moved[::-1], np.float32)

    def coarsened(self, slice_mm: float, pixel_mm: float) -> Grid:
        """Of the same extent, in slices as thick as they are apart."""
        step = (slice_mm, pixel_mm, pixel_mm)
        counts = zip(self.shape, self.step_mm, step, strict=True)
        slices, rows, columns = (round(count * was / now) for count, was, now in counts)
        return replace(self, shape=(slices, rows, columns), step_mm=step, thickness_mm=slice_mm)

    def height_mm(self, place_mm: NDArray[np.float64]) -> float:
        """Of a place x, y, z of the head above the middle of the grid."""
        return float((self.rotation @ (place_mm + np.array(self.shift_mm)))[2])

    def slab(self, middle_mm: float, slices: int) -> Grid:
        """So many of its slices around a height above its middle."""
        up = self.rotation.T @ np.array([0.0, 0.0, middle_mm])
        x, y, z = np.array(self.shift_mm) - up
        return replace(self, shape=(slices, *self.shape[1:]), shift_mm=(float(x), float(y), float(z)))

    def of_shape(self, shape: tuple[int, int, int]) -> Grid:
        """Of the very same extent, in slices as thick as they are apart."""
        pairs = zip(self.shape, self.step_mm, shape, strict=True)
        slice_mm, row_mm, column_mm = (count * was / now for count, was, now in pairs)
        return replace(self, shape=shape, step_mm=(slice_mm, row_mm, column_mm), thickness_mm=slice_mm)


@dataclass(frozen=True)
class Sequence:
    """How one series is acquired; `bias` is how far the coil's sensitivity goes from 1."""

    name: str
    bright: tuple[float, ...]
    noise: float
    blur_mm: float
    bias: float
    scale: float
    seed: tuple[int, ...]


def draw_sequences(rng: Random, seed: int, *, shifted: bool) -> dict[str, Sequence]:
    """`shifted` is another scanner: other contrasts, more noise, a less even coil."""
    spread, by = (0.12, 1.6) if shifted else (0.07, 1.0)
    made = {}
    for number, name in enumerate(SERIES):
        contrast = rng.normal(1.0, 0.5 * spread)
        bright = np.array(_BRIGHT[name], float)
        varied = 110 * (bright / 110) ** contrast * rng.normal(1, spread, len(TISSUES))
        made[name] = Sequence(
            name=name,
            bright=tuple(float(value) for value in np.maximum(varied, 0)),
            noise=float(rng.uniform(3, 8) * by),
            blur_mm=float(rng.uniform(0.5, 0.9)),
            bias=float(rng.uniform(0.05, 0.22) * by),
            scale=float(rng.lognormal(1.0, 0.6)),
            seed=(seed, int(shifted), number),
        )
    return made


def seen(head: Head, grid: Grid) -> tuple[Labels, ...]:
    """The tissues at several heights within each slice, as many as its thickness is of."""
    parts = max(round(grid.thickness_mm / _PART_MM), 1)
    offsets = (np.arange(parts) - (parts - 1) / 2) * grid.thickness_mm / parts
    return tuple(head.tissue(grid.places(float(offset))) for offset in offsets)


def acquired(tissues: tuple[Labels, ...], sequence: Sequence, grid: Grid) -> Floats:
    """In the scanner's own numbers, never negative."""
    bright = np.array(sequence.bright, np.float32)
    values = np.mean([bright[each] for each in tissues], axis=0)
    rng = np.random.default_rng([*sequence.seed, 41])
    values = gaussian_filter(values, [0, *(sequence.blur_mm / step for step in grid.step_mm[1:])])
    values = values * _coil(rng, values.shape, sequence.bias)
    noise = rng.standard_normal((2, *values.shape), np.float32) * np.float32(sequence.noise)
    return np.asarray(np.hypot(values + noise[0], noise[1]) * sequence.scale, np.float32)


def _coil(rng: Random, shape: tuple[int, ...], size: float) -> Floats:
    """Slowly varying over the image."""
    axes = np.meshgrid(*(np.linspace(-1, 1, count, dtype=np.float32) for count in shape), indexing="ij")
    total = sum(float(weight) * axis for weight, axis in zip(rng.normal(0, 1, 3), axes, strict=True))
    bent = sum(float(weight) * axis**2 for weight, axis in zip(rng.normal(0, 1, 3), axes, strict=True))
    return np.asarray(np.exp(size * 0.5 * (total + bent)), np.float32)


def labels(tissues: tuple[Labels, ...]) -> Labels:
    """Parts of the tumour, `TUMOUR` from 1, in the middle of each slice."""
    found = tissues[len(tissues) // 2].astype(np.int16) - (NECROSIS - 1)
    return np.where((found >= 1) & (found <= len(TUMOUR)), found, 0).astype(np.uint8)


def cube(step_mm: float) -> Grid:
    """All of the head in cubes."""
    slices, rows, columns = (round(extent / step_mm) for extent in _EXTENT_MM)
    return Grid((slices, rows, columns), (step_mm, step_mm, step_mm), step_mm, (0, 0, 0), (0, 0, 0))


def draw_grids(rng: Random, *, shifted: bool, moves: bool) -> dict[str, Grid]:
    """T1 in thin slices, the others in thicker ones; with `moves` the head lies anew for some of them."""
    made = {}
    for name in SERIES:
        thin = name in ("t1", "t1c") and rng.random() < 0.6
        step = float(rng.uniform(1.0, 1.5)) if thin else float(rng.choice([3.0, 4.0, 5.0], p=[0.5, 0.3, 0.2]))
        pixel = float(rng.uniform(0.85, 1.1) if not shifted else rng.uniform(0.7, 1.3))
        turn = rng.normal(0, 0.08, 3) if moves and name in ("t2", "flair") else np.zeros(3)
        shift = rng.normal(0, 5, 3) if moves and name in ("t2", "flair") else np.zeros(3)
        made[name] = Grid(
            shape=(round(160 / step), round(224 / pixel), round(180 / pixel)),
            step_mm=(step, pixel, pixel),
            thickness_mm=step,
            turn=(float(turn[0]), float(turn[1]), float(turn[2])),
            shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        )
    return made
