"""How much of the tracer is where: a canvas with its tissues painted in, lowered and raised by place, changed in it."""

from collections.abc import Mapping

import numpy as np

from export.phantoms.ageing import SIGNS
from export.phantoms.ageing.canvas import Canvas, Mask
from export.phantoms.ageing.head import HALF
from export.phantoms.brain.anatomy import Random
from export.phantoms.metabolism.lowering import HUBS, Lowering, Metabolism

FDG: Mapping[str, float] = {
    "air": 0, "fat": 7, "muscle": 17, "bone": 6, "marrow": 15, "csf": 2, "grey": 100, "hippocampus": 72, "white": 26,
    "deep": 108, "stem": 52, "plexus": 30, "spot": 20,
}  # fmt: skip
"""Grey matter four times as much as white."""
AMYLOID: Mapping[str, float] = {
    "air": 0, "fat": 16, "muscle": 22, "bone": 14, "marrow": 22, "csf": 8, "grey": 40, "hippocampus": 40, "white": 92,
    "deep": 68, "stem": 88, "plexus": 60, "spot": 60,
}  # fmt: skip
_CEREBELLUM, _CEREBELLUM_MM = (0.0, 47.0, -38.0), (52.0, 32.0, 25.0)
# Of everybody's cortex: middle and radius in mm, on both sides; how much less than elsewhere.
_USUAL = (
    ((10.0, 74.0, 4.0), 24.0, -0.14),
    ((6.0, 40.0, 26.0), 18.0, -0.12),
    ((16.0, -30.0, 4.0), 20.0, -0.05),
    ((26.0, -4.0, -24.0), 24.0, 0.14),
    ((36.0, -38.0, -30.0), 20.0, 0.12),
)
_REACH = 2.2


def draw_uptake(rng: Random, *, shifted: bool) -> dict[str, float]:
    """Of each tissue in one person; `cerebellum` is a share of the cortex's. `shifted` people differ more."""
    spread = 0.07 if shifted else 0.045
    made = {name: float(value * np.exp(rng.normal(0, spread))) for name, value in FDG.items()}
    grey = FDG["grey"] * float(np.exp(rng.normal(0, 0.05)))
    made |= {"grey": grey, "hippocampus": made["hippocampus"] * grey / FDG["grey"]}
    return {**made, "cerebellum": float(np.clip(rng.normal(0.84, 0.07), 0.65, 1.05))}


def spread_out(canvas: Canvas, metabolism: Metabolism, cerebellum: float) -> None:
    """Tissues that are painted as everywhere become those of this brain."""
    brain = canvas.part(canvas.ball((0, 0, 0), HALF) > 0)
    for (x, y, z), radius, lost in _USUAL:
        for side in SIGNS:
            _lower(brain, Lowering((side * x, y, z), radius, lost))
    for lowering in (*metabolism.others, *metabolism.impairment):
        _lower(brain, lowering)
    along = (axis / half for axis, half in zip((brain.x, brain.y, brain.z), HALF, strict=True))
    slope = sum(np.float32(more) * share for more, share in zip(metabolism.slope, along, strict=True))
    brain.values *= np.exp(slope)
    share = np.clip(0.5 + brain.ball(_CEREBELLUM, _CEREBELLUM_MM) / np.float32(brain.voxel_mm), 0, 1)
    brain.values *= 1 - share * np.float32(1 - cerebellum)
    brain.put_back()


def _lower(canvas: Canvas, by: Lowering) -> None:
    reach = _REACH * by.radius_mm
    near = np.flatnonzero(canvas.box(by.middle, (reach, reach, reach)))
    axes = zip((canvas.x, canvas.y, canvas.z), by.middle, strict=True)
    away = sum((axis[near] - np.float32(at)) ** 2 for axis, at in axes)
    canvas.values[near] *= 1 - np.float32(by.lost) * np.exp(-away / np.float32(by.radius_mm**2))


def lowered_by_disease(canvas: Canvas, metabolism: Metabolism) -> Mask:
    """Where Alzheimer's disease is at work in this brain; nowhere in others."""
    found = np.zeros(canvas.x.shape, bool)
    for place in metabolism.disease:
        found |= canvas.ball(place.middle, (place.radius_mm,) * 3) > 0
    return found & (canvas.ball((0, 0, 0), HALF) > 0)


def regions(canvas: Canvas) -> dict[str, Mask]:
    """Of everybody: all places that the disease begins at, all of the brain, the cerebellum."""
    brain = canvas.ball((0, 0, 0), HALF) > 0
    hubs = np.zeros(canvas.x.shape, bool)
    for hub in HUBS.values():
        x, y, z = hub.middle
        for side in SIGNS:
            hubs |= canvas.ball((side * x, y, z), (hub.radius_mm,) * 3) > 0
    return {"hubs": hubs & brain, "brain": brain, "cerebellum": canvas.ball(_CEREBELLUM, _CEREBELLUM_MM) > 3}
