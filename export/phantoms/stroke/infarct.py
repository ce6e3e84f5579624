"""Acute infarcts: a head and a seed in, where the infarct lies, how large it is and what it has changed out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.phantoms.brain.anatomy import Field, Floats, Labels, Random
from export.phantoms.stroke.head import ACA, CEREBELLUM, MCA, PARENCHYMA, PCA, Head
from export.phantoms.stroke.vessels import Vessel

_SHARES = {MCA: 0.68, PCA: 0.14, ACA: 0.08, CEREBELLUM: 0.10}
_LEAST_ML, _MOST_ML = 5.0, {MCA: 135.0, ACA: 45.0, PCA: 60.0, CEREBELLUM: 50.0}
"""Before swelling, which adds about a tenth: closed furrows are tissue then."""
_LEFT_FILLED = (0.05, 0.5)
"""Where tissue dies, less than about half of its blood is left: the usual bound of perfusion CT."""
_MOST_OF_TERRITORY = 0.8
_GRID_MM = 4.0
# Where an infarct begins (z, y, x): on the left, and how far around that.
_MIDDLES = {
    MCA: ((8.0, 2.0, 40.0), (14.0, 22.0, 8.0)),
    ACA: ((26.0, -30.0, 7.0), (16.0, 20.0, 2.0)),
    PCA: ((2.0, 56.0, 18.0), (8.0, 8.0, 8.0)),
    CEREBELLUM: ((-52.0, 44.0, 24.0), (8.0, 6.0, 8.0)),
}


@dataclass(frozen=True, eq=False)
class Infarct:
    """`side` is 1 on the patient's left, -1 on the right; `left_filled` is how full its vessels are.

    It takes what lies within `reach_mm` of its middle, by a distance that wobbles, in its territory and on its side.
    Water has made it `darker_hu`; what its vessels lack of contrast its tissue lacks, too, most of all grey matter.
    """

    territory: int
    side: int
    middle_zyx: tuple[float, float, float]
    stretch_zyx: tuple[float, float, float]
    wobble_mm: float
    reach_mm: float
    darker_hu: float
    left_filled: float
    swollen: float
    pushed_mm: float
    trunk: bool

    def depth(self, head: Head, borders: Field, places: Floats) -> Floats:
        """How many mm inside, negative outside; of places as `Head.warped` gives them."""
        inside = self.reach_mm - self._distance(borders, places)
        own = (head.territory(places) == self.territory) & (places[2] * self.side > 0)
        return np.where(own, inside, np.float32(-99)).astype(np.float32)

    def _distance(self, borders: Field, places: Floats) -> Floats:
        away = np.sqrt(
            sum(
                ((place - at) / stretch) ** 2
                for place, at, stretch in zip(places, self.middle_zyx, self.stretch_zyx, strict=True)
            )
        )
        return np.asarray(away + self.wobble_mm * borders.at(places + 17), np.float32)

    def lost_hu(self, depth: Floats, tissues: Labels, contrast_hu: Floats, uneven: Floats) -> Floats:
        """How much darker each place has become, of which `contrast_hu` came from contrast: little at the border."""
        share = np.clip(0.35 + depth / 6, 0, 1) * (1 + 0.25 * uneven)
        taken = (depth > 0) & np.isin(tissues, PARENCHYMA)
        return np.where(taken, share * (self.darker_hu + (1 - self.left_filled) * contrast_hu), 0).astype(np.float32)

    def filling(self, vessel: Vessel, inside_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of the contrast at each point of an artery, of which `inside_mm` tells how deep it lies within."""
        share = np.where(inside_mm > -4, self.left_filled, 1.0)
        if self.trunk and vessel.territory == self.territory and vessel.side == self.side:
            share = np.minimum(share, np.linspace(1.0, self.left_filled, len(share)) ** 0.5)
        return share


def draw_infarct(rng: Random, head: Head, borders: Field) -> Infarct:
    territory = int(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    wanted_ml = float(np.exp(rng.uniform(np.log(_LEAST_ML), np.log(_MOST_ML[territory]))))
    side = 1 if rng.random() < 0.5 else -1
    middle, spread = (np.array(each) for each in _MIDDLES[territory])
    middle = middle + spread * rng.uniform(-1, 1, 3)
    drawn = Infarct(
        territory=territory,
        side=side,
        middle_zyx=(float(middle[0]), float(middle[1]), float(side * max(middle[2], 3.0))),
        stretch_zyx=(float(rng.uniform(0.8, 1.25)), float(rng.uniform(0.8, 1.3)), float(rng.uniform(0.8, 1.2))),
        wobble_mm=float(rng.uniform(1.5, 4.0)),
        reach_mm=0.0,
        darker_hu=float(rng.uniform(2.0, 6.0)),
        left_filled=float(rng.uniform(*_LEFT_FILLED)),
        swollen=float(rng.uniform(0.2, 1.0)),
        pushed_mm=float(-side * rng.uniform(0, 0.03) * wanted_ml) if territory != CEREBELLUM else 0.0,
        trunk=bool(wanted_ml > 30 or rng.random() < 0.4),
    )
    return _as_large(drawn, head, borders, wanted_ml)


def _as_large(drawn: Infarct, head: Head, borders: Field, wanted_ml: float) -> Infarct:
    """With the reach that gives it its volume, at most most of the territory."""
    axes = [np.arange(-half, half + 1, _GRID_MM, dtype=np.float32) for half in (76, 96, 76)]
    places = head.warped(np.stack(np.meshgrid(*axes, indexing="ij")))
    tissues = head.tissue(places, np.zeros(places.shape[1:], np.float32), 0.0)
    own = (head.territory(places) == drawn.territory) & (places[2] * drawn.side > 0) & np.isin(tissues, PARENCHYMA)
    distances = np.sort(drawn._distance(borders, places)[own])
    count = min(wanted_ml * 1000 / _GRID_MM**3, _MOST_OF_TERRITORY * len(distances))
    fields = {**vars(drawn), "reach_mm": float(distances[max(int(count), 1) - 1])}
    return Infarct(**fields)
