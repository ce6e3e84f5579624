"""Places of a head in, how bright each is out: structures painted over one another, their borders shared by voxels."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from export.phantoms.brain.anatomy import Floats

Vector = tuple[float, float, float]
Mask = NDArray[np.bool_]
Depths = NDArray[np.floating[Any]]


@dataclass(eq=False)
class Canvas:
    """`x`, `y`, `z` in mm of each place: to the patient's left, to the back, up; `values` is what was painted there.

    A voxel of `voxel_mm` that a border runs through takes its share of both sides. `hippocampus` is that structure's
    share of each voxel.
    """

    x: Floats
    y: Floats
    z: Floats
    voxel_mm: float
    values: Floats
    hippocampus: Floats

    @classmethod
    def blank(cls, places_zyx: Floats, voxel_mm: float) -> Self:
        z, y, x = (np.ascontiguousarray(axis.reshape(-1)) for axis in places_zyx)
        return cls(x, y, z, voxel_mm, np.zeros_like(x), np.zeros_like(x))

    def paint(self, bright: float, depth_mm: Depths) -> Floats:
        """Where `depth_mm` below a surface is positive; gives the share of each voxel."""
        share = np.asarray(np.clip(0.5 + depth_mm / np.float32(self.voxel_mm), 0, 1), np.float32)
        self.values += share * (np.float32(bright) - self.values)
        self.hippocampus -= share * self.hippocampus
        return share

    def part(self, within: Mask) -> "Part":
        return Part(self, np.flatnonzero(within))

    def box(self, middle: Vector, half: Vector) -> Mask:
        """x, y, z of a box around a place."""
        (a, b, c), (wide, long, high) = middle, half
        return (abs(self.x - a) < wide) & (abs(self.y - b) < long) & (abs(self.z - c) < high)

    def ball(self, middle: Vector, half: Vector) -> Floats:
        """How many mm below the surface of an ellipsoid, near that surface exactly."""
        (a, b, c), (wide, long, high) = middle, half
        u, v, w = (self.x - a) / wide, (self.y - b) / long, (self.z - c) / high
        radius = np.sqrt(u * u + v * v + w * w) + np.float32(1e-6)
        slope = np.sqrt((u / wide) ** 2 + (v / long) ** 2 + (w / high) ** 2) / radius
        return np.asarray((1 - radius) / np.maximum(slope, 1e-4), np.float32)

    def tube(self, line: Sequence[Vector], radii: Sequence[float]) -> Floats:
        """How many mm below the surface of a bent tube, whose radius goes evenly from each point to the next."""
        deepest = np.full(self.x.shape, -np.inf, np.float32)
        for (start, end), (first, last) in zip(pairwise(line), pairwise(radii), strict=True):
            along = np.subtract(end, start).astype(np.float32)
            from_start = (self.x - start[0], self.y - start[1], self.z - start[2])
            share = sum(step * away for step, away in zip(along, from_start, strict=True)) / np.float32(along @ along)
            share = np.clip(share, 0, 1)
            off = (away - share * step for step, away in zip(along, from_start, strict=True))
            away_mm = np.sqrt(sum(each * each for each in off))
            np.maximum(deepest, first + share * (last - first) - away_mm, out=deepest)
        return deepest


class Part(Canvas):
    """Some of the places of a canvas, on which small structures are painted faster; `put_back` ends it."""

    def __init__(self, whole: Canvas, index: NDArray[np.int64]) -> None:
        x, y, z = (each[index] for each in (whole.x, whole.y, whole.z))
        super().__init__(x, y, z, whole.voxel_mm, whole.values[index], whole.hippocampus[index])
        self.whole, self.index = whole, index

    def put_back(self) -> None:
        self.whole.values[self.index] = self.values
        self.whole.hippocampus[self.index] = self.hippocampus
