"""Where a brain takes up less sugar than others, and why: a random state, a group and an age in, places out.

Alzheimer's disease begins at a few places and reaches others later, one side often before the other. Everybody's cortex
loses uptake at some place, from age, an old injury, vessels or other diseases; what tells the disease apart is where
and together with what, not how much.
"""

from dataclasses import dataclass

import numpy as np

from export.phantoms.ageing import SIGNS
from export.phantoms.ageing.ageing import AGES
from export.phantoms.ageing.canvas import Vector
from export.phantoms.brain.anatomy import Random
from export.phantoms.metabolism import ILL, Group


@dataclass(frozen=True)
class Hub:
    """On the left side, x to the left, y to the back, z up; the disease reaches it at the stage `from_stage`."""

    middle: Vector
    radius_mm: float
    from_stage: float


HUBS = {
    "posterior cingulate": Hub((6.0, 36.0, 24.0), 13.0, 0.0),
    "precuneus": Hub((8.0, 52.0, 32.0), 14.0, 0.1),
    "inferior parietal": Hub((49.0, 41.0, 21.0), 15.0, 0.12),
    "medial temporal": Hub((25.0, 2.0, -23.0), 14.0, 0.1),
    "lateral temporal": Hub((57.0, 6.0, -20.0), 15.0, 0.25),
    "lateral frontal": Hub((40.0, -46.0, 24.0), 16.0, 0.75),
}
# Places that the disease spares and other reasons lower: middle and radius in mm.
ELSEWHERE: dict[str, tuple[Vector, float]] = {
    "sensorimotor": ((42.0, 2.0, 42.0), 15.0),
    "superior parietal": ((28.0, 34.0, 46.0), 13.0),
    "visual": ((12.0, 74.0, 2.0), 15.0),
    "lateral occipital": ((44.0, 60.0, 0.0), 14.0),
    "superior temporal": ((58.0, -6.0, 2.0), 13.0),
    "temporal pole": ((38.0, -36.0, -28.0), 13.0),
    "orbitofrontal": ((22.0, -56.0, -16.0), 14.0),
    "anterior cingulate": ((6.0, -40.0, 14.0), 14.0),
    "superior frontal": ((16.0, -44.0, 42.0), 15.0),
    "inferior frontal": ((48.0, -36.0, 4.0), 14.0),
    "premotor": ((32.0, -18.0, 48.0), 13.0),
}
# What else lowers uptake in those whose impairment stays, each as often: names of both tables, of which some are hit.
_REASONS: tuple[tuple[str, ...], ...] = (
    (),
    ("visual", "lateral occipital", "superior parietal", "inferior parietal", "precuneus"),
    ("anterior cingulate", "superior frontal", "inferior frontal", "orbitofrontal", "temporal pole", "lateral frontal"),
    ("medial temporal", "temporal pole", "superior temporal", "lateral temporal", "orbitofrontal"),
    (*HUBS, *ELSEWHERE),
)
_STAGES: dict[Group, tuple[float, float]] = {
    "normal": (0.0, 0.0), "stable": (0.0, 0.0), "converting": (0.55, 0.95), "alzheimer": (0.8, 1.25),
}  # fmt: skip
_DEEPEST = 0.19
_ONE_SIDED, _SKIPPED, _OTHERS = 0.6, 0.25, 1.6
_HIT, _HIT_MOST = 0.75, 8
_RESTING, _RESTING_WIDE = 0.14, 1.9
_SCARRED = 0.15
_WIDE_MM, _WIDE = (34.0, 55.0), 0.075
_SLOPE = (0.025, 0.065, 0.04)


@dataclass(frozen=True)
class Lowering:
    """Uptake loses the share `lost` in the middle of a place, less towards its border; more of it where negative."""

    middle: Vector
    radius_mm: float
    lost: float


@dataclass(frozen=True)
class Metabolism:
    """`impairment` are the places of what impairs somebody, `others` those of all else; `slope` is how much more there
    is at the left, back and upper end of the brain than in its middle.
    """

    group: Group
    stage: float
    impairment: tuple[Lowering, ...]
    others: tuple[Lowering, ...]
    slope: Vector

    @property
    def ill(self) -> bool:
        return self.group in ILL

    @property
    def disease(self) -> tuple[Lowering, ...]:
        """The places of Alzheimer's disease."""
        return self.impairment if self.ill else ()


def draw_metabolism(rng: Random, group: Group, age_years: float) -> Metabolism:
    """What everybody has is the same in all groups."""
    own, usual = rng.spawn(2)
    stage, sides = float(own.uniform(*_STAGES[group])), _sides(own)
    impairment = _of_disease(own, stage, sides) if group in ILL else ()
    if group == "stable":
        impairment = _of_other_reasons(own, sides)
    aside, back, up = (float(usual.normal(0, each)) for each in _SLOPE)
    others = (*_of_age(usual, age_years), *_resting(usual), *_anywhere(usual), *_wide(usual), *_scars(usual))
    return Metabolism(group, stage, impairment, others, (aside, back, up))


def _sides(rng: Random) -> tuple[float, float]:
    """How much the left and the right one have of what lowers both: in most people the one more than the other."""
    weaker = float(rng.uniform(0.15, 0.7)) if rng.random() < _ONE_SIDED else float(rng.uniform(0.75, 1.0))
    return (1.0, weaker) if rng.random() < 0.5 else (weaker, 1.0)


def _of_disease(rng: Random, stage: float, sides: tuple[float, float]) -> tuple[Lowering, ...]:
    """Some places are spared although it is their time."""
    made = []
    for hub in HUBS.values():
        if rng.random() < _SKIPPED:
            continue
        reached = float(np.clip((stage - hub.from_stage) / 0.5, 0, 1))
        for side, share in zip(SIGNS, sides, strict=True):
            lost = _DEEPEST * reached * share * float(np.exp(rng.normal(0, 0.25)))
            if lost > 0:
                made.append(_near(rng, hub.middle, side, hub.radius_mm, min(lost, 0.5)))
    return tuple(made)


def _of_other_reasons(rng: Random, sides: tuple[float, float]) -> tuple[Lowering, ...]:
    """As deep as the disease's places, and as many."""
    names = _REASONS[int(rng.integers(len(_REASONS)))]
    made = []
    for name in rng.permutation(names)[:_HIT_MOST]:
        middle, radius = (HUBS[name].middle, HUBS[name].radius_mm) if name in HUBS else ELSEWHERE[name]
        for side, share in zip(SIGNS, sides, strict=True):
            if rng.random() < _HIT:
                lost = _DEEPEST * share * float(rng.uniform(0.5, 1.3))
                made.append(_near(rng, middle, side, radius, lost))
    return tuple(made)


def _resting(rng: Random) -> tuple[Lowering, ...]:
    """The parts of the brain that the disease begins in are those at work in somebody who lies and thinks of nothing:
    all of them together take up more or less, by how somebody rests, and so do their surroundings.
    """
    less = float(rng.normal(0, _RESTING))
    return tuple(
        _near(rng, hub.middle, side, _RESTING_WIDE * hub.radius_mm, less * float(rng.uniform(0.6, 1.4)))
        for hub in HUBS.values()
        for side in SIGNS
    )


def _near(rng: Random, middle: Vector, side: int, radius_mm: float, lost: float) -> Lowering:
    x, y, z = np.array(middle) + rng.normal(0, 2.5, 3)
    return Lowering((side * float(x), float(y), float(z)), radius_mm * float(rng.uniform(0.85, 1.15)), lost)


def _of_age(rng: Random, age_years: float) -> tuple[Lowering, ...]:
    """The frontal lobes and the cingulate gyrus in front lose most of it, on both sides."""
    years = (age_years - AGES[0]) / (AGES[1] - AGES[0])
    lost = years * float(rng.uniform(0.03, 0.16))
    return tuple(Lowering((side * 14.0, -46.0, 20.0), 34.0, lost) for side in SIGNS)


def _anywhere(rng: Random) -> tuple[Lowering, ...]:
    """A few places, at any of which the disease might be, or not."""
    places = [(hub.middle, hub.radius_mm) for hub in HUBS.values()] + list(ELSEWHERE.values())
    made = []
    for _ in range(int(rng.poisson(_OTHERS))):
        middle, radius = places[int(rng.integers(len(places)))]
        made.append(_near(rng, middle, SIGNS[int(rng.integers(2))], radius, _DEEPEST * float(rng.uniform(0.35, 1.15))))
    return tuple(made)


def _wide(rng: Random) -> tuple[Lowering, ...]:
    """Whole lobes that take up somewhat less, or more."""
    made = []
    for _ in range(int(rng.integers(2, 5))):
        away = rng.normal(0, 1, 3)
        x, y, z = away / np.linalg.norm(away) * (50, 64, 46)
        radius, lost = float(rng.uniform(*_WIDE_MM)), float(rng.normal(0, _WIDE))
        made.append(Lowering((float(x), float(y), float(z)), radius, lost))
    return tuple(made)


def _scars(rng: Random) -> tuple[Lowering, ...]:
    """Of an old infarct, in some: small and deep."""
    if rng.random() >= _SCARRED:
        return ()
    middle, _ = list(ELSEWHERE.values())[int(rng.integers(len(ELSEWHERE)))]
    return (_near(rng, middle, SIGNS[int(rng.integers(2))], float(rng.uniform(6, 11)), float(rng.uniform(0.5, 0.9))),)
