"""One head without its vessels and infarcts: a seed in, the tissue and territory of any place out.

x to the patient's left, y to the back, z up, in mm around the middle of the brain; places are (3, …) of z, y, x.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.phantoms.brain.anatomy import Field, Floats, Labels, Lesion, Random

AIR, FAT, BONE, SPONGE, MUSCLE, CSF, GREY, WHITE, DEEP, STEM, OLD, CHALK = range(12)
"""`OLD` is what an infarct of earlier years has left, `CHALK` calcified: plexus, pineal gland, basal ganglia."""
BRAIN = (GREY, WHITE, DEEP, STEM, OLD)
PARENCHYMA = (GREY, WHITE, DEEP)
"""What an acute infarct can take."""
MCA, ACA, PCA, CEREBELLUM = range(1, 5)
Mask = NDArray[np.bool_]
_TENTORIUM_MM, _STEM_TOP_MM = -24.0, -14.0


@dataclass(frozen=True, eq=False)
class Head:
    """`ventricles` are their sizes on the left and on the right; `pale` is how far white matter around them is so."""

    half_zyx: tuple[float, float, float]
    scalp_mm: float
    skull_mm: float
    csf_mm: float
    cortex_mm: float
    sulci: float
    ventricles: tuple[float, float]
    pale_mm: tuple[float, float]
    folds: Field
    borders: Field
    warp: tuple[Field, Field, Field]
    warp_mm: float
    old: tuple[Lesion, ...]
    chalk: tuple[tuple[float, float, float, float], ...]

    def warped(self, places: Floats) -> Floats:
        """Where a place would lie in a head of plain shape; all that follows is asked of such places."""
        shift = [np.float32(self.warp_mm) * field.at(places) for field in self.warp]
        return np.asarray(places + np.stack(shift), np.float32)

    def depth(self, places: Floats) -> Floats:
        """About how many mm below the brain's surface."""
        radius = np.sqrt(sum((place / half) ** 2 for place, half in zip(places, self.half_zyx, strict=True)))
        return np.asarray((1 - radius) * min(self.half_zyx), np.float32)

    def territory(self, places: Floats) -> Labels:
        """Whose blood it is: 1 to 4, as `TERRITORIES`, wherever there may be brain."""
        z, y, x = places
        wobble = 4 * self.borders.at(places[::-1])
        aside = np.abs(x)
        made = np.full(x.shape, MCA, np.uint8)
        made[aside + wobble < 15 - 0.12 * np.clip(y, -60, 30)] = ACA
        behind = y + 0.35 * np.clip(-z, -30, 30) + 1.5 * wobble > 44
        beneath = (z < -8) & (aside < 34) & (y > 6)
        made[behind | beneath] = PCA
        made[self.below_tentorium(places)] = CEREBELLUM
        return made

    def below_tentorium(self, places: Floats) -> Mask:
        z, y, x = places
        return np.asarray((z < _TENTORIUM_MM) & ball(x, y - 42, z + 48, 52, 36, 32))

    def tissue(self, places: Floats, swollen: Floats, pushed_mm: float) -> Labels:
        """`swollen` (0 to 1) closes the furrows; the ventricles are `pushed_mm` to the left."""
        depth = self.depth(places)
        made = np.full(depth.shape, AIR, np.uint8)
        made[depth > -(self.csf_mm + self.skull_mm + self.scalp_mm)] = FAT
        table = depth + self.csf_mm + self.skull_mm
        made[table > 0] = BONE
        made[(table > 0.3 * self.skull_mm) & (table < 0.7 * self.skull_mm)] = SPONGE
        made[depth > -self.csf_mm] = CSF
        self._cerebrum(made, places, depth, swollen)
        self._inner(made, places, pushed_mm)
        self._below(made, places)
        for lesion in self.old:
            made[(self._inside(lesion, places) > 0) & np.isin(made, PARENCHYMA)] = OLD
        for z, y, x, radius in self.chalk:
            near = ball(places[2] - x, places[1] - y, places[0] - z, radius, radius, radius)
            made[near & (made >= CSF)] = CHALK
        return made

    def _cerebrum(self, made: Labels, places: Floats, depth: Floats, swollen: Floats) -> None:
        z, y, x = places
        brain = depth > 0
        folds = self.folds.at(places)
        made[brain] = GREY
        made[brain & (depth > self.cortex_mm + 4.5 * np.clip(folds, -1.2, 1.6))] = WHITE
        open_by = np.float32(0.09 * self.sulci) * (1 - np.float32(0.75) * swollen)
        insula = ball(np.abs(x) - 40, y + 2, z + 2, 3.5 * self.sulci, 26, 12)
        furrows = ((np.abs(folds) < open_by) & (depth < 16)) | (np.abs(x) < 1.2) | (insula & (swollen < 0.5))
        made[brain & furrows & (z > -20)] = CSF

    def _inner(self, made: Labels, places: Floats, pushed_mm: float) -> None:
        """Ventricles and the grey matter beside them, on both sides."""
        z, y, x = places[0], places[1], places[2] - np.float32(pushed_mm)
        for side, size in zip((1, -1), self.ventricles, strict=True):
            made[ball(x - side * 21, y + 2, z + 2, 9, 20, 11) & (made == WHITE)] = DEEP
            made[ball(x - side * 10, y - 10, z + 4, 9, 13, 9) & (made == WHITE)] = DEEP
            lying = x - side * (9 + 0.12 * (y + 10))
            made[ball(lying, y + 8, z - 10, 6 * size, 34 * size, 8 * size)] = CSF
            made[ball(x - side * (16 + 0.4 * (y - 20)), y - 32, z - 2, 6 * size, 16, 9 * size)] = CSF
        made[ball(x, y - 2, z + 3, 2.5 * sum(self.ventricles) / 2, 14, 10)] = CSF

    def _below(self, made: Labels, places: Floats) -> None:
        """Cerebellum and stem, the base of the skull with the petrous bones, what lies beneath it."""
        z, y, x = places
        inside = made >= CSF
        hind = self.below_tentorium(places)
        cerebellum = ball(x, y - 42, z + 48, 48, 30, 26)
        made[inside & hind] = CSF
        made[inside & cerebellum] = GREY
        leaves = np.sin(z * 1.1 + 0.002 * x * x) > 0.35
        made[inside & cerebellum & leaves & ball(x, y - 42, z + 48, 42, 24, 21)] = WHITE
        stem = ball(x, y - 10, z + 48, 14, 13, 40) & (z < _STEM_TOP_MM)
        base = (z < -36 - 0.35 * (y + 20)) & (y < 24) & ~ball(x, y - 10, z + 48, 19, 18, 46) & ~cerebellum
        made[inside & base] = BONE
        made[inside & base & (z < -44 - 0.35 * (y + 20))] = MUSCLE
        made[inside & stem] = STEM
        made[ball(x, y + 62, z + 50, 13, 18, 13) & (made != AIR)] = AIR
        for side in (-1, 1):
            along = x - side * (30 + 0.5 * (y - 12))
            petrous = ball(along, y - 14, z + 40, 9, 20, 9) & (made != AIR)
            made[petrous] = BONE
            made[petrous & ball(along, y - 24, z + 41, 5, 9, 5) & (np.sin(2 * x) * np.sin(2 * z) > 0.1)] = AIR

    def pale(self, places: Floats, tissues: Labels) -> Floats:
        """0 to 1: how far the white matter around the ventricles has suffered from age."""
        z, y, x = places
        found = np.zeros(x.shape, np.float32)
        patchy = self.borders.at(places + 53)
        for side, far in zip((1, -1), self.pale_mm, strict=True):
            away = np.sqrt((np.abs(x) - 14) ** 2 + (np.clip(np.abs(y - 4) - 34, 0, None)) ** 2 + (z - 10) ** 2)
            near = np.clip((8 + far * (1 + 0.7 * patchy) - away) / 4, 0, 1)
            found = np.where((x * side > 0) & (tissues == WHITE), near, found)
        return np.asarray(found, np.float32)

    def _inside(self, lesion: Lesion, places: Floats) -> Floats:
        """How many mm deep, negative outside."""
        away = np.sqrt(sum((place - at) ** 2 for place, at in zip(places, lesion.middle_zyx, strict=True)))
        return np.asarray(lesion.radius_mm + lesion.wobble_mm * self.borders.at(places) - away, np.float32)


def ball(x: Floats, y: Floats, z: Floats, wide: float, long: float, high: float) -> Mask:
    return np.asarray((x / np.float32(wide)) ** 2 + (y / np.float32(long)) ** 2 + (z / np.float32(high)) ** 2 < 1)


def draw_head(rng: Random, *, shifted: bool) -> Head:
    """`shifted` heads are older: wider ventricles and furrows, more of what is left of earlier infarcts."""
    size = float(np.exp(rng.normal(0, 0.05)))
    half_z, half_y, half_x = (length * size * float(rng.normal(1, 0.03)) for length in (62, 84, 66))
    age = float(rng.uniform(0.6, 1.4) * (1.3 if shifted else 1.0))
    ventricles = float(rng.uniform(0.8, 1.15) * age**0.4)
    uneven = float(np.clip(rng.normal(0, 0.13), -0.3, 0.3))
    pale = float(rng.gamma(1.2, 3.5) * age)
    return Head(
        half_zyx=(half_z, half_y, half_x),
        scalp_mm=float(rng.uniform(4, 9)),
        skull_mm=float(rng.uniform(5, 9)),
        csf_mm=float(rng.uniform(1.5, 4.0) * age**0.5),
        cortex_mm=float(rng.uniform(4, 6.5)),
        sulci=float(rng.uniform(0.7, 1.2) * age**0.5),
        ventricles=(ventricles * (1 + uneven), ventricles * (1 - uneven)),
        pale_mm=(pale * float(rng.uniform(0.7, 1.3)), pale * float(rng.uniform(0.7, 1.3))),
        folds=Field(rng, 5.0),
        borders=Field(rng, 6.0),
        warp=(Field(rng, 24.0), Field(rng, 24.0), Field(rng, 24.0)),
        warp_mm=float(rng.uniform(1, 3)),
        old=tuple(_draw_old(rng) for _ in range(rng.poisson(0.5 * age))),
        chalk=_draw_chalk(rng),
    )


def _draw_old(rng: Random) -> Lesion:
    """A lacune in the depth, or a defect as large as a territory's part, at the surface or in the cerebellum."""
    side = 1 if rng.random() < 0.5 else -1
    kind = rng.choice(["lacune", "cortex", "cerebellum"], p=[0.5, 0.35, 0.15])
    if kind == "lacune":
        middle = (rng.uniform(-4, 12), rng.uniform(-20, 20), side * rng.uniform(12, 27))
        return Lesion(_three(middle), float(rng.uniform(2.5, 5)), 1.0)
    if kind == "cerebellum":
        middle = (rng.uniform(-60, -40), rng.uniform(35, 55), side * rng.uniform(12, 34))
        return Lesion(_three(middle), float(rng.uniform(6, 12)), 2.5)
    middle = (rng.uniform(-8, 40), rng.uniform(-50, 58), side * rng.uniform(38, 54))
    return Lesion(_three(middle), float(rng.uniform(9, 20)), 4.0)


def _draw_chalk(rng: Random) -> tuple[tuple[float, float, float, float], ...]:
    found = []
    for z, y, x, often in ((0, 26, 0, 0.7), (-1, 30, 19, 0.6), (-1, 30, -19, 0.6), (0, -2, 19, 0.2), (0, -2, -19, 0.2)):
        if rng.random() < often:
            moved = np.array([z, y, x]) + rng.normal(0, 1.5, 3)
            found.append((*_three(tuple(moved)), float(rng.uniform(1.2, 3.0))))
    return tuple(found)


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    z, y, x = values
    return float(z), float(y), float(x)
