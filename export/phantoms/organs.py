"""Draws what lies in the abdominal cavity: a build goes in, organs, bowel and vessels as ellipsoids come out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from export.phantoms.canvas import Outline, draw_wobble
from export.phantoms.patient import Build, Generator

Content = Literal["collapsed", "fluid", "contrast", "gas", "faeces"]
_CONTENTS: tuple[Content, ...] = ("collapsed", "fluid", "contrast", "gas", "faeces")


@dataclass(frozen=True)
class Blob:
    """An ellipsoid: its centre as shares of the trunk's half axes and a level, its radii in mm."""

    x_share: float
    y_share: float
    level: float
    radii_mm: tuple[float, float, float]
    angle: float
    wobble: tuple[float, ...]

    def cut(self, build: Build, level: float) -> Outline | None:
        """Its outline in the slice at this level, if it reaches so far."""
        away_mm = (level - self.level) * 35.0 * build.stature
        rest = 1 - (away_mm / self.radii_mm[2]) ** 2
        if rest <= 0.02:
            return None
        share = float(np.sqrt(rest))
        return Outline(
            self.x_share * build.half_width_mm,
            self.y_share * build.half_depth_mm,
            self.radii_mm[0] * share,
            self.radii_mm[1] * share,
            self.angle,
            2.0,
            self.wobble,
        )


@dataclass(frozen=True)
class Solid:
    blobs: tuple[Blob, ...]
    tissue: Literal["liver", "spleen", "pancreas", "bile", "mass"]


@dataclass(frozen=True)
class Loop:
    """A piece of stomach or bowel. `filling` shifts fluid levels, from -1 (full) to 1 (nearly all gas)."""

    blob: Blob
    wall_mm: float
    content: Content
    content_hu: float
    filling: float


@dataclass(frozen=True)
class Organs:
    solids: tuple[Solid, ...]
    kidneys: tuple[Blob, ...]
    kidney_cortex_mm: float
    loops: tuple[Loop, ...]
    mesentery: tuple[Blob, ...]
    aorta_mm: float
    cava_mm: float
    bifurcation: float
    calcified: bool
    ascites: float


class _Layout:
    """Random numbers with this patient's scale: places vary by `spread` times the usual amount."""

    def __init__(self, rng: np.random.Generator, build: Build, spread: float) -> None:
        self.rng, self.build, self.spread = rng, build, spread

    def blob(
        self, x: float, y: float, level: float, radii: tuple[float, float, float],
        *, angle: float = 0.0, wobble: float = 0.06, loose: float = 0.06,
    ) -> Blob:  # fmt: skip
        rng, size = self.rng, self.build.stature * float(self.rng.normal(1, 0.09))
        x, y = rng.normal([x, y], loose * self.spread)
        return Blob(
            float(x), float(y), float(rng.normal(level, 4 * loose * self.spread)),
            (radii[0] * size, radii[1] * size, radii[2] * size),
            float(angle + rng.normal(0, 0.15)), draw_wobble(rng, wobble),
        )  # fmt: skip

    def loop(self, blob: Blob, shares: tuple[float, ...], wall_mm: float) -> Loop:
        rng = self.rng
        content = _CONTENTS[int(rng.choice(5, p=np.array(shares) / sum(shares)))]
        means = {"collapsed": 42.0, "fluid": 16.0, "contrast": 230.0, "gas": 20.0, "faeces": 10.0}
        hu = means[content] * float(rng.normal(1, 0.25))
        return Loop(blob, wall_mm * float(rng.uniform(0.7, 1.4)), content, hu, float(rng.uniform(-0.8, 0.8)))


def draw_organs(rng: np.random.Generator, generator: Generator, build: Build) -> Organs:
    shifted = generator is Generator.shifted
    layout = _Layout(rng, build, 1.5 if shifted else 1.0)
    return Organs(
        solids=_draw_solids(layout),
        kidneys=(
            layout.blob(-0.50, 0.32, -1.2, (29, 24, 56), angle=0.6),
            layout.blob(0.50, 0.34, -1.6, (29, 24, 57), angle=-0.6),
        ),
        kidney_cortex_mm=float(rng.normal(6.5, 0.8)),
        loops=_draw_loops(layout, oral_contrast=bool(rng.random() < (0.15 if shifted else 0.3))),
        mesentery=tuple(
            layout.blob(
                float(rng.uniform(-0.5, 0.55)), float(rng.uniform(-0.6, 0.1)), float(rng.uniform(-2, 2.5)),
                (float(rng.uniform(1, 2.4)), float(rng.uniform(1, 4)), float(rng.uniform(6, 26))),
                angle=float(rng.uniform(0, 3)),
            )
            for _ in range(int(rng.integers(25, 80)))
        ),
        aorta_mm=float(rng.normal(9.5, 1.3)) * build.stature,
        cava_mm=float(rng.normal(10.5, 1.8)) * build.stature,
        bifurcation=float(rng.normal(1.0, 0.25)),
        calcified=bool(rng.random() < 0.3),
        ascites=float(rng.uniform(0.2, 1.0)) if rng.random() < (0.1 if shifted else 0.04) else 0.0,
    )  # fmt: skip


def _draw_solids(layout: _Layout) -> tuple[Solid, ...]:
    lower = float(layout.rng.gamma(1.5, 0.45))
    liver = (
        layout.blob(-0.46, -0.02, -3.9, (84, 80, 92 + 26 * lower), angle=0.15),
        layout.blob(-0.62, 0.02, -2.3, (44, 60, 62 + 22 * lower), angle=0.05),
        layout.blob(-0.05, -0.48, -3.9, (70, 34, 62), angle=-0.15),
    )
    pancreas = tuple(
        layout.blob(x, y, level, (17, 9, 15), angle=-0.3, wobble=0.12, loose=0.03)
        for x, y, level in ((-0.17, -0.12, -0.9), (-0.02, -0.2, -1.4), (0.16, -0.14, -1.7), (0.33, 0, -2.0))
    )
    return (
        Solid(liver, "liver"),
        Solid((layout.blob(0.64, 0.25, -3.2, (28, 52, 54), angle=-0.35, wobble=0.1),), "spleen"),
        Solid(pancreas, "pancreas"),
        Solid((layout.blob(-0.42, -0.40, -1.5, (15, 17, 30)),), "bile"),
        Solid(_draw_masses(layout), "mass"),
    )


def _draw_masses(layout: _Layout) -> tuple[Blob, ...]:
    """Nodes and tumours as dense as muscle, some beside the psoas: what a threshold cannot tell from muscle."""
    rng = layout.rng
    count = int(rng.integers(1, 6)) if rng.random() < 0.25 else 0
    return tuple(
        layout.blob(
            float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.3, 0.3)), float(rng.uniform(-2.5, 3)),
            (float(rng.uniform(6, 26)), float(rng.uniform(6, 24)), float(rng.uniform(8, 30))),
            wobble=0.12,
        )
        for _ in range(count)
    )  # fmt: skip


def _draw_loops(layout: _Layout, *, oral_contrast: bool) -> tuple[Loop, ...]:
    rng = layout.rng
    small = (0.38, 0.38, 0.5 if oral_contrast else 0.02, 0.1, 0.04)
    large = (0.15, 0.12, 0.15 if oral_contrast else 0.01, 0.3, 0.42)
    loops = [layout.loop(layout.blob(0.32, -0.42, -3.3, (50, 36, 48), wobble=0.1), (0.1, 0.4, 0.2, 0.5, 0), 4)]
    for _ in range(int(rng.integers(45, 130))):
        level = float(rng.uniform(-1.4, 3.6))
        width = 0.78 * float(np.clip((level + 2.2) / 1.8, 0.3, 1))
        radii = (float(rng.uniform(9, 18)), float(rng.uniform(10, 26)), float(rng.uniform(11, 36)))
        x, y = float(rng.uniform(-width, width)), float(rng.uniform(-0.92, 0.28))
        blob = layout.blob(x, y, level, radii, angle=float(rng.uniform(0, np.pi)), wobble=0.1)
        loops.append(layout.loop(blob, small, 2.2))
    for level in np.arange(-0.8, 2.6, 0.55):
        blob = layout.blob(-0.68, -0.02, float(level), (22, 24, 19), wobble=0.1, loose=0.04)
        loops.append(layout.loop(blob, large, 2.0))
    for level in np.arange(-2.4, 2.4, 0.45):
        blob = layout.blob(0.74, 0.10, float(level), (14, 15, 15), wobble=0.12, loose=0.03)
        loops.append(layout.loop(blob, large, 2.2))
    sag = float(rng.uniform(0.0, 2.2))
    for x in np.linspace(-0.62, 0.66, 11):
        level = -1.3 + sag * (1 - (float(x) / 0.66) ** 2)
        blob = layout.blob(float(x), -0.62 + 0.3 * float(x) ** 2, level, (21, 19, 20), wobble=0.12, loose=0.04)
        loops.append(layout.loop(blob, large, 2.0))
    for x, y, level in ((-0.36, -0.1, -1.0), (-0.36, -0.02, -0.4), (-0.22, 0.05, 0.2), (0.02, 0.0, 0.3)):
        loops.append(layout.loop(layout.blob(x, y, level, (17, 14, 17), loose=0.03), small, 2.5))
    return tuple(loops)
