"""Draws one synthetic patient: from a random generator to a body build, a trunk and its muscles, all in millimetres."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np

VERTEBRAE = ("T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5", "S1", "S2")
_HEIGHTS_MM = np.array([27.0, 28.5, 30.5, 33.0, 34.5, 35.5, 36.0, 36.0, 34.0, 30.0])  # with the disc below
_L3 = VERTEBRAE.index("L3")
_ABOVE_MM, _BELOW_MM = 26.0, 30.0  # a level in the chest and in the pelvis, where no vertebra's own height is drawn


class Generator(Enum):
    """`standard` is trained on; `shifted` is another hospital and is only ever evaluated on."""

    standard = "standard"
    shifted = "shifted"


@dataclass(frozen=True)
class Patient:
    sex: Literal["M", "F"]
    age_years: int
    height_m: float | None


@dataclass(frozen=True)
class Build:
    """Body build. Thicknesses and half axes in mm; `fat_in_muscle` is a volume fraction."""

    bmi: float
    stature: float
    half_width_mm: float
    half_depth_mm: float
    squareness: float
    subcutaneous_mm: float
    visceral: float
    muscularity: float
    fat_in_muscle: float
    vertebra_edges_mm: tuple[float, ...]
    scoliosis_mm: float
    iliac_crest_level: float
    rib_lengths: tuple[float, ...]
    oedema: float

    def level(self, z_mm: float) -> float:
        """Vertebral level at a height above mid L3 (z cranial): L3 is 0, L4 is 1, T12 is -3; halves are discs."""
        below_mm, edges_mm = -z_mm, self.vertebra_edges_mm
        edges_level = np.arange(len(edges_mm)) - _L3 - 0.5
        above = min(below_mm - edges_mm[0], 0.0) / (_ABOVE_MM * self.stature)
        beyond = max(below_mm - edges_mm[-1], 0.0) / (_BELOW_MM * self.stature)
        return float(np.interp(below_mm, edges_mm, edges_level) + above + beyond)

    def z_mm(self, level: float) -> float:
        """The height above mid L3 at which a level lies: `level` the other way round."""
        edges_mm = self.vertebra_edges_mm
        edges_level = np.arange(len(edges_mm)) - _L3 - 0.5
        above = min(level - edges_level[0], 0.0) * _ABOVE_MM * self.stature
        beyond = max(level - edges_level[-1], 0.0) * _BELOW_MM * self.stature
        return -float(np.interp(level, edges_level, edges_mm) + above + beyond)


def draw_patient(rng: np.random.Generator, generator: Generator) -> tuple[Patient, Build]:
    male = bool(rng.random() < 0.55)
    age = int(np.clip(rng.normal(60, 15), 21, 92))
    height_m = float(rng.normal(1.76, 0.07) if male else rng.normal(1.63, 0.065))
    known = bool(rng.random() < 0.8)
    patient = Patient("M" if male else "F", age, round(height_m, 2) if known else None)
    return patient, _draw_build(rng, generator, male, age, height_m)


def _draw_bmi(rng: np.random.Generator, generator: Generator) -> float:
    if generator is Generator.standard:
        return float(np.clip(rng.normal(26.5, 5.0), 16.5, 44))
    thin = rng.random() < 0.4
    return float(np.clip(rng.normal(20, 2) if thin else rng.normal(34, 5), 15.5, 48))


def _draw_build(rng: np.random.Generator, generator: Generator, male: bool, age: int, height_m: float) -> Build:
    bmi = _draw_bmi(rng, generator)
    stature = height_m / 1.70
    visceral = float(np.clip((bmi - 17) / 16 * (1.1 if male else 0.75) * rng.lognormal(0, 0.35), 0.04, 1.6))
    muscularity = rng.normal(1.02, 0.14) - 0.004 * max(age - 45, 0) + 0.008 * (bmi - 25)
    if generator is Generator.shifted:
        muscularity -= 0.08
    muscularity = float(np.clip(muscularity, 0.5, 1.35)) * (1.0 if male else 0.87)
    fat_in_muscle = 0.03 + 0.0025 * (age - 45) + 0.004 * (bmi - 25) + rng.normal(0, 0.05)
    return Build(
        bmi=bmi,
        stature=stature,
        half_width_mm=float((112 + 26 * visceral + 14 * muscularity + rng.normal(0, 5)) * stature),
        half_depth_mm=float((70 + 30 * visceral + 12 * muscularity + rng.normal(0, 4)) * stature),
        squareness=float(rng.uniform(2.05, 2.6)),
        subcutaneous_mm=float(np.clip((bmi - 15) * (1.65 if not male else 1.0) * rng.lognormal(0, 0.3), 2.0, 75)),
        visceral=visceral,
        muscularity=muscularity,
        fat_in_muscle=float(np.clip(fat_in_muscle, 0.0, 0.42)),
        vertebra_edges_mm=_draw_vertebrae(rng, stature),
        scoliosis_mm=float(rng.normal(0, 4 if generator is Generator.standard else 9)),
        iliac_crest_level=float(rng.normal(1.15, 0.2)),
        rib_lengths=tuple(float(v) for v in rng.uniform(0.8, 1.2, 5)),
        oedema=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.1 else 0.0,
    )


def _draw_vertebrae(rng: np.random.Generator, stature: float) -> tuple[float, ...]:
    """Lower edges of the vertebrae from T10 down, in mm below mid L3 (so negative above it)."""
    heights = _HEIGHTS_MM * stature * rng.normal(1, 0.04) * rng.normal(1, 0.025, _HEIGHTS_MM.size)
    edges = np.concatenate([[0.0], np.cumsum(heights)])
    return tuple(float(v) for v in edges - (edges[_L3] + heights[_L3] / 2))
