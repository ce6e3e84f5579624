"""What tissues look like: a modality goes in, one value per tissue comes out, another one for each patient."""

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

Modality = Literal["CT", "MR"]


@dataclass(frozen=True)
class Materials:
    """HU/100 for CT, signal for MR. `bone` is cortical; `blood` is what the contrast medium makes of it."""

    air: float
    lung: float
    fat: float
    muscle: float
    organ: float
    fluid: float
    bone: float
    marrow: float
    blood: float
    grey: float
    white: float


_CT = Materials(-10, -8.4, -1.0, 0.5, 0.8, 0.1, 8.0, 2.5, 1.0, 0.4, 0.3)
_MR = {
    "T1": Materials(0, 0.04, 1.0, 0.42, 0.5, 0.15, 0.05, 0.85, 0.3, 0.42, 0.6),
    "T2": Materials(0, 0.04, 0.75, 0.2, 0.35, 1.0, 0.05, 0.55, 0.1, 0.6, 0.42),
    "fat-saturated": Materials(0, 0.04, 0.12, 0.35, 0.45, 1.0, 0.04, 0.18, 0.6, 0.55, 0.45),
    "FLAIR": Materials(0, 0.04, 0.7, 0.35, 0.4, 0.08, 0.05, 0.5, 0.2, 0.65, 0.5),
    "enhanced": Materials(0, 0.04, 0.15, 0.4, 0.75, 0.12, 0.04, 0.2, 1.0, 0.45, 0.6),
}


def draw_materials(rng: np.random.Generator, modality: Modality, *, shifted: bool) -> Materials:
    base = _CT if modality == "CT" else list(_MR.values())[rng.integers(len(_MR))]
    spread = 0.25 if shifted else 0.12
    values = {field.name: getattr(base, field.name) * np.exp(rng.normal(0, spread)) for field in fields(base)}
    if modality == "CT":
        values |= {"air": base.air, "lung": float(rng.uniform(-9.2, -5.5)), "fat": base.fat + rng.normal(0, 0.1)}
        values["blood"] = float(rng.choice([0.45, 1.5, 3.0]))
        values["organ"] = float(rng.uniform(0.5, 1.4))
    return Materials(**{name: float(value) for name, value in values.items()})
