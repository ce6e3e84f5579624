"""A patient's seed, a view and a time in, her breast then out: lesions that stay or grow, seen anew each time.

What `drawing` draws of the same seed lies under it: the breast, and what looks like a lesion and is none.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from export.phantoms.mammography.acquisition import Machine, machine
from export.phantoms.mammography.anatomy import VIEWS, Breast, View
from export.phantoms.mammography.drawing import Drawing, draw
from export.phantoms.mammography.lesions import Lesion
from export.phantoms.mammography.sheet import Floats, Window
from export.phantoms.mammography.suspects import Signs, radius, signs, suspect

When = Literal["now", "before"]
TIMES: tuple[When, ...] = get_args(When)
Ill = Literal["malignant", "benign", "none"]
_MALIGNANT, _BENIGN = 0.42, 0.36  # of the patients, in one breast
_BENIGN_BESIDE = 0.25  # in the other breast
_NEW = {"malignant": 0.3, "benign": 0.08}


@dataclass(frozen=True)
class Suspect:
    """`deep` and `along` place it in the breast; `then` is the share of the radius that it had before, or 0."""

    side: str
    malignant: bool
    radius: float
    deep: float
    along: float
    then: float
    signs: Signs


@dataclass(frozen=True)
class Moved:
    """How a breast lies otherwise than at the last time: what a window shows is taken from elsewhere."""

    down_mm: float = 0.0
    across_mm: float = 0.0
    scale: float = 1.0

    def __call__(self, window: Window) -> Window:
        top, left = window.top_mm * self.scale + self.down_mm, window.left_mm * self.scale + self.across_mm
        return Window(top, left, window.rows, window.columns, window.pixel_mm * self.scale)


@dataclass(frozen=True)
class History:
    seed: int
    shifted: bool
    suspects: tuple[Suspect, ...]
    days: int

    def malignant(self, side: str) -> bool:
        return any(each.malignant for each in self.suspects if each.side == side)


@dataclass(frozen=True)
class Examined(Drawing):
    """A view at one of the times; `malignant` says it of each of the masses."""

    malignant: tuple[bool, ...]
    moved: Moved

    def loss(self, window: Window) -> tuple[Floats, Floats]:
        return super().loss(self.moved(window))

    def truth(self, window: Window) -> NDArray[np.bool_]:
        return super().truth(self.moved(window))

    def malignancy(self, window: Window) -> NDArray[np.bool_]:
        """Where a malignant lesion is."""
        found = np.zeros((window.rows, window.columns), bool)
        for lesion, malignant in zip(self.masses, self.malignant, strict=True):
            found |= lesion.mask(self.moved(window)) & malignant
        return found


@cache
def history(seed: int, *, shifted: bool = False, ill: Ill | None = None) -> History:
    """`ill` is what one of her breasts has; by chance without it."""
    rng = np.random.default_rng([seed, int(shifted), 611])
    drawn = float(rng.random())
    by_chance: Ill = "malignant" if drawn < _MALIGNANT else "benign" if drawn < _MALIGNANT + _BENIGN else "none"
    ill = ill or by_chance
    side, other = ("R", "L") if rng.random() < 0.5 else ("L", "R")
    beside = rng.random() < _BENIGN_BESIDE
    suspects = [] if ill == "none" else [_suspect(rng, side, ill == "malignant", shifted)]
    suspects += [_suspect(rng, other, False, shifted)] if beside else []
    return History(seed, shifted, tuple(suspects), int(rng.integers(340, 790)))


def _suspect(rng: np.random.Generator, side: str, malignant: bool, shifted: bool) -> Suspect:
    new = rng.random() < _NEW["malignant" if malignant else "benign"]
    stays = float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.15))
    grows = float(rng.uniform(0.55, 1.02))
    return Suspect(
        side, malignant, radius(rng), float(rng.uniform(0.06, 0.8)), float(rng.uniform(-0.85, 0.85)),
        0.0 if new else grows if malignant else stays, signs(rng, malignant=malignant, shifted=shifted),
    )  # fmt: skip


def examined(seed: int, view: View, when: When, *, shifted: bool = False, ill: Ill | None = None) -> Examined:
    plain = draw(seed, view, shifted=shifted, with_mass=False)
    key = (seed, int(shifted), VIEWS.index(view))
    found: list[tuple[Lesion, bool]] = []
    for number, each in enumerate(history(seed, shifted=shifted, ill=ill).suspects):
        size = each.radius * (1.0 if when == "now" else each.then)
        if each.side == view[0] and size:
            found.append((_lesion(each, size, plain.breast, (*key, number)), each.malignant))
    lesions = [lesion for lesion, _ in found]
    beside = [each for each in plain.lookalikes if all(_apart(each, lesion) for lesion in lesions)]
    return Examined(
        # Noise is drawn by the seed, and no two exposures have the same.
        seed=8 * seed + 4 * TIMES.index(when) + VIEWS.index(view), view=view, shifted=shifted, breast=plain.breast,
        lesions=(*lesions, *beside), malignant=tuple(malignant for _, malignant in found), moved=_moved(key, when),
    )  # fmt: skip


def _lesion(of: Suspect, size: float, breast: Breast, key: tuple[int, ...]) -> Lesion:
    """At the same place and with the same outline each time, however large it is."""
    rng = np.random.default_rng([*key, 612])
    x = float(np.clip(of.deep + rng.normal(0, 0.03), 0.05, 0.85)) * (breast.depth - of.radius - 4)
    room = max(1 - ((x + of.radius) / breast.depth) ** breast.power, 0.02) ** (1 / breast.power) * breast.half_height
    along = float(np.clip(of.along + rng.normal(0, 0.15), -0.85, 0.85))
    return suspect(rng, breast.middle_y + along * max(room - of.radius - 3, 0.0), x, size, of.signs, (*key, 613))


def _apart(one: Lesion, other: Lesion) -> bool:
    return bool(np.hypot(one.y - other.y, one.x - other.x) > 1.3 * (one.radius + other.radius) + 3)


def _moved(key: tuple[int, ...], when: When) -> Moved:
    if when == "now":
        return Moved()
    rng = np.random.default_rng([*key, 614])
    return Moved(float(rng.normal(0, 5)), float(rng.normal(0, 2.5)), float(np.exp(rng.normal(0, 0.03))))


def machine_of(seed: int, when: When, *, shifted: bool = False) -> Machine:
    """Half of the patients come to another one the next time."""
    other = when == "before" and np.random.default_rng([seed, int(shifted), 615]).random() < 0.5
    return machine(seed + 500_000 if other else seed, shifted=shifted)
