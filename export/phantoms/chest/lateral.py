"""The chest from the side, which the classifier is not made for: seen so that it can be told from a frontal view."""

import numpy as np

from export.phantoms.chest.film import Film, Random, edge


def paint_lateral(film: Film, rng: Random) -> None:
    side = 1 if rng.random() < 0.5 else -1  # which way the patient looks
    flesh, deep = rng.uniform(0.7, 1.5), rng.uniform(0.5, 0.66)
    x = film.x * np.float32(side)
    body = np.abs(x / np.float32(deep + 0.12 * flesh)) ** 2.5
    narrow = np.clip((np.float32(-0.55) - film.y) * np.float32(2.2), 0, 2)
    film.loss += np.float32(2.6 + 0.5 * flesh) * np.sqrt(np.maximum(1 - body - narrow, 0))
    dome = rng.uniform(0.4, 0.6)
    lung = (
        np.abs((x + np.float32(0.03)) / np.float32(deep)) ** 2.6
        + np.abs((film.y - np.float32(dome)) / np.float32(dome + 0.72)) ** 2.2
    )
    base = np.float32(dome) - np.float32(0.16) * (1 - ((x - np.float32(0.12)) / np.float32(0.5)) ** 2)
    air = np.sqrt(np.maximum(1 - lung, 0)) * edge(film.y - base, 0.02)
    film.loss -= np.float32(2.0) * air * (1 + np.float32(0.05) * film.coarse)
    film.ball(side * 0.2, dome - 0.28, 0.3, 0.28, 0.85, side * 0.6)
    film.ball(side * 0.12, -0.25, 0.16, 0.45, 0.5)
    film.line([(side * -0.02, -1.1), (side * -0.06, -0.15)], 0.035, -0.4)
    spine = np.abs(x + np.float32(deep - 0.1) + np.float32(0.1) * (film.y - np.float32(0.1)) ** 2)
    along = np.mod(film.y + np.float32(rng.uniform(0, 1)), np.float32(0.14)) / np.float32(0.14)
    film.loss += edge(spine - 0.085, 0.02) * np.where(along < 0.8, np.float32(0.7), np.float32(0.35))
    film.line([(side * (deep - 0.02), -0.5), (side * (deep + 0.03), 0.1)], 0.03, 0.5)
    slope = rng.uniform(0.5, 0.8)
    phase = (film.y - np.float32(slope) * x) * np.float32(1 / 0.16) + np.float32(rng.uniform(0, 1))
    film.loss += (
        np.float32(0.17)
        * (lung < 1.1)
        * edge(np.abs(phase - np.floor(phase) - np.float32(0.5)) - np.float32(0.22), 0.1)
    )
    if rng.random() < 0.6:  # raised arms
        film.line([(side * 0.1, -0.75), (side * 0.6, -1.1)], 0.16, 1.2)
