"""An old head: a random state in, how bright it is at any place out; `medial` paints the medial temporal lobes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from export.phantoms.ageing import SIGNS
from export.phantoms.ageing.ageing import Ageing
from export.phantoms.ageing.canvas import Canvas, Depths, Mask, Vector
from export.phantoms.ageing.medial import acted_on, paint_medial
from export.phantoms.brain.anatomy import Field, Floats, Random

HALF: Vector = (66.0, 84.0, 62.0)
"""Of the usual brain, in x, y, z; heads of other sizes are this one stretched."""
_FOLD_GRAIN_MM, _FOLD_DEEP_MM = 3.8, 15.0
_FOLD_MM = 1 / (np.sqrt(1.5) / _FOLD_GRAIN_MM)  # from a surface where the field is zero, about, for each unit of it
_EYES: Vector = (30.0, -80.0, -40.0)
# The tubes of the ventricles on the left, from the front to the back, then down: points and radii.
_BODY = ((13.0, -34.0, 6.0), (11.0, -14.0, 17.0), (13.0, 8.0, 20.0), (22.0, 26.0, 14.0), (27.0, 36.0, 5.0))
_BODY_MM = (4.2, 5.2, 4.6, 5.6, 5.8)
_OCCIPITAL = ((27.0, 36.0, 4.0), (23.0, 54.0, 3.0))


@dataclass(frozen=True, eq=False)
class Lesion:
    middle: Vector
    radius_mm: float


@dataclass(frozen=True, eq=False)
class Head:
    """`size` stretches it along x, y, z; `warp` bends it by up to a few `warp_mm`."""

    size: Vector
    ageing: Ageing
    scalp_mm: float
    skull_mm: float
    folds: Field
    warp: tuple[Field, Field, Field]
    warp_mm: float
    neck_mm: float
    spots: tuple[Lesion, ...]

    def canvas(self, places_zyx: Floats, voxel_mm: float) -> Canvas:
        """`places_zyx` (3, …) in mm of this head, around the middle of its brain; the canvas is of the usual one."""
        x, y, z = self.size
        usual = places_zyx / np.array([z, y, x], np.float32).reshape(3, *([1] * (places_zyx.ndim - 1)))
        bent = [
            place + np.float32(self.warp_mm) * field.at(usual) for place, field in zip(usual, self.warp, strict=True)
        ]
        return Canvas.blank(np.stack(bent), voxel_mm / float(np.cbrt(x * y * z)))

    def paint(self, canvas: Canvas, bright: Mapping[str, float]) -> None:
        self._outside(canvas, bright)
        brain = canvas.part(canvas.ball((0, 0, 0), HALF) > -1)
        self._cerebrum(brain, bright)
        self._ventricles(brain, bright)
        self._behind(brain, bright)
        for spot in self.spots:
            near = brain.part(brain.box(spot.middle, (spot.radius_mm + 2,) * 3))
            near.paint(bright["spot"], near.ball(spot.middle, (spot.radius_mm,) * 3))
            near.put_back()
        for side, sizes in zip(SIGNS, self.ageing.temporal, strict=True):
            paint_medial(brain, side, sizes, bright)
        brain.put_back()

    def acted_on(self, canvas: Canvas) -> Mask:
        """Where the disease acts in this head, and thinned its cortex or age did; nowhere in a healthy one."""
        found = np.zeros(canvas.x.shape, bool)
        if not self.ageing.ill:
            return found
        for side, sizes in zip(SIGNS, self.ageing.temporal, strict=True):
            found |= acted_on(canvas, side, sizes)
        for place in self.ageing.thinned:
            near = canvas.part(canvas.box(place.middle, (place.radius_mm,) * 3))
            found[near.index] |= near.ball(place.middle, (place.radius_mm,) * 3) > 0
        return found

    def _outside(self, canvas: Canvas, bright: Mapping[str, float]) -> None:
        """Neck, face, scalp, skull with its marrow, fluid, and what lies below the brain."""
        neck = canvas.tube([(0, 16, -60), (0, 26, -170)], [self.neck_mm, self.neck_mm])
        face = canvas.ball((0, -42, -66), (56, 52, 62))
        below = np.maximum(neck, face)
        canvas.paint(bright["fat"], below)
        canvas.paint(bright["muscle"], below - self.scalp_mm)
        canvas.paint(bright["bone"], canvas.tube([(0, 26, -74), (0, 36, -170)], [12, 12]))
        canvas.paint(bright["air"], canvas.tube([(0, -14, -84), (0, -6, -170)], [7, 8]))
        canvas.paint(bright["air"], canvas.ball((0, -62, -52), (11, 26, 17)))
        depth = canvas.ball((0, 0, 0), HALF)
        canvas.paint(bright["fat"], depth + self.skull_mm + self.scalp_mm)
        canvas.paint(bright["bone"], depth + self.skull_mm)
        canvas.paint(bright["marrow"], 0.22 * self.skull_mm - abs(depth + 0.5 * self.skull_mm))
        canvas.paint(bright["csf"], depth)
        canvas.paint(bright["muscle"], np.minimum(_base_mm(canvas) - canvas.z, depth))
        for side in SIGNS:
            x, y, z = _EYES
            eye = canvas.part(canvas.box((side * x, y, z), (18, 20, 18)))
            eye.paint(bright["fat"], eye.ball((side * x, y + 2, z), (15, 17, 15)))
            eye.paint(bright["csf"], eye.ball((side * x, y, z), (11.5, 11.5, 11.5)))
            eye.put_back()

    def _cerebrum(self, canvas: Canvas, bright: Mapping[str, float]) -> None:
        """A folded ribbon of grey matter around white matter: thinner, and its sulci wider, with age and disease."""
        lost = self._lost(canvas)
        outline = _outline(canvas, self.ageing.gap_mm)
        half = 0.5 * self.ageing.sulci_mm + 2.2 * lost
        folds = np.float32(_FOLD_MM) * abs(self.folds.at(np.stack([canvas.z, canvas.y, canvas.x])))
        pial = np.minimum(outline, np.maximum(folds - half, outline - _FOLD_DEEP_MM))
        pial = np.minimum(pial, _fissures(canvas) - 0.4 * self.ageing.sulci_mm)
        thick = self.ageing.cortex_mm * (1 - lost)
        canvas.paint(bright["grey"], pial)
        canvas.paint(bright["white"], pial - thick)

    def _lost(self, canvas: Canvas) -> Floats:
        lost = np.zeros(canvas.x.shape, np.float32)
        for place in self.ageing.thinned:
            reach = 2 * place.radius_mm
            near = np.flatnonzero(canvas.box(place.middle, (reach, reach, reach)))
            away = sum((axis[near] - np.float32(at)) ** 2 for axis, at in
                       zip((canvas.x, canvas.y, canvas.z), place.middle, strict=True))  # fmt: skip
            lost[near] += np.float32(place.lost) * np.exp(-away / np.float32(place.radius_mm**2))
        return np.minimum(lost, 0.65)

    def _ventricles(self, canvas: Canvas, bright: Mapping[str, float]) -> None:
        """With the grey matter beside them."""
        wide = float(np.sqrt(self.ageing.ventricles))
        inner = canvas.part(canvas.box((0, 4, 6), (40, 60, 32)))
        for side in SIGNS:
            inner.paint(bright["deep"], inner.ball((side * 24, -8, 3), (8, 22, 11)))
            inner.paint(bright["white"], inner.tube([(side * 17, -24, 4), (side * 20, 10, 6)], [2.0, 2.5]))
            inner.paint(bright["deep"], inner.ball((side * 10.5, 6, 4), (9, 14, 8.5)))
            inner.paint(bright["deep"], inner.tube([(side * 14, -28, 8), (side * 15, -4, 17)], [5.0, 3.2]))
            body = [(side * x, y, z) for x, y, z in _BODY]
            inner.paint(bright["csf"], inner.tube(body, [wide * radius for radius in _BODY_MM]))
            behind = [(side * x, y, z) for x, y, z in _OCCIPITAL]
            inner.paint(bright["csf"], inner.tube(behind, [5.0 * wide, 1.6 * wide]))
            inner.paint(bright["plexus"], inner.ball((side * 25, 30, 7), (2.2, 5, 2.4)))
        arch = 2.4 - abs(inner.ball((0, -1, 8), (60, 40, 17.5)))
        inner.paint(bright["white"], arch - np.maximum(abs(inner.x) - 9, 0) - np.maximum(8 - inner.z, 0))
        inner.paint(bright["csf"], inner.ball((0, 2, 0), (2.2 * wide, 13, 9)))
        inner.put_back()

    def _behind(self, canvas: Canvas, bright: Mapping[str, float]) -> None:
        """Stem and cerebellum, with fluid around them."""
        low = canvas.part((canvas.z < 4) & (canvas.y > -16))
        stem = [(0, 0, -6), (0, 2, -22), (0, 8, -40), (0, 18, -70)]
        gap = 1.6 + 0.5 * self.ageing.gap_mm
        low.paint(bright["csf"], low.tube(stem, [11 + gap, 13 + gap, 13 + gap, 9 + gap]))
        cerebellum = low.ball((0, 47, -38), (52, 32, 25))
        low.paint(bright["csf"], cerebellum + gap)
        low.paint(bright["grey"], cerebellum)
        leaves = np.sin(1.3 * low.z + 0.0035 * low.x * low.x + 0.25 * low.y)
        low.paint(bright["white"], np.minimum(1.2 * leaves - 0.5, cerebellum - 3.5))
        low.paint(bright["white"], np.minimum(low.ball((0, 38, -38), (27, 14, 10)), cerebellum - 5))
        low.paint(bright["stem"], low.tube(stem, [11, 13, 13, 9]))
        low.paint(bright["csf"], low.ball((0, 23, -40), (6, 3.6, 9)))
        low.put_back()


def _base_mm(canvas: Canvas) -> Floats:
    """How high the base of the skull lies: in front, in the middle beside the sella, and behind."""
    back = _smooth((canvas.y - 6) / 5)
    front = _smooth((-34 - canvas.y) / 5)
    middle = -44 + 22 * _smooth((14 - abs(canvas.x)) / 4)
    return np.asarray(front * -25 + back * -72 + (1 - front - back) * middle, np.float32)


def _smooth(share: Depths) -> Floats:
    return np.asarray(1 / (1 + np.exp(np.clip(-4 * share, -30, 30))), np.float32)


def _outline(canvas: Canvas, gap_mm: float) -> Floats:
    """How many mm below the surface of a cerebrum without folds, which leaves a gap to the skull."""
    inside = canvas.ball((0, 0, 0), HALF) - np.float32(gap_mm)
    behind = 6 * _smooth((canvas.y - 12) / 8)
    aside = 5 * _smooth((abs(canvas.x) - 30) / 6) * _smooth((canvas.y + 20) / 8)
    above = canvas.z + 20 - behind - aside
    lobes = [canvas.ball((side * 42, -5, -25), (21, 42, 18)) for side in SIGNS]
    medial = [canvas.ball((side * 26, 4, -20), (11, 27, 16)) for side in SIGNS]
    return np.asarray(np.minimum(inside, np.maximum.reduce([above, *lobes, *medial])), np.float32)


def _fissures(canvas: Canvas) -> Floats:
    """How many mm from the fissure between the hemispheres and from those above the temporal lobes."""
    around = -canvas.ball((0, -1, 6), (60, 41, 20))
    between = np.maximum(abs(canvas.x), -np.maximum(around, -canvas.z - 2))
    rising = np.float32(0.28) * (canvas.y + 12) - 12
    reach = np.maximum(32 - abs(canvas.x), np.maximum(canvas.y - 30, -44 - canvas.y))
    above = np.maximum(abs(canvas.z - rising) * np.float32(0.96), reach)
    return np.asarray(np.minimum(between, above), np.float32)


def draw_head(rng: Random, ageing: Ageing, *, shifted: bool) -> Head:
    """`shifted` heads vary more in size and shape, and have more spots in their white matter."""
    size = float(np.exp(rng.normal(0, 0.04)))
    x, y, z = (size * float(np.exp(rng.normal(0, 0.035 if shifted else 0.025))) for _ in range(3))
    count = rng.poisson((4 if shifted else 2) + 0.25 * (ageing.age_years - 55))
    return Head(
        size=(x, y, z),
        ageing=ageing,
        scalp_mm=float(rng.uniform(4, 9)),
        skull_mm=float(rng.uniform(4.5, 8.5)),
        folds=Field(rng, _FOLD_GRAIN_MM),
        warp=(Field(rng, 18.0), Field(rng, 18.0), Field(rng, 18.0)),
        warp_mm=float(rng.uniform(1.0, 2.4)),
        neck_mm=float(rng.uniform(48, 62)),
        spots=tuple(_spot(rng) for _ in range(count)),
    )


def _spot(rng: Random) -> Lesion:
    side = SIGNS[int(rng.integers(2))]
    x, y, z = side * rng.uniform(16, 36), rng.uniform(-45, 48), rng.uniform(8, 34)
    return Lesion((float(x), float(y), float(z)), float(rng.uniform(1.2, 4.0)))
