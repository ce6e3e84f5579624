"""A scanner's T1 of a head: a random state in, contrast, noise, grid and position out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from export.phantoms.brain.anatomy import Random
from export.phantoms.brain.scan import Grid, Sequence

T1: Mapping[str, float] = {
    "air": 0, "fat": 200, "muscle": 72, "bone": 18, "marrow": 95, "csf": 30, "grey": 82, "hippocampus": 82,
    "white": 120, "deep": 96, "stem": 112, "plexus": 62, "spot": 92,
}  # fmt: skip
T2: Mapping[str, float] = {
    "air": 0, "fat": 120, "muscle": 50, "bone": 15, "marrow": 80, "csf": 235, "grey": 125, "hippocampus": 127,
    "white": 90, "deep": 100, "stem": 95, "plexus": 150, "spot": 170,
}  # fmt: skip
FLAIR: Mapping[str, float] = {
    "air": 0, "fat": 95, "muscle": 52, "bone": 14, "marrow": 70, "csf": 24, "grey": 128, "hippocampus": 132,
    "white": 104, "deep": 112, "stem": 106, "plexus": 60, "spot": 185,
}  # fmt: skip
_EXTENT_MM = (240.0, 240.0, 176.0)


@dataclass(frozen=True)
class Scanner:
    """`noise` is of a voxel of a mm³, in parts of 255; `bias` how far the coil's sensitivity goes from 1."""

    bright: Mapping[str, float]
    grid: Grid
    noise: float
    blur_mm: float
    bias: float
    scale: float

    def cubes(self, step_mm: float) -> Grid:
        """Of the same extent, in the same place."""
        shape = [max(round(count * step / step_mm), 1) for count, step in
                 zip(self.grid.shape, self.grid.step_mm, strict=True)]  # fmt: skip
        return replace(self.grid, shape=(shape[0], shape[1], shape[2]), step_mm=(step_mm,) * 3, thickness_mm=step_mm)


def draw_scanner(rng: Random, *, shifted: bool) -> Scanner:
    """`shifted` is another one: other contrast, more noise, a less even coil, other voxels, heads that lie askew."""
    spread, by = (0.06, 1.7) if shifted else (0.035, 1.0)
    contrast = float(np.clip(rng.normal(0.88 if shifted else 1.0, 0.12), 0.6, 1.3))
    bright = {
        name: float(np.clip(100 * (value / 100) ** contrast * rng.normal(1, spread), 0, 250))
        for name, value in T1.items()
    }
    bright["hippocampus"] = bright["grey"] * float(rng.normal(1, 0.01))
    pixel, slices = (rng.uniform(0.85, 1.3), rng.uniform(0.9, 1.7)) if shifted else (rng.uniform(0.95, 1.1),) * 2
    extent = [length + float(rng.uniform(-14, 14)) for length in _EXTENT_MM]
    step = (float(pixel), float(pixel), float(slices))
    shape = [round(length / each) for length, each in zip(extent, step, strict=True)]
    turn = rng.normal(0, (0.09, 0.05, 0.06)) * (1.4 if shifted else 1.0)
    shift = rng.normal((0, 0, -12), (3, 6, 9)) * (1.3 if shifted else 1.0)
    grid = Grid(
        shape=(shape[0], shape[1], shape[2]),
        step_mm=step,
        thickness_mm=float(pixel),
        turn=(float(turn[0]), float(turn[1]), float(turn[2])),
        shift_mm=(float(shift[0]), float(shift[1]), -float(shift[2])),
    )
    return Scanner(
        bright=bright,
        grid=grid,
        noise=float(rng.uniform(4, 9) * by),
        blur_mm=float(rng.uniform(0.4, 0.8)),
        bias=float(rng.uniform(0.05, 0.2) * by),
        scale=float(rng.lognormal(1.0, 0.6)),
    )


def sequence_of(scanner: Scanner, seed: int, shifted: bool, grid: Grid) -> Sequence:
    """As the brain's phantoms are acquired, of 256 levels of grey in the place of tissues; large voxels are quieter."""
    return Sequence(
        name="t1",
        bright=tuple(float(level) for level in range(256)),
        noise=scanner.noise / float(np.prod(grid.step_mm)) ** 0.5,
        blur_mm=scanner.blur_mm,
        bias=scanner.bias,
        scale=scanner.scale,
        seed=(seed, int(shifted), 7),
    )
