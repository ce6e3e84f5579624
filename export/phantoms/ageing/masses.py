"""An old patient's case in, the same one with something in the brain that neither age nor the disease brings out."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from export.phantoms.ageing import SIGNS
from export.phantoms.ageing.canvas import Canvas, Vector
from export.phantoms.ageing.case import Case
from export.phantoms.ageing.head import HALF, Head
from export.phantoms.brain.anatomy import Field, Floats, Random

KINDS = ("tumour", "bleed", "cavity")
"""A cavity is what an old infarct or an operation leaves."""
_BUMPS_MM, _BUMPY = 9.0, 0.2
_SWOLLEN, _DEAD = 1.4, 0.5  # of a tumour's radius
_INSIDE_MM = 3.0


@dataclass(frozen=True, eq=False)
class Mass:
    """`middle` is in the usual brain; `bumps` make it uneven."""

    kind: str
    middle: Vector
    radius_mm: float
    bumps: Field

    def paint(self, canvas: Canvas, bright: Mapping[str, float]) -> None:
        near = canvas.part(canvas.box(self.middle, (2 * self.radius_mm,) * 3))
        bumpy = near.ball(self.middle, (self.radius_mm,) * 3) + self._bumps_mm(near)
        depth = np.minimum(bumpy, near.ball((0, 0, 0), HALF) - _INSIDE_MM)
        if self.kind == "tumour":
            near.paint(0.7 * bright["grey"], depth + (_SWOLLEN - 1) * self.radius_mm)
            near.paint(0.95 * bright["grey"], depth)
            near.paint(1.3 * bright["csf"], depth - (1 - _DEAD) * self.radius_mm)
        else:
            near.paint(min(1.5 * bright["white"], 250.0) if self.kind == "bleed" else bright["csf"], depth)
        near.put_back()

    def _bumps_mm(self, canvas: Canvas) -> Floats:
        return np.asarray(_BUMPY * self.radius_mm * self.bumps.at(np.stack([canvas.z, canvas.y, canvas.x])), np.float32)


@dataclass(frozen=True, eq=False)
class Harmed(Head):
    mass: Mass

    def paint(self, canvas: Canvas, bright: Mapping[str, float]) -> None:
        super().paint(canvas, bright)
        self.mass.paint(canvas, bright)


def harmed(case: Case, mass: Mass) -> Case:
    whole = {field.name: getattr(case.head, field.name) for field in fields(Head)}
    return replace(case, head=Harmed(**whole, mass=mass))


def draw_mass(rng: Random, kind: str, radius_mm: float) -> Mass:
    """In a hemisphere, mostly in its white matter."""
    side = SIGNS[int(rng.integers(2))]
    x, y, z = side * rng.uniform(20, 44), rng.uniform(-48, 50), rng.uniform(-8, 34)
    return Mass(kind, (float(x), float(y), float(z)), radius_mm, Field(rng, _BUMPS_MM))
