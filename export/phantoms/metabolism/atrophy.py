"""What a brain has lost beside its uptake: healthy ageing in, the same with what impairs somebody added to it out."""

from dataclasses import replace

import numpy as np

from export.phantoms.ageing.ageing import Ageing, Temporal, Thinning
from export.phantoms.brain.anatomy import Random
from export.phantoms.metabolism.lowering import Metabolism

_OTHER_REASONS, _MOST_LOST = 0.6, 0.3
"""So many of those whose impairment stays have lost much of the medial temporal lobes, too."""


def worn(rng: Random, ageing: Ageing, metabolism: Metabolism) -> Ageing:
    """Thin cortex and small hippocampi lower what a scanner sees of the uptake there, by partial volume."""
    other = metabolism.group == "stable" and rng.random() < _OTHER_REASONS
    wear = float(rng.uniform(0.2, 1.0)) if other else metabolism.stage
    thinned = [
        Thinning(place.middle, place.radius_mm, min(place.lost * float(rng.uniform(0, 0.9)), _MOST_LOST))
        for place in metabolism.impairment
    ]
    first, second = (_smaller(rng, side, wear) for side in ageing.temporal)
    return replace(
        ageing,
        temporal=(first, second),
        thinned=(*ageing.thinned, *thinned),
        ventricles=ageing.ventricles * float(np.exp(0.1 * wear)),
    )


def _smaller(rng: Random, side: Temporal, wear: float) -> Temporal:
    kept = 1 - wear * float(rng.uniform(0.03, 0.2))
    thin = 1 - wear * float(rng.uniform(0.0, 0.2))
    return replace(
        side,
        hippocampus=side.hippocampus * kept,
        amygdala=side.amygdala * kept,
        entorhinal_mm=side.entorhinal_mm * thin,
    )
