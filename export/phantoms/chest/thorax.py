"""The normal chest: a patient goes in, trunk, lungs, heart and bones are painted, and where the lungs lie is kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.phantoms.chest.film import Film, Floats, Random, edge, sampled
from export.phantoms.chest.patient import Patient

SIDES = (-1, 1)
"""The image's left, which is the patient's right, then its right."""
_MIDDLE = 0.32
_AIR = 1.5


@dataclass(frozen=True, eq=False)
class Lung:
    """`bound` is 0 in the middle and 1 at the border of the half of the chest, `above` how far above the diaphragm,
    `air` from 0 to 1 how much of it the beam passes; `hilum` is where its vessels come from."""

    side: int
    across: Floats
    bound: Floats
    above: Floats
    air: Floats
    dome: float
    hilum: tuple[float, float]


class Thorax:
    def __init__(self, film: Film, patient: Patient, rng: Random) -> None:
        self.film, self.patient = film, patient
        pull = self._pull(rng)
        self.middle = float(patient.turned + pull)
        self.lungs = tuple(self._lung(side, rng) for side in SIDES)
        self.heart = self._heart(rng)
        self.bare: dict[int, Floats] = {}
        """Where, side by side, there is air without lung in it."""

    def _pull(self, rng: Random) -> float:
        """Lost volume pulls the middle of the chest and one half of the diaphragm to its side, which is drawn here."""
        self.collapsed: int | None = None
        if "atelectasis" in self.patient.findings and rng.random() < 0.5:
            self.collapsed = int(rng.choice(SIDES))
            return self.collapsed * rng.uniform(0.02, 0.06)
        return 0.0

    def width(self, side: int) -> float:
        """A patient who is turned shows one half of the chest wider than the other."""
        return self.patient.half_width * (1 + 0.6 * side * self.patient.turned)

    def dome(self, side: int) -> float:
        lifted = 0.1 if self.collapsed == side else 0.0
        return self.patient.domes[SIDES.index(side)] - lifted

    def _lung(self, side: int, rng: Random) -> Lung:
        film, patient = self.film, self.patient
        across = np.float32(side) * film.x
        medial = 0.1 + side * self.middle * 0.5
        width, dome = self.width(side), self.dome(side)
        outward = (across - np.float32(_MIDDLE)) * np.float32(1 / (width - _MIDDLE))
        inward = (np.float32(_MIDDLE) - across) * np.float32(1 / (_MIDDLE - medial))
        x = np.maximum(outward, inward)
        y = np.maximum((np.float32(dome) - film.y) * np.float32(1 / (dome - patient.apex)), 0)
        bound = x * x * np.abs(x) + y * y * np.sqrt(y)
        bulge = 1 - ((across - np.float32(0.36)) * np.float32(1 / 0.34)) ** 2
        above = np.float32(dome) - np.float32(patient.arch) * np.maximum(bulge, -1.3) - film.y
        air = np.sqrt(np.maximum(1 - bound, 0)) * edge(-above, 0.02)
        hilum = (side * (0.15 + side * self.middle), patient.apex + 0.5 * (dome - patient.apex) + rng.normal(0, 0.02))
        return Lung(side, across, bound, above, air, dome, hilum)

    def _heart(self, rng: Random) -> tuple[float, float, float, float, float]:
        """Middle, half axes and turn; its width is a share of that of the chest, most of it on the patient's left."""
        patient = self.patient
        half = patient.heart_share * (self.width(-1) + self.width(1)) / 2
        low = max(self.dome(1), self.dome(-1) + 0.02)
        tall = float(np.clip(0.72 * half + 0.09, 0.2, 0.42) * rng.uniform(0.95, 1.1))
        return (self.middle + 0.27 * half + rng.normal(0, 0.01), low - tall * 0.72, half, tall, 0.0)

    def paint(self, rng: Random) -> None:
        self._paint_trunk(rng)
        self._paint_lungs(rng)
        self._paint_middle(rng)
        self._paint_bones(rng)

    def _paint_trunk(self, rng: Random) -> None:
        film, patient = self.film, self.patient
        wide = patient.half_width + 0.1 * patient.flesh
        body = np.maximum(np.abs(film.x) * np.float32(1 / wide), 0)
        narrow = np.float32(0.28) / np.maximum(np.float32(0.28), np.float32(-0.62) - film.y + np.float32(0.28))
        body = body / np.maximum(narrow, 0.35)
        film.loss += np.float32(1.9 + 0.5 * patient.flesh) * np.sqrt(np.maximum(1 - body**4, 0))
        for side in SIDES:  # muscles of chest and shoulder
            film.ball(side * (patient.half_width - 0.05), -0.45, 0.34, 0.4, 0.35 * patient.flesh, side * 0.5)
            film.ball(side * (patient.half_width + 0.25), -0.55, 0.25, 0.3, 0.9)
            if patient.breasts:
                film.ball(side * 0.42, 0.3 + rng.normal(0, 0.04), 0.32, 0.26, patient.breasts)
        for side, lung in zip(SIDES, self.lungs, strict=True):
            if rng.random() < 0.5:
                x, y = side * 0.43 + rng.normal(0, 0.02), min(lung.dome - 0.12, 0.33 + rng.normal(0, 0.04))
                film.ball(x, y, 0.02, 0.02, rng.uniform(0.06, 0.16))  # a nipple looks like a nodule, but comes in pairs

    def _paint_lungs(self, rng: Random) -> None:
        """Liver and stomach show through below; texture and vessels within."""
        film, patient = self.film, self.patient
        for lung in self.lungs:
            tone = 1 + 0.04 * lung.side * rng.normal()
            film.loss -= np.float32(_AIR * tone) * lung.air * (1 + np.float32(0.035) * film.coarse)
            film.loss += np.float32(patient.vessels) * self._vessels(lung, rng) * lung.air * self._lung_left(lung)
            hilum = (1.0 + 0.35 * (patient.vessels - 1)) * rng.uniform(0.25, 0.4)
            for _ in range(3):
                x, y = lung.hilum[0] + lung.side * rng.uniform(-0.02, 0.07), lung.hilum[1] + rng.uniform(-0.09, 0.1)
                film.ball(x, y, rng.uniform(0.03, 0.06), rng.uniform(0.04, 0.09), hilum, rng.uniform(-0.6, 0.6))
        left = self.lungs[1]
        if rng.random() < 0.75:  # gas in the stomach, under the left half of the diaphragm
            film.ball(rng.uniform(0.3, 0.5), left.dome + rng.uniform(0.02, 0.12), rng.uniform(0.07, 0.17),
                      rng.uniform(0.04, 0.08), -rng.uniform(0.3, 0.9))  # fmt: skip

    def _lung_left(self, lung: Lung) -> Floats:
        return 1 - self.bare[lung.side] if lung.side in self.bare else np.ones((), np.float32)

    def _vessels(self, lung: Lung, rng: Random) -> Floats:
        """Branches from the hilum outwards, drawn on a sheet of angles and distances and bent round it."""
        angles, steps = 180, 24
        sheet = np.zeros((steps, angles), np.float32)
        columns = np.arange(angles, dtype=np.float32)
        places = rng.uniform(8, angles - 8, 11)
        for step in range(steps):
            if step in (5, 11, 17):
                turns = rng.uniform(2, 7, (2, len(places)))
                places = np.concatenate([places - turns[0], places + turns[1]])
            places = places + rng.normal(0, 0.5, len(places))
            wide = max(14 * (0.012 + 0.02 * (1 - step / steps)) / (0.04 + 0.05 * step) * 3, 0.7)
            away = np.abs(columns[None, :] - places.astype(np.float32)[:, None]).min(axis=0)
            sheet[step] = np.maximum(1 - away / np.float32(wide), 0)
        dx, dy = (
            np.float32(lung.side) * (self.film.x - np.float32(lung.hilum[0])),
            self.film.y - np.float32(lung.hilum[1]),
        )
        away = np.sqrt(dx * dx + dy * dy)
        angle = np.arctan2(dy, dx) * np.float32(angles / np.pi / 1.15) + np.float32(angles / 2)
        fading = np.maximum(np.float32(0.42) - np.float32(0.42) * away, 0)
        return np.asarray(sampled(sheet, away * np.float32(steps / 0.95), angle) * fading, np.float32)

    def _paint_middle(self, rng: Random) -> None:
        film, patient = self.film, self.patient
        x, y, wide, tall, _ = self.heart
        film.ball(x, y, wide, tall, 0.95)
        film.ball(x - wide * 0.35, y - tall * 0.35, wide * 0.6, tall * 0.85, 0.2)
        film.ball(self.middle, -0.2, 0.11, 0.75, 0.4)
        knob = rng.uniform(0.05, 0.085)
        film.ball(self.middle + 0.1, patient.apex + 0.36, knob, knob * 1.15, 0.45)
        film.ball(self.middle + 0.12, patient.apex + 0.5, 0.06, 0.1, 0.25)
        film.line([(self.middle, -1.1), (self.middle + rng.normal(0, 0.008), patient.apex + 0.4)], 0.035, -0.4)
        for side in SIDES:
            film.line(
                [(self.middle, patient.apex + 0.4), (self.middle + side * 0.12, patient.apex + 0.52)], 0.025, -0.25
            )

    def _paint_bones(self, rng: Random) -> None:
        film, patient = self.film, self.patient
        film.loss += np.float32(rng.uniform(0.2, 0.4)) * self._spine(rng)
        dense = rng.uniform(0.13, 0.24) * (1 - 0.003 * max(patient.age_years - 55, 0))
        for lung in self.lungs:
            film.loss += np.float32(dense) * self._ribs(lung, rng)
            side = lung.side
            lift = rng.normal(-0.02 if patient.portable else 0.03, 0.025)
            start, end = (
                (self.middle + side * 0.07, patient.apex + 0.15 + lift),
                (side * 0.72, patient.apex + 0.02 + lift),
            )
            film.line([start, (side * 0.35, patient.apex + 0.1 + lift), end], 0.032, dense * 1.3)
            self._paint_scapula(side, dense, rng)

    def _paint_scapula(self, side: int, dense: float, rng: Random) -> None:
        inset = 0.1 if self.patient.portable else -0.04
        top, low = self.patient.half_width - inset + 0.05, self.patient.half_width - inset - 0.05
        x0, x1 = side * (top + rng.normal(0, 0.03)), side * (low + rng.normal(0, 0.02))
        self.film.line([(x0, -0.55), (x1, -0.3), (x1 + side * 0.1, 0.02)], 0.02, dense)
        at_x, at_y = np.float32(side) * (self.film.x - np.float32(x1)), self.film.y
        blade = edge(-at_x, 0.03) * edge(at_y - 0.0, 0.05) * edge(-(at_y + 0.6), 0.05)
        self.film.loss += np.float32(dense * 0.5) * blade

    def _spine(self, rng: Random) -> Floats:
        film = self.film
        bent = np.float32(self.middle * 0.4 + rng.normal(0, 0.01)) + np.float32(rng.normal(0, 0.02)) * film.y
        across = np.abs(film.x - bent)
        along = np.mod(film.y + np.float32(rng.uniform(0, 1)), np.float32(0.135)) * np.float32(1 / 0.135)
        body = edge(across - np.float32(0.075), 0.02) * (np.float32(0.75) + np.float32(0.25) * (along < 0.8))
        pedicles = (np.abs(across - np.float32(0.05)) < 0.016) & (np.abs(along - 0.3) < 0.17)
        return np.asarray(body + np.float32(0.4) * pedicles, np.float32)

    def _ribs(self, lung: Lung, rng: Random) -> Floats:
        """Behind they run outwards and slightly down, in front steeply inwards and down, and fade into cartilage."""
        film, pitch = self.film, np.float32(rng.uniform(0.145, 0.17))
        outer = lung.across * np.float32(1 / (self.width(lung.side) + 0.07))
        down = (film.y - np.float32((lung.dome + self.patient.apex) / 2)) * np.float32(
            1 / (0.62 * (lung.dome - self.patient.apex) + 0.12)
        )
        cage = edge(np.abs(outer) ** 3 + down * down - 1, 0.1) * (lung.across > 0.06)
        start = np.float32(rng.uniform(0, 1))
        u = lung.across
        back = (film.y + np.float32(0.1) * np.sin(np.float32(2.6) * u) - np.float32(0.5) * u * u) / pitch + start
        front = (film.y - np.float32(0.75) * (np.float32(0.75) - u) ** 2 * np.float32(1.2)) / pitch + start
        fading = np.clip((u - np.float32(0.26)) * np.float32(5), 0, 1)
        return np.asarray(cage * (_bands(back, 0.24) + np.float32(0.6) * fading * _bands(front, 0.27)), np.float32)


def _bands(phase: NDArray[np.floating], half: float) -> Floats:
    """Bands with brighter borders, one a unit of the phase."""
    away = np.abs(phase - np.floor(phase) - np.float32(0.5))
    inside = edge(away - np.float32(half), 0.12)
    return inside * (np.float32(0.55) + np.float32(0.9) * edge(np.float32(half * 0.6) - away, 0.1))
