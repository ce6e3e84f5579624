"""What age and Alzheimer's disease do to a brain: a random state in, sizes of its structures out.

Ageing shrinks everybody's hippocampi, thins the cortex and widens ventricles; the disease does more of it, most in the
medial temporal lobe and at some places of the cortex. People differ by as much, so no single size tells who is ill.
"""

from dataclasses import dataclass

import numpy as np

from export.phantoms.ageing import SIGNS
from export.phantoms.ageing.canvas import Vector
from export.phantoms.brain.anatomy import Random

AGES = (55.0, 90.0)
# Of the cortex, on one side: middle and radius in mm.
PLACES: dict[str, tuple[Vector, float]] = {
    "precuneus": ((7.0, 40.0, 26.0), 15.0),
    "inferior parietal": ((49.0, 40.0, 20.0), 16.0),
    "lateral temporal": ((57.0, -2.0, -20.0), 16.0),
    "superior frontal": ((20.0, -46.0, 38.0), 15.0),
    "temporal pole": ((38.0, -36.0, -30.0), 13.0),
}
_SPARING, _LIMBIC = 0.1, 0.2
_SMALL_BY_BIRTH, _WIDE_VENTRICLES = 0.12, 0.15


@dataclass(frozen=True)
class Thinning:
    """The cortex loses the share `lost` in the middle of a place, less towards its border."""

    middle: Vector
    radius_mm: float
    lost: float


@dataclass(frozen=True)
class Temporal:
    """One medial temporal lobe. `cavity` is the hippocampus's volume before it shrank to `hippocampus`, as shares of
    the usual; `entorhinal_mm` is how thick that cortex is, `horn_mm` the radius of the temporal horn.
    """

    cavity: float
    hippocampus: float
    amygdala: float
    entorhinal_mm: float
    horn_mm: float


@dataclass(frozen=True)
class Ageing:
    """`temporal` is of the left side and the right one; `ventricles` a factor, `sulci_mm` their width."""

    age_years: float
    ill: bool
    severity: float
    temporal: tuple[Temporal, Temporal]
    thinned: tuple[Thinning, ...]
    ventricles: float
    cortex_mm: float
    sulci_mm: float
    gap_mm: float


def draw_ageing(rng: Random, *, ill: bool) -> Ageing:
    age = float(np.clip(rng.uniform(*AGES) + (1.5 if ill else 0), *AGES))
    years = (age - AGES[0]) / (AGES[1] - AGES[0])
    severity = float(rng.uniform(0.6, 1.25)) if ill else 0.0
    kind = rng.random()
    limbic = severity * (0.35 if kind < _SPARING else 1.0)
    cortical = severity * (0.0 if 1 - kind < _LIMBIC else 1.0)
    wide = 1.45 if rng.random() < _WIDE_VENTRICLES else 1.0
    size = float(np.exp(rng.normal(0, 0.08)))
    born = _born_small(rng)
    return Ageing(
        age_years=age,
        ill=ill,
        severity=severity,
        temporal=(
            _temporal(rng, years, limbic, wide, size * born[0]),
            _temporal(rng, years, limbic, wide, size * born[1]),
        ),
        thinned=_thinned(rng, years, cortical),
        ventricles=float(wide * np.exp(rng.normal(0, 0.16)) * (0.85 + 0.45 * years + 0.15 * severity)),
        cortex_mm=float(3.1 - 0.35 * years - 0.1 * cortical + rng.normal(0, 0.18)),
        sulci_mm=float(np.maximum(0.5 + 1.3 * years + 0.25 * cortical + rng.normal(0, 0.3), 0.2)),
        gap_mm=float(np.maximum(1.0 + 2.6 * years + 0.4 * cortical + rng.normal(0, 0.6), 0.6)),
    )


def _born_small(rng: Random) -> tuple[float, float]:
    """Now and then one side was always small, without any loss beside it."""
    if rng.random() >= _SMALL_BY_BIRTH:
        return 1.0, 1.0
    small = float(rng.uniform(0.72, 0.85))
    return (small, 1.0) if rng.random() < 0.5 else (1.0, small)


def _temporal(rng: Random, years: float, limbic: float, wide: float, size: float) -> Temporal:
    cavity = size * float(np.exp(rng.normal(0, 0.04)))
    lost = 1 - (1 - 0.15 * years) * (1 - limbic * float(rng.uniform(0.12, 0.32)))
    thin = (1 - 0.12 * years) * (1 - limbic * float(rng.uniform(0.1, 0.34)))
    horn = 1.5 * (1 + 0.6 * years) * wide * float(np.exp(rng.normal(0, 0.18)))
    return Temporal(
        cavity=cavity,
        hippocampus=cavity * (1 - lost),
        amygdala=float(np.exp(rng.normal(0, 0.08))) * (1 - 0.1 * years) * (1 - limbic * float(rng.uniform(0.05, 0.25))),
        entorhinal_mm=3.3 * float(np.exp(rng.normal(0, 0.09))) * thin,
        horn_mm=horn + limbic * float(rng.uniform(0.2, 1.0)),
    )


def _thinned(rng: Random, years: float, cortical: float) -> tuple[Thinning, ...]:
    """Some places of anybody's cortex, from age or an old injury, and more and deeper ones from the disease."""
    places = [(middle, radius, side) for middle, radius in PLACES.values() for side in SIGNS]
    usual = min(int(rng.poisson(0.5 + 1.3 * years)), 3)
    more = int(rng.integers(3, 7)) if cortical else 0
    made = []
    for number, place in enumerate(rng.permutation(len(places))[: usual + more]):
        (x, y, z), radius, side = places[int(place)]
        lost = rng.uniform(0.1, 0.35) if number < usual else min(rng.uniform(0.2, 0.48) * cortical, 0.6)
        made.append(Thinning((side * x, y, z), radius, float(lost)))
    return tuple(made)
