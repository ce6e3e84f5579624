"""Findings of pleura, heart and diaphragm: the normal chest in, what they change painted, and the mask of each out."""

import numpy as np

from export.phantoms.chest.film import Mask, Random, edge
from export.phantoms.chest.opacities import any_lung
from export.phantoms.chest.thorax import SIDES, Lung, Thorax


def effusion(thorax: Thorax, rng: Random) -> Mask:
    """Fluid fills the angle between ribs and diaphragm, its upper border hollow and higher at the side."""
    mask = np.zeros(thorax.film.loss.shape, bool)
    sides = SIDES if rng.random() < 0.35 else (int(rng.choice(SIDES)),)
    for side in sides:
        mask |= _fluid(thorax, thorax.lungs[SIDES.index(side)], rng)
    return mask


def _fluid(thorax: Thorax, lung: Lung, rng: Random) -> Mask:
    film, width = thorax.film, thorax.width(lung.side)
    high = rng.uniform(-0.03, 0.18)
    outward = np.clip((lung.across - np.float32(width - 0.36)) * np.float32(1 / 0.36), 0, 1.1)
    level = np.float32(lung.dome + 0.05 - high) - np.float32(rng.uniform(0.12, 0.26)) * outward**3
    inside = edge(level - film.y, 0.025) * edge(lung.bound - 1, 0.05) * (lung.above > -0.02) * (lung.across > 0.1)
    film.loss += inside * np.maximum(np.float32(0.35), lung.air) * np.float32(rng.uniform(0.4, 1.1))
    return np.asarray(inside > 0.5, bool)


def pneumothorax_space(thorax: Thorax, rng: Random) -> tuple[int, Mask]:
    """Where the lung has drawn back from the ribs, most at the apex; the chest is painted after this is known."""
    lung = any_lung(thorax, rng)
    film, depth = thorax.film, rng.uniform(0.22, 0.5)
    share = np.clip(
        (film.y - np.float32(thorax.patient.apex)) * np.float32(1 / (lung.dome - thorax.patient.apex)), 0, 1
    )
    kept = np.float32(1 - depth) + np.float32(depth * rng.uniform(0.55, 0.8)) * share
    line = np.float32(1) - (np.float32(1) - kept) * np.float32(1.25)
    thorax.bare[lung.side] = edge(line - lung.bound, 0.03) * (lung.across > 0.16)
    return lung.side, np.asarray((lung.bound > line) & (lung.bound < 1) & (lung.above > 0) & (lung.across > 0.16), bool)


def pneumothorax(thorax: Thorax, side: int, space: Mask, rng: Random) -> Mask:
    """The fine line of the pleura; beyond it nothing but air and ribs."""
    film, lung = thorax.film, thorax.lungs[SIDES.index(side)]
    bare = thorax.bare[side]
    film.loss -= bare * lung.air * np.float32(rng.uniform(0.1, 0.2))
    line = np.maximum(1 - np.abs(bare - np.float32(0.5)) * 2, 0) * (lung.above > 0) * (lung.bound < 1)
    film.loss += line * np.float32(rng.uniform(0.2, 0.32))
    return space


def pleural_thickening(thorax: Thorax, rng: Random) -> Mask:
    """A smooth band along the ribs or over the apex, with ends that run out."""
    film, lung = thorax.film, any_lung(thorax, rng)
    thick, outer = rng.uniform(0.025, 0.06), thorax.width(lung.side)
    if rng.random() < 0.4:
        deep = (
            np.float32(thorax.patient.apex + 0.075 + thick)
            - film.y
            - np.float32(0.5) * (lung.across - np.float32(0.34)) ** 2
        )
        shadow = edge(-deep, 0.015) * edge(lung.bound - 1.04, 0.06) * (lung.across > 0.16)
    else:
        middle, reach = rng.uniform(-0.3, 0.25), rng.uniform(0.16, 0.3)
        along = np.maximum(1 - ((film.y - np.float32(middle)) * np.float32(1 / reach)) ** 2, 0)
        inner = lung.bound ** np.float32(1 / 3)
        shadow = edge(1 - np.float32(thick / outer * 1.6) * np.sqrt(along) * np.float32(1.25) - inner, 0.02) * (
            along > 0
        )
        shadow = shadow * edge(inner - 1.02, 0.03) * (lung.across > 0.3)
    film.loss += np.asarray(shadow, np.float32) * np.float32(rng.uniform(0.25, 0.6))
    return np.asarray(shadow > 0.4, bool)


def cardiomegaly(thorax: Thorax, rng: Random) -> Mask:
    """The heart was drawn as wide as it is; it is where the finding lies."""
    x, y, wide, tall, turn = thorax.heart
    return np.asarray(thorax.film.radius(x, y, wide, tall, turn) < 1, bool)


def emphysema(thorax: Thorax, rng: Random) -> Mask:
    """Both lungs, wide and alike, were drawn long and poor in vessels; now and then there is a bubble."""
    film = thorax.film
    for lung in thorax.lungs:
        film.loss -= lung.air * np.float32(0.03)
        if rng.random() < 0.35:
            x = lung.side * rng.uniform(0.3, 0.55)
            film.ball(x, rng.uniform(-0.45, 0.0), 0.1, 0.12, -0.15)
    return np.asarray(sum(lung.air for lung in thorax.lungs) > 0.1, bool)


def hernia(thorax: Thorax, rng: Random) -> Mask:
    """Stomach above the diaphragm, behind the heart: gas in a wall, often over a level of fluid."""
    film = thorax.film
    size = rng.uniform(0.1, 0.17)
    x, y = (
        thorax.middle + rng.uniform(-0.03, 0.14),
        min(lung.dome for lung in thorax.lungs) - size * rng.uniform(0.6, 1.1),
    )
    share = np.sqrt(film.radius(x, y, size, size * rng.uniform(0.8, 1.05)))
    level = np.float32(y + size * rng.uniform(-0.1, 0.5))
    film.loss += edge(share - 1, 0.1) * np.float32(0.25) + np.maximum(1 - np.abs(share - 0.98) * 14, 0) * np.float32(
        0.22
    )
    film.loss -= edge(share - 0.88, 0.1) * edge(film.y - level, 0.012) * np.float32(rng.uniform(0.45, 0.75))
    return np.asarray(share < 1.03, bool)
