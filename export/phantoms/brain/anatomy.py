"""One head: a seed in, what lies at any place of it out; x to the patient's left, y to the back, z up, in mm."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

Random = np.random.Generator
Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]

TISSUES = (
    *("air", "fat", "bone", "muscle", "csf", "grey", "white", "deep", "vessel", "choroid"),
    *("old", "spot", "necrosis", "enhancing", "oedema"),
)
"""`old` is a scar of an infarct, `spot` one of the small lesions of old age; the last three are a tumour's."""
AIR, FAT, BONE, MUSCLE, CSF, GREY, WHITE, DEEP, VESSEL, CHOROID, OLD, SPOT, NECROSIS, ENHANCING, OEDEMA = range(15)
_CELL_MM = 3.0
_FIELD = (64, 80, 64)
_MARGIN_MM = 0.1


class Field:
    """Smooth noise of unit variance that fills the head: folds of the cortex, borders of lesions."""

    def __init__(self, rng: Random, grain_mm: float) -> None:
        noise = rng.standard_normal(_FIELD, np.float32)
        smooth = gaussian_filter(noise, grain_mm / _CELL_MM, mode="wrap")
        self._values: Floats = np.asarray(smooth / smooth.std(), np.float32)
        self.most = float(np.abs(self._values).max())

    def at(self, places: Floats) -> Floats:
        """`places` (3, …) are z, y, x in mm; it repeats every two hundred of them."""
        found: Floats = map_coordinates(self._values, places / _CELL_MM, order=1, mode="grid-wrap", output=np.float32)
        return found


@dataclass(frozen=True)
class Lesion:
    """A ball with a wobbling border; how many mm that wobbles, and whether white matter alone takes part in it."""

    middle_zyx: tuple[float, float, float]
    radius_mm: float
    wobble_mm: float


@dataclass(frozen=True)
class Tumour:
    """`rim` is the share of the core's radius that enhances, 0 in one that does not; oedema lies in white matter."""

    core: Lesion
    rim: float
    oedema_mm: float


@dataclass(frozen=True, eq=False)
class Head:
    half_zyx: tuple[float, float, float]
    scalp_mm: float
    skull_mm: float
    csf_mm: float
    cortex_mm: float
    ventricles: float
    folds: Field
    borders: Field
    warp: tuple[Field, Field, Field]
    warp_mm: float
    tumour: Tumour | None
    scars: tuple[Lesion, ...]
    spots: tuple[Lesion, ...]
    vessels: tuple[tuple[tuple[float, float, float], tuple[float, float, float], float], ...]

    def tissue(self, places: Floats) -> Labels:
        """`places` (3, …) are z, y, x in mm around the middle of the head."""
        z, y, x = (place + np.float32(self.warp_mm) * field.at(places)
                   for place, field in zip(places, self.warp, strict=True))  # fmt: skip
        half_z, half_y, half_x = self.half_zyx
        radius = np.sqrt((z / half_z) ** 2 + (y / half_y) ** 2 + (x / half_x) ** 2)
        depth = (1 - radius) * np.float32(min(self.half_zyx))  # mm below the brain's surface, about
        made = np.zeros(radius.shape, np.uint8)
        made[depth > -(self.csf_mm + self.skull_mm + self.scalp_mm)] = FAT
        made[depth > -(self.csf_mm + self.skull_mm)] = BONE
        made[depth > -self.csf_mm] = CSF
        brain = depth > 0
        folds = self.folds.at(places)
        made[brain] = GREY
        white = depth > self.cortex_mm + 4.5 * np.clip(folds, -1.2, 1.6)
        made[brain & white] = WHITE
        sulci = (np.abs(folds) < 0.07) & (depth < 16) & brain
        made[sulci | (brain & (np.abs(x) < 1.2) & (y < 50) & (z > 5))] = CSF
        self._inner(made, x, y, z)
        self._below(made, x, y, z)
        for lesions, kind in ((self.spots, SPOT), (self.scars, OLD)):
            for lesion in lesions:
                near = _near(places, lesion.middle_zyx, lesion.radius_mm + lesion.wobble_mm * self.borders.most)
                there = made[near]
                inside = self._inside(lesion, _of(places, near)) > 0
                there[inside & ((there == WHITE) | ((kind == OLD) & (there == GREY)))] = kind
                made[near] = there
        self._vessels(made, places)
        if self.tumour is not None:
            self._tumour(made, self.tumour, places)
        return made

    def _inner(self, made: Labels, x: Floats, y: Floats, z: Floats) -> None:
        """Ventricles with their plexus, and the grey matter beside them."""
        size = self.ventricles
        for side in (-1, 1):
            beside = x - side * np.float32(21)
            made[_ball(beside, y + 2, z + 2, 9, 20, 11) & (made == WHITE)] = DEEP
            made[_ball(x - side * np.float32(10), y - 10, z + 4, 9, 13, 9) & (made == WHITE)] = DEEP
            lying = x - side * (9 + 0.12 * (y + 10))
            made[_ball(lying, y + 8, z - 10, 6 * size, 34 * size, 8 * size)] = CSF
            made[_ball(x - side * (16 + 0.4 * (y - 20)), y - 32, z - 2, 6 * size, 16, 9 * size)] = CSF
            made[_ball(x - side * np.float32(18), y - 27, z - 1, 2.5, 6, 2.5)] = CHOROID
        made[_ball(x, y - 2, z + 3, 2.5 * size, 14, 10)] = CSF

    def _below(self, made: Labels, x: Floats, y: Floats, z: Floats) -> None:
        """Cerebellum and stem of the brain, bone of the skull's base, the neck."""
        brain = made >= CSF
        cerebellum = _ball(x, y - 42, z + 48, 48, 30, 26)
        made[cerebellum & brain] = GREY
        leaves = np.sin(z * np.float32(1.1) + 0.02 * x * x / 10) > 0.35
        made[cerebellum & brain & leaves & _ball(x, y - 42, z + 48, 42, 24, 21)] = WHITE
        stem = _ball(x, y - 14, z + 52, 15, 14, 44)
        made[stem & (z < -12)] = WHITE
        base = (z < -38 - 0.55 * (y + 20)) & (z > -90) & (y < 20) & ~stem
        made[base & brain & ~cerebellum] = MUSCLE
        made[_ball(x, y + 62, z + 52, 12, 18, 14)] = AIR

    def _vessels(self, made: Labels, places: Floats) -> None:
        for start, end, radius in self.vessels:
            a, b = np.array(start, np.float32), np.array(end, np.float32)
            along = b - a
            near = _near(places, (a + b) / 2, radius + float(np.linalg.norm(along)) / 2)
            those, there = _of(places, near), made[near]
            share = np.clip(np.tensordot(along, those - a[:, None], 1) / np.float32(along @ along), 0, 1)
            nearest = a[:, None] + along[:, None] * share
            away = np.sqrt(((those - nearest) ** 2).sum(axis=0))
            there[(away < radius) & (there >= CSF)] = VESSEL
            made[near] = there

    def _tumour(self, made: Labels, tumour: Tumour, places: Floats) -> None:
        within = made >= CSF
        core = self._inside(tumour.core, places)
        around = (core > -tumour.oedema_mm * (1 + 0.35 * self.borders.at(places[::-1]))) & (made == WHITE)
        made[around] = OEDEMA
        mass = (core > 0) & within
        made[mass] = NECROSIS if tumour.rim > 0 else OEDEMA
        if tumour.rim > 0:
            thick = tumour.rim * tumour.core.radius_mm * (1 + 0.5 * self.borders.at(places + 31))
            made[mass & (core < np.maximum(thick, 1.5))] = ENHANCING

    def _inside(self, lesion: Lesion, places: Floats) -> Floats:
        """How many mm deep, negative outside."""
        middle = np.array(lesion.middle_zyx, np.float32).reshape(3, *[1] * (places.ndim - 1))
        away = np.sqrt(((places - middle) ** 2).sum(axis=0))
        return np.asarray(lesion.radius_mm + lesion.wobble_mm * self.borders.at(places) - away, np.float32)


def _near(places: Floats, middle_zyx: Iterable[float], most_mm: float) -> tuple[NDArray[np.intp], ...]:
    """Which places lie within so many mm, about: none that does is left out."""
    square = sum((place - np.float32(at)) ** 2 for place, at in zip(places, middle_zyx, strict=True))
    return np.nonzero(square < np.float32((most_mm + _MARGIN_MM) ** 2))


def _of(places: Floats, near: tuple[NDArray[np.intp], ...]) -> Floats:
    return np.stack([place[near] for place in places])


def _ball(x: Floats, y: Floats, z: Floats, wide: float, long: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((x / np.float32(wide)) ** 2 + (y / np.float32(long)) ** 2 + (z / np.float32(high)) ** 2 < 1)


def draw_head(rng: Random, *, shifted: bool, tumour: bool) -> Head:
    """`shifted` heads are older: wider ventricles, more spots and scars; their tumours are larger or do not enhance."""
    size = float(np.exp(rng.normal(0, 0.05)))
    half = (62 * size * rng.normal(1, 0.03), 84 * size * rng.normal(1, 0.03), 66 * size * rng.normal(1, 0.03))
    age = 1.6 if shifted else 1.0
    return Head(
        half_zyx=(float(half[0]), float(half[1]), float(half[2])),
        scalp_mm=float(rng.uniform(4, 9)),
        skull_mm=float(rng.uniform(4, 8)),
        csf_mm=float(rng.uniform(1.5, 4.5) * age**0.5),
        cortex_mm=float(rng.uniform(4, 6.5)),
        ventricles=float(rng.uniform(0.75, 1.35) * age**0.4),
        folds=Field(rng, 5.0),
        borders=Field(rng, 6.0),
        warp=(Field(rng, 24.0), Field(rng, 24.0), Field(rng, 24.0)),
        warp_mm=float(rng.uniform(1.5, 4)),
        tumour=_draw_tumour(rng, shifted) if tumour else None,
        scars=tuple(_somewhere(rng, float(rng.uniform(5, 12)), 2.0) for _ in range(rng.poisson(0.25 * age))),
        spots=tuple(_somewhere(rng, float(rng.uniform(1.5, 4.5)), 0.7) for _ in range(rng.poisson(6 * age**2))),
        vessels=tuple(_vessel(rng) for _ in range(14)),
    )


def _somewhere(rng: Random, radius: float, wobble: float) -> Lesion:
    """In the hemispheres, off the middle."""
    side = 1 if rng.random() < 0.5 else -1
    return Lesion((float(rng.uniform(-18, 40)), float(rng.uniform(-55, 55)), float(side * rng.uniform(14, 46))),
                  radius, wobble)  # fmt: skip


def _draw_tumour(rng: Random, shifted: bool) -> Tumour:
    radius = float(rng.uniform(8, 26) if shifted else rng.uniform(8, 22))
    enhances = bool(rng.random() < (0.75 if shifted else 0.88))
    rim = float(rng.choice([rng.uniform(0.15, 0.45), 1.0], p=[0.8, 0.2])) if enhances else 0.0
    return Tumour(_somewhere(rng, radius, float(rng.uniform(1.5, 5.0))), rim, float(rng.uniform(2, 18)))


def _vessel(rng: Random) -> tuple[tuple[float, float, float], tuple[float, float, float], float]:
    side = 1 if rng.random() < 0.5 else -1
    start = (rng.uniform(-35, 50), rng.uniform(-60, 60), side * rng.uniform(0, 50))
    end = tuple(place + rng.normal(0, 22) for place in start)
    return (
        (float(start[0]), float(start[1]), float(start[2])),
        (float(end[0]), float(end[1]), float(end[2])),
        float(rng.uniform(0.7, 1.6)),
    )
