"""A patient's seed in, one view as the beam loses it on its way out, with what lies in it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from export.phantoms.mammography.anatomy import Breast, View, breast
from export.phantoms.mammography.lesions import Lesion, lookalike, mass
from export.phantoms.mammography.sheet import Floats, Window

WITH_MASS = 0.6  # of the patients
_SECOND_MASS = 0.12
_SMALLEST_MM, _LARGEST_MM = 3.5, 15.0


@dataclass(frozen=True)
class Drawing:
    """One view. `lesions` are masses first; `masses` says how many there are."""

    seed: int
    view: View
    shifted: bool
    breast: Breast
    lesions: tuple[Lesion, ...]

    @property
    def masses(self) -> tuple[Lesion, ...]:
        return tuple(lesion for lesion in self.lesions if lesion.kind == "mass")

    @property
    def lookalikes(self) -> tuple[Lesion, ...]:
        return tuple(lesion for lesion in self.lesions if lesion.kind != "mass")

    @cached_property
    def _surroundings(self) -> tuple[float, ...]:
        """The mean of the tissue about each lesion, drawn coarsely so that every window sees the same."""
        means = []
        for lesion in self.lesions:
            side = 3 * lesion.radius
            window = Window(lesion.y - side / 2, lesion.x - side / 2, 24, 24, side / 24)
            means.append(float(self.breast.tissue(window, self.breast.radius(window)).mean()))
        return tuple(means)

    def loss(self, window: Window) -> tuple[Floats, Floats]:
        """What the beam loses (0 in air, about 1 in fat of full thickness), and the thickness from 0 to 1."""
        radius = self.breast.radius(window)
        tissue = self.breast.tissue(window, radius)
        for lesion, around in zip(self.lesions, self._surroundings, strict=True):
            lesion.put_into(tissue, window, around)
        muscle = self.breast.in_muscle(window)
        skin = 0.25 * np.exp(-(((1 - radius) * self.breast.depth - 1.0) ** 2)) * (1 - muscle)
        body = np.maximum(self.breast.thickness(radius) * (radius < 1), muscle * 0.95)
        return np.asarray(body * (1 + tissue + skin), np.float32), np.asarray(body, np.float32)

    def truth(self, window: Window) -> NDArray[np.bool_]:
        """Where a mass is."""
        found = np.zeros((window.rows, window.columns), bool)
        for lesion in self.masses:
            found |= lesion.mask(window)
        return found


def draw(seed: int, view: View, *, shifted: bool = False, with_mass: bool | None = None) -> Drawing:
    """The same seed is the same patient: a mass lies in one of her breasts and is seen on both of its views."""
    of_patient = np.random.default_rng([seed, int(shifted), 311])
    ill = bool(of_patient.random() < WITH_MASS) if with_mass is None else with_mass
    side = "R" if of_patient.random() < 0.5 else "L"
    radius = float(np.exp(of_patient.uniform(np.log(_SMALLEST_MM), np.log(_LARGEST_MM))))
    deep = float(of_patient.uniform(0.04, 0.8))
    own = np.random.default_rng([seed, int(shifted), ("RCC", "LCC", "RMLO", "LMLO").index(view), 312])
    of_view = breast(seed, view, shifted=shifted)
    key = (seed, int(shifted), ord(view[0]), ord(view[1]))
    lesions: list[Lesion] = []
    if ill and view[0] == side:
        y, x = _place(own, of_view, radius, deep)
        lesions.append(mass(own, y, x, radius, (*key, 1), shifted))
        if own.random() < _SECOND_MASS:
            small = float(own.uniform(_SMALLEST_MM, 8))
            y, x = _free_place(own, of_view, small, lesions)
            lesions.append(mass(own, y, x, small, (*key, 2), shifted))
    for number in range(own.integers(3, 7)):
        size = float(np.exp(own.uniform(np.log(_SMALLEST_MM), np.log(_LARGEST_MM))))
        y, x = _free_place(own, of_view, size, lesions)
        kind: str = "node" if own.random() < 0.3 else "island"
        size = min(size, 7.0) if kind == "node" else size
        lesions.append(lookalike(own, "node" if kind == "node" else "island", y, x, size, (*key, 10 + number), shifted))
    return Drawing(seed, view, shifted, of_view, tuple(lesions))


def _place(rng: np.random.Generator, of: Breast, radius: float, deep: float) -> tuple[float, float]:
    """Within the breast, as deep as wanted; some of them at the chest wall, where the image ends."""
    x = deep * (of.depth - radius - 4)
    left = max(1 - ((x + radius) / of.depth) ** of.power, 0.02) ** (1 / of.power) * of.half_height - radius - 3
    return of.middle_y + float(rng.uniform(-0.85, 0.85)) * max(left, 0.0), x


def _free_place(rng: np.random.Generator, of: Breast, radius: float, taken: list[Lesion]) -> tuple[float, float]:
    """Where nothing else lies, as far as a few tries find."""
    for _ in range(30):
        y, x = _place(rng, of, radius, float(rng.uniform(0.03, 0.85)))
        if all(np.hypot(y - each.y, x - each.x) > 1.5 * (radius + each.radius) + 3 for each in taken):
            break
    return y, x
