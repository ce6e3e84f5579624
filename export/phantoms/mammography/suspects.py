"""Lesions that may be malignant: how suspicious one looks goes in, the lesion on one view out.

Nothing tells by itself: each sign follows how suspicious a lesion is, and strays from it by itself.
"""

from dataclasses import dataclass

import numpy as np

from export.phantoms.mammography.lesions import Lesion, offset

APART, SPREAD = 0.5, 0.38
"""How suspicious lesions look, from -1 to 1: half of the distance between the kinds, and the deviation within one."""
_STRAY = 0.35
_DENSER = 0.045  # so much a malignant one is, on average; halos make benign ones look so
_LEAST_MM, _MOST_MM = 3.5, 13.0


@dataclass(frozen=True)
class Signs:
    """Of one lesion, on both of its views: each from 0 (as benign ones have it) to 1."""

    blurred: float
    irregular: float
    spiculated: float
    distorting: float
    haloed: float
    offset: float
    aspect: float


def radius(rng: np.random.Generator) -> float:
    """The same for both kinds."""
    return float(np.exp(rng.uniform(np.log(_LEAST_MM), np.log(_MOST_MM))))


def signs(rng: np.random.Generator, *, malignant: bool, shifted: bool) -> Signs:
    character = rng.normal(APART if malignant else -APART, SPREAD)
    strayed = np.clip((character + rng.normal(0, _STRAY, 5) + 1) / 2, 0, 1)
    blurred, irregular, spiculated, distorting, haloed = map(float, strayed)
    return Signs(
        blurred, irregular, spiculated, distorting, 1 - haloed,
        offset(rng, shifted) + (_DENSER if malignant else 0.0), float(rng.uniform(0.65, 1.0)),
    )  # fmt: skip


def suspect(rng: np.random.Generator, y: float, x: float, size: float, of: Signs, seed: tuple[int, ...]) -> Lesion:
    """As one view shows it; `size` is its radius, and what the view adds by chance comes from `rng`."""
    lobes = int(rng.integers(3, 6)) + round(2 * of.irregular)
    waves = (
        (2, rng.uniform(0, 0.05 + 0.05 * of.irregular), rng.uniform(0, 6)),
        (lobes, _between(0.02, 0.15, of.irregular), rng.uniform(0, 6)),
        (lobes * 2 + 1, _between(0.0, 0.08, of.irregular), rng.uniform(0, 6)),
    )
    return Lesion(
        "mass", y, x, size, of.aspect, float(rng.uniform(0, np.pi)), waves,
        offset=of.offset, edge_mm=_between(0.25, 1.4, of.blurred), kept=float(rng.uniform(0.1, 0.4)),
        rim=_between(0.04, 0.11, of.haloed), hidden=(float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0, 0.8))),
        spicules=(*_spicules(rng, size, of.spiculated), *_pulled(rng, size, of.distorting)), seed=seed,
    )  # fmt: skip


def _spicules(rng: np.random.Generator, size: float, share: float) -> tuple[tuple[float, float, float], ...]:
    """Short ones all around; below a third there are none."""
    count = round(24 * max(share - 0.33, 0))
    return tuple(
        (rng.uniform(-np.pi, np.pi), size * rng.uniform(0.5, 1.2), rng.uniform(0.05, 0.12) + 0.05 * share)
        for _ in range(count)
    )


def _pulled(rng: np.random.Generator, size: float, share: float) -> tuple[tuple[float, float, float], ...]:
    """Few faint and long lines towards it, as tissue that is drawn in makes them."""
    count = round(8 * max(share - 0.4, 0))
    return tuple((rng.uniform(-np.pi, np.pi), size * rng.uniform(1.2, 1.6) + 4, 0.08) for _ in range(count))


def _between(least: float, most: float, share: float) -> float:
    return least + (most - least) * share
