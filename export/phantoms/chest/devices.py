"""What is on the image and no finding: tubes, wires, electrodes, a pacemaker, the letter of the side."""

import numpy as np

from export.phantoms.chest.film import Random
from export.phantoms.chest.thorax import Thorax


def paint_devices(thorax: Thorax, rng: Random, *, shifted: bool) -> None:
    """A patient who lies in a bed has more of them."""
    often = (1.6 if shifted else 1.0) * (0.45 if thorax.patient.portable else 0.14)
    for paint in (_tube, _central_line, _electrodes, _feeding_tube):
        if rng.random() < often:
            paint(thorax, rng)
    if rng.random() < 0.07:
        _pacemaker(thorax, rng)
    if rng.random() < 0.08:
        for number in range(5):
            thorax.film.ball(thorax.middle + rng.normal(0, 0.008), -0.42 + 0.17 * number, 0.03, 0.012, 0.9)


def _tube(thorax: Thorax, rng: Random) -> None:
    x, low = thorax.middle, thorax.patient.apex + rng.uniform(0.2, 0.36)
    for side in (-1, 1):
        thorax.film.line([(x + side * 0.017, -1.1), (x + side * 0.017, low)], 0.008, 0.3)


def _central_line(thorax: Thorax, rng: Random) -> None:
    side, x = rng.choice((-1, 1)), thorax.middle
    thorax.film.line([(side * 0.3, -1.0), (side * 0.22, -0.6), (x - 0.08, -0.4), (x - 0.09, rng.uniform(-0.2, 0.05))],
                     0.009, 0.5)  # fmt: skip


def _feeding_tube(thorax: Thorax, rng: Random) -> None:
    x, low = thorax.middle, thorax.lungs[1].dome
    thorax.film.line(
        [(x + 0.02, -1.1), (x + 0.03, low - 0.1), (x + 0.12, low + 0.1), (x + 0.35, low + 0.2)], 0.011, 0.4
    )


def _electrodes(thorax: Thorax, rng: Random) -> None:
    """Discs that look like nodules but for their even edge and their wire."""
    for side in (-1, 1):
        for high in (-0.5, 0.25):
            if rng.random() < 0.7:
                x, y = side * rng.uniform(0.35, 0.65), high + rng.normal(0, 0.06)
                at = thorax.film.near(x, y, 0.04)
                thorax.film.loss[at] += np.float32(0.9) * (thorax.film.radius(x, y, 0.026, 0.026, 0.0, at) < 1)
                thorax.film.line(
                    [(x, y), (x * rng.uniform(0.3, 1.3), y + 0.3), (side * rng.uniform(0, 0.6), 1.1)], 0.007, 0.5
                )


def _pacemaker(thorax: Thorax, rng: Random) -> None:
    side = 1 if rng.random() < 0.8 else -1
    film, x, y = thorax.film, side * rng.uniform(0.45, 0.58), rng.uniform(-0.52, -0.4)
    film.loss += np.float32(1.6) * (np.abs(film.x - x) ** 3 + np.abs(film.y - y) ** 3 < 0.075**3)
    film.line([(x, y - 0.06), (side * 0.15, -0.55), (thorax.middle - 0.06, -0.3),
               (thorax.middle + 0.1, thorax.heart[1] + 0.15)],
              0.009, 0.8)  # fmt: skip
