"""Findings within the lung: the normal chest in, their shadows painted on it, and the mask of each out."""

import numpy as np

from export.phantoms.chest.film import Film, Floats, Mask, Random, distance, edge
from export.phantoms.chest.thorax import SIDES, Lung, Thorax

_SHOWS = 0.3
"""What has this part of a finding's largest shadow counts as where it lies."""


def place_in(
    lung: Lung, film: Film, rng: Random, least: float = 0.6, low: float = -1.0, high: float = 1.0
) -> tuple[float, float]:
    """A point of the body with this much air behind it, between two shares of the lung's height (-1 to 1)."""
    span = lung.above.shape[0]
    share = (film.y + 0.7) / (lung.dome + 0.7) * 2 - 1
    rows, columns = np.nonzero((lung.air > least) & (share > low) & (share < high) & (lung.across > 0.12))
    if not len(rows):
        rows, columns = np.nonzero(lung.air > 0.3)
    number = int(rng.integers(len(rows))) if len(rows) else 0
    row, column = (int(rows[number]), int(columns[number])) if len(rows) else (span // 2, span // 2)
    return float(film.x[row, column]), float(film.y[row, column])


def add(film: Film, shadow: Floats) -> Mask:
    film.loss += shadow
    return np.asarray(shadow > _SHOWS * float(shadow.max()), bool)


def any_lung(thorax: Thorax, rng: Random) -> Lung:
    return thorax.lungs[int(rng.integers(2))]


def infiltration(thorax: Thorax, rng: Random) -> Mask:
    """Faint, streaky, without a border: along the vessels of a zone."""
    film, lung = thorax.film, any_lung(thorax, rng)
    x, y = place_in(lung, film, rng, 0.55)
    zone = np.exp(-1.5 * film.radius(x, y, rng.uniform(0.16, 0.26), rng.uniform(0.14, 0.24), rng.uniform(-1, 1)))
    turn = rng.uniform(0.3, 1.2) * lung.side
    along = film.x * np.float32(np.cos(turn)) + film.y * np.float32(np.sin(turn)) + np.float32(0.02) * film.coarse
    streaks = 0.5 + 0.5 * np.sin(along * np.float32(rng.uniform(85, 120)))
    grain = np.clip(0.35 + 0.8 * streaks * (1 + 0.4 * film.fine), 0, 2)
    return _with_zone(film, zone * lung.air * grain * np.float32(rng.uniform(0.22, 0.34)), zone * lung.air)


def _with_zone(film: Film, shadow: Floats, zone: Floats) -> Mask:
    film.loss += shadow
    return np.asarray(zone > _SHOWS, bool)


def pneumonia(thorax: Thorax, rng: Random) -> Mask:
    """Fluffy patches that run into one another, in one lobe."""
    film, lung = thorax.film, any_lung(thorax, rng)
    x, y = place_in(lung, film, rng, 0.6, -0.6)
    shadow = np.zeros_like(film.loss)
    for _ in range(rng.integers(5, 10)):
        size = rng.uniform(0.045, 0.085)
        at_x, at_y = x + rng.normal(0, 0.075), y + rng.normal(0, 0.075)
        at = film.near(at_x, at_y, 2.4 * size)
        ball = np.exp(-1.6 * film.radius(at_x, at_y, size, size * rng.uniform(0.8, 1.3), 0.0, at))
        shadow[at] = np.maximum(shadow[at], ball)
    shadow *= lung.air * np.clip(1 + 0.25 * film.fine, 0.2, 2) * np.float32(rng.uniform(0.5, 0.75))
    return add(film, shadow)


def consolidation(thorax: Thorax, rng: Random) -> Mask:
    """Even and dense up to a fissure, with the branches of air in it."""
    film, lung = thorax.film, any_lung(thorax, rng)
    x, y = place_in(lung, film, rng, 0.6)
    side = 1.0 if rng.random() < 0.5 else -1.0
    tilt = rng.uniform(-0.25, 0.25)
    beyond = (film.y - np.float32(y) - np.float32(tilt) * (film.x - np.float32(x))) * np.float32(side)
    lobe = np.exp(-(film.radius(x, y + side * 0.03, rng.uniform(0.2, 0.3), rng.uniform(0.15, 0.25)) ** 2))
    shadow = edge(-beyond - 0.03, 0.012) * lobe * np.sqrt(lung.air) * np.float32(rng.uniform(0.6, 0.95))
    for _ in range(4):
        angle = np.arctan2(y - lung.hilum[1], x - lung.hilum[0]) + rng.normal(0, 0.35)
        reach = rng.uniform(0.3, 0.6)
        end = lung.hilum[0] + reach * float(np.cos(angle)), lung.hilum[1] + reach * float(np.sin(angle))
        shadow *= 1 - 0.75 * edge(distance(film.x, film.y, lung.hilum, end) - 0.009, 0.012)
    return add(film, shadow)


def nodule(thorax: Thorax, rng: Random) -> Mask:
    """One or two, below 3 cm."""
    mask = np.zeros(thorax.film.loss.shape, bool)
    for _ in range(1 + int(rng.random() < 0.25)):
        mask |= _lump(thorax, rng, rng.uniform(0.035, 0.07), rng.uniform(0.28, 0.45), 0.05)
    return mask


def mass(thorax: Thorax, rng: Random) -> Mask:
    """Above 3 cm, with lobes."""
    return _lump(thorax, rng, rng.uniform(0.095, 0.16), rng.uniform(0.42, 0.65), 0.16)


def _lump(thorax: Thorax, rng: Random, size: float, dense: float, uneven: float) -> Mask:
    film, lung = thorax.film, any_lung(thorax, rng)
    x, y = place_in(lung, film, rng, 0.55)
    at = film.near(x, y, 1.7 * size)
    dx, dy = film.x[at] - np.float32(x), film.y[at] - np.float32(y)
    angle = np.arctan2(dy, dx)
    border = 1.0 + sum(rng.normal(0, uneven / order) * np.cos(order * angle + rng.uniform(0, 6)) for order in (2, 3, 4))
    share = np.sqrt(dx * dx + dy * dy) / np.float32(size) / border
    shadow = np.sqrt(np.maximum(1 - share**2, 0)) * np.float32(dense)
    film.loss[at] += shadow
    mask = np.zeros(film.loss.shape, bool)
    mask[at] = share < 1
    return mask


def oedema(thorax: Thorax, rng: Random) -> Mask:
    """On both sides around the hila, with thick upper vessels and short lines at the border of the bases."""
    film, shadow = thorax.film, np.zeros_like(thorax.film.loss)
    dense, wide = rng.uniform(0.14, 0.42), rng.uniform(0.24, 0.32)
    for lung in thorax.lungs:
        x, y = lung.hilum
        zone = np.exp(-1.3 * film.radius(x + lung.side * 0.12, y + 0.03, wide, wide * 1.35))
        patches = np.clip(0.8 + 0.3 * film.coarse + 0.25 * film.fine, 0.1, 2)
        shadow += zone * lung.air * patches * np.float32(dense * rng.uniform(0.85, 1.15))
        for _ in range(6):
            angle = rng.uniform(-1.4, -0.6)
            to = x + lung.side * 0.3 * float(np.cos(angle)), y + 0.3 * float(np.sin(angle))
            film.line([(x, y), to], rng.uniform(0.012, 0.018), 0.3 * dense)
        for number in range(6):
            high = lung.dome - 0.02 - 0.035 * number
            outer = lung.side * (thorax.width(lung.side) - 0.025)
            film.line([(outer, high), (outer - lung.side * rng.uniform(0.05, 0.09), high - 0.005)], 0.008, 0.5 * dense)
    return add(film, shadow)


def fibrosis(thorax: Thorax, rng: Random) -> Mask:
    """A net of fine lines at the base or along the border, seldom at the apex, most often on both sides."""
    film = thorax.film
    high = rng.random() < 0.25
    lungs = thorax.lungs if rng.random() < 0.65 else (any_lung(thorax, rng),)
    total, zones = np.zeros_like(film.loss), np.zeros_like(film.loss)
    cell = np.float32(2 * np.pi / rng.uniform(0.034, 0.046))
    bent_x, bent_y = film.x + np.float32(0.008) * film.coarse, film.y + np.float32(0.008) * film.fine
    turned = np.sin(cell * (bent_x * 0.8 + bent_y * 0.6)) * np.sin(cell * (bent_y * 0.8 - bent_x * 0.6))
    net = np.clip(1 - np.abs(turned) * 2.2, 0, 1)
    for lung in lungs:
        border = np.clip((lung.bound - np.float32(0.25)) * np.float32(2), 0, 1)
        zone = np.exp(-(((lung.above - np.float32(0.02)) * np.float32(1 / 0.24)) ** 2))
        if high:
            zone = np.exp(-(((film.y - np.float32(thorax.patient.apex + 0.1)) * np.float32(1 / 0.2)) ** 2))
        zone = zone * np.maximum(border, np.float32(0.45)) * (lung.air > 0.02)
        zones += zone
        total += zone * net
    film.loss += total * np.float32(rng.uniform(0.3, 0.45)) + zones * np.float32(0.06)
    return np.asarray(zones > _SHOWS, bool)


def atelectasis(thorax: Thorax, rng: Random) -> Mask:
    """A lobe that collapsed into a wedge, on the side that it pulls to; else plates, flat and thin, near the base."""
    if thorax.collapsed is not None:
        return _wedge(thorax, thorax.lungs[SIDES.index(thorax.collapsed)], rng)
    film, lung = thorax.film, any_lung(thorax, rng)
    x, y = place_in(lung, film, rng, 0.5, 0.2)
    reach, tilt = rng.uniform(0.11, 0.2), rng.uniform(-0.3, 0.3)
    count = int(rng.integers(2, 5))
    area = np.zeros(film.loss.shape, bool)
    for number in range(count):
        step = (number - (count - 1) / 2) * rng.uniform(0.035, 0.05)
        start = x - reach, y + step - tilt * reach
        end = x + reach * rng.uniform(0.6, 1), y + step + tilt * reach
        away = distance(film.x, film.y, start, end)
        film.loss += edge(away - 0.008, 0.01) * (lung.air > 0.05) * np.float32(rng.uniform(0.28, 0.42))
        area |= (away < 0.026) & (lung.air > 0.05)
    return area


def _wedge(thorax: Thorax, lung: Lung, rng: Random) -> Mask:
    """Of the lower lobe beside the spine on the diaphragm, or of the upper lobe beside the mediastinum at the apex."""
    film = thorax.film
    u = lung.across - np.float32(lung.side * thorax.middle)
    if rng.random() < 0.6:
        slope = rng.uniform(0.7, 1.1)
        beyond = (
            u
            - np.float32(0.1)
            - np.float32(slope) * np.maximum(film.y - np.float32(lung.dome - 0.42), 0) * np.float32(0.75)
        )
        inside = edge(beyond, 0.02) * edge(np.float32(lung.dome - 0.42) - film.y, 0.05) * (lung.above > -0.03)
    else:
        slope = rng.uniform(0.5, 0.9)
        top = np.float32(thorax.patient.apex)
        beyond = (
            film.y
            - top
            - np.float32(rng.uniform(0.3, 0.42))
            + np.float32(slope) * (u - np.float32(0.1)) * np.float32(0.6)
        )
        inside = edge(beyond, 0.02) * edge(u - np.float32(rng.uniform(0.34, 0.46)), 0.06)
    shadow = inside * edge(lung.bound - 1, 0.1) * (u > 0.05) * np.float32(rng.uniform(0.55, 0.85))
    return add(film, np.asarray(shadow, np.float32))
