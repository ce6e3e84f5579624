"""Calcium of one patient: plaques in the coronary arteries, and what is as dense beside them, drawn from a seed."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from export.phantoms.heart import ARTERIES
from export.phantoms.heart.anatomy import Anatomy, Path, Vector
from export.phantoms.patient import Generator

Kind = Literal["LM", "LAD", "LCX", "RCA", "mitral", "valve", "aorta", "pericardium", "node"]
_OFTEN = {"LM": 0.35, "LAD": 1.5, "LCX": 0.75, "RCA": 1.0}
_FREE_SHARE = 0.25
"""Of patients without coronary calcium, though there may be some beside."""


@dataclass(frozen=True, eq=False)
class Deposit:
    """Along a piece of path, `radius` thick; `hu` is what fills a voxel wholly."""

    kind: Kind
    path: Path
    radius: float
    hu: float


def draw_deposits(rng: np.random.Generator, generator: Generator, anatomy: Anatomy, age: int) -> tuple[Deposit, ...]:
    shifted = generator is Generator.shifted
    made: list[Deposit] = []
    burden = 0.0 if rng.random() < _FREE_SHARE else float(rng.lognormal(0.25 + 0.02 * (age - 60), 0.75))
    for name in ARTERIES:
        made += _along(rng, name, anatomy.arteries[name], burden * _OFTEN[name], anatomy.artery_mm)  # type: ignore[arg-type]
    old = float(np.clip((age - 40) / 40, 0.1, 1.2))
    if rng.random() < (0.45 if shifted else 0.35) * old:
        made += _along(rng, "mitral", anatomy.mitral, float(rng.uniform(1, 4)), float(rng.uniform(1.5, 4)))
    if rng.random() < 0.4 * old:
        made += _along(rng, "valve", anatomy.aortic, float(rng.uniform(1, 4)), float(rng.uniform(1.2, 3)))
    for vessel in (anatomy.ascending, anatomy.descending):
        for _ in range(rng.poisson(2.2 * old)):
            made.append(_on_wall(rng, vessel.path, vessel.radius))
    if rng.random() < 0.05:
        made.append(_pericardial(rng, anatomy))
    for _ in range(rng.poisson(0.25)):
        place = anatomy.heart.middle + rng.normal(0, 1, 3) * [10, 6, 14] + np.array([-26.0, 34.0, 45.0])
        made.append(Deposit("node", place[None], float(rng.uniform(1.5, 4)), float(rng.uniform(300, 1200))))
    return tuple(made)


def mitral_ring(rng: np.random.Generator, anatomy: Anatomy) -> tuple[Deposit, ...]:
    """A valve's ring that is calcified over a good part of it, which is taken for the artery that runs beside it."""
    first = int(rng.integers(len(anatomy.mitral) // 3))
    return (Deposit("mitral", anatomy.mitral[first : first + len(anatomy.mitral) // 2], 2.5, _density(rng)),)


def at_the_mouth(rng: np.random.Generator, anatomy: Anatomy) -> tuple[Deposit, ...]:
    """A plaque at the very beginning of the left artery, and one in the aorta's wall that touches it."""
    main = anatomy.arteries["LM"]
    plaque = Deposit("LM", main[: max(len(main) // 2, 4)], anatomy.artery_mm, _density(rng))
    nearest = anatomy.ascending.path[np.abs(anatomy.ascending.path[:, 2] - main[0, 2]).argmin()]
    away = np.arctan2(*(main[0] - nearest)[[1, 0]])
    turns = away + np.linspace(0.1, 0.9, 24)
    ring = np.stack([np.cos(turns), np.sin(turns), np.zeros_like(turns)], axis=1)
    return plaque, Deposit("aorta", nearest + 0.97 * anatomy.ascending.radius * ring, 1.2, _density(rng))


def _along(rng: np.random.Generator, kind: Kind, path: Path, mean: float, thick: float) -> list[Deposit]:
    """Plaques are more frequent near an artery's beginning."""
    made = []
    for _ in range(rng.poisson(mean)):
        length = int(rng.gamma(1.6, 4.5) / 0.6) + 1
        first = int(rng.beta(1.1, 2.4) * max(len(path) - length, 1))
        aside = rng.normal(0, 0.5, 3)
        radius = float(np.clip(thick * rng.lognormal(-0.35, 0.35), 0.5, 4.5))
        made.append(Deposit(kind, path[first : first + length] + aside, radius, _density(rng)))
    return made


def _density(rng: np.random.Generator) -> float:
    return float(np.clip(rng.lognormal(6.35, 0.5), 180, 2200))


def _on_wall(rng: np.random.Generator, path: Path, radius: float) -> Deposit:
    """Of the aorta, at times where a coronary artery leaves it."""
    turn, wide = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.5)
    height = int(rng.integers(len(path)))
    turns = np.linspace(turn, turn + wide, max(int(wide * radius / 0.6), 1) + 1)
    ring = np.stack([np.cos(turns), np.sin(turns), np.zeros_like(turns)], axis=1)
    return Deposit("aorta", path[height] + 0.97 * radius * ring, float(rng.uniform(0.6, 1.6)), _density(rng))


def _pericardial(rng: np.random.Generator, anatomy: Anatomy) -> Deposit:
    heart = anatomy.heart
    first, second = rng.uniform(-0.3, 0.6), rng.uniform(-3, 3)
    path: Vector = heart.surface(
        np.linspace(first, first + rng.uniform(0.1, 0.4), 40),
        np.linspace(second, second + rng.uniform(0.1, 0.6), 40),
        heart.fat_mm,
    )
    return Deposit("pericardium", path, float(rng.uniform(0.6, 1.6)), _density(rng))
