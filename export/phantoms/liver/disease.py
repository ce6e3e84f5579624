"""Draws what ails one patient: signs of cirrhosis, which the healthy and other diseases share, and blood values."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from export.phantoms.patient import Generator, Patient

Lesion = Literal["metastasis", "cyst", "carcinoma"]
Phase = Literal["none", "arterial", "portal", "excretory"]

_PHASES: tuple[Phase, ...] = ("none", "arterial", "portal", "excretory")
BLOOD_VALUES = ("platelets_10e9_per_l", "albumin_g_per_dl", "bilirubin_mg_per_dl", "inr")


@dataclass(frozen=True)
class Signs:
    """What of the disease, or of another one, is to be seen. Lengths in mm, `coarseness` and `fat` in HU.

    `redistribution` is 0 in the usual liver: 1 shrinks the right lobe by a quarter, the left and the caudate lobe grow.
    """

    nodularity_mm: float
    nodule_mm: float
    coarseness: float
    redistribution: float
    fissure_mm: float
    fat: float
    spleen: float
    ascites_mm: float
    fluid_hu: float
    varices: int
    lesions: tuple[Lesion, ...]


@dataclass(frozen=True)
class Disease:
    """`scarring` goes from 0 to 1; a scarred liver that is no cirrhosis yet shows some of the signs, too."""

    cirrhosis: bool
    scarring: float
    signs: Signs
    phase: Phase
    blood: dict[str, float]
    """Those of `BLOOD_VALUES` that were measured."""


def draw_disease(rng: np.random.Generator, generator: Generator, patient: Patient) -> Disease:
    shifted = generator is Generator.shifted
    cirrhosis = bool(rng.random() < (0.54 if patient.sex == "M" else 0.45))
    scarring = _scarring(rng, cirrhosis)
    phases = (0.30, 0.20, 0.45, 0.05) if shifted else (0.15, 0.10, 0.70, 0.05)
    signs = _draw_signs(rng, scarring, shifted=shifted)
    phase = _PHASES[int(rng.choice(4, p=phases))]
    return Disease(cirrhosis, scarring, signs, phase, _draw_blood(rng, scarring, signs))


def _scarring(rng: np.random.Generator, cirrhosis: bool) -> float:
    if cirrhosis:
        return float(0.12 + 0.88 * rng.beta(1.7, 1.7))
    return float(rng.uniform(0.05, 0.45)) if rng.random() < 0.3 else 0.0


def _draw_signs(rng: np.random.Generator, scarring: float, *, shifted: bool) -> Signs:
    """Each sign comes from the scars, from chance and from other diseases, so that none of them decides."""
    lesions = _draw_lesions(rng, scarring)
    retracted = 1.6 if "metastasis" in lesions and rng.random() < 0.3 else 0.0  # as after chemotherapy
    other_spleen = float(rng.uniform(0.25, 0.55)) if rng.random() < 0.10 else 0.0
    return Signs(
        nodularity_mm=float(max(0.5 + 2.8 * scarring * rng.uniform(0.4, 1.2) + rng.normal(0, 0.45) + retracted, 0)),
        nodule_mm=float(rng.uniform(3.5, 5.0) if shifted else rng.uniform(3.0, 4.5)),
        coarseness=float(2 + 10 * scarring * rng.uniform(0.3, 1.2) + abs(rng.normal(0, 2.2))),
        redistribution=float(1.1 * scarring + rng.normal(0, 0.3)),
        fissure_mm=float(max(2 + 9 * scarring * rng.uniform(0.3, 1.2) + rng.normal(0, 2), 0)),
        fat=float(rng.gamma(1.4, 9)) if rng.random() < (0.35 if shifted else 0.42) - 0.2 * scarring else 0.0,
        spleen=float(np.exp(0.5 * scarring * rng.uniform(0.4, 1.2) + rng.normal(0, 0.16) + other_spleen)),
        ascites_mm=_ascites_mm(rng, scarring, 0.18 if shifted else 0.12),
        fluid_hu=float(rng.normal(9, 5)),
        varices=int(rng.poisson(4 + 14 * scarring)) if rng.random() < 0.05 + 0.7 * scarring else 0,
        lesions=lesions,
    )


def _ascites_mm(rng: np.random.Generator, scarring: float, other_causes: float) -> float:
    """How thick the fluid is around liver and spleen."""
    if rng.random() < 0.75 * scarring**1.3:
        return float(rng.uniform(4, 26))
    return float(rng.uniform(3, 22)) if rng.random() < other_causes else 0.0


def _draw_lesions(rng: np.random.Generator, scarring: float) -> tuple[Lesion, ...]:
    found: list[Lesion] = []
    if rng.random() < 0.22 * (1 - scarring):
        found += ["metastasis"] * int(rng.integers(2, 10))
    if rng.random() < 0.2:
        found += ["cyst"] * int(rng.integers(1, 4))
    if rng.random() < 0.05 + 0.2 * scarring:
        found += ["carcinoma"] * int(rng.integers(1, 3))
    return tuple(found)


def _draw_blood(rng: np.random.Generator, scarring: float, signs: Signs) -> dict[str, float]:
    """With other causes of their own: a large spleen takes platelets, an obstruction bilirubin, a drug the clotting."""
    obstructed = 1.4 if rng.random() < 0.08 else 0.0
    anticoagulated = float(rng.uniform(0.8, 1.8)) if rng.random() < 0.07 else 0.0
    malnourished = 0.7 if rng.random() < 0.12 else 0.0
    platelets = (255 - 95 * scarring - 55 * max(signs.spleen - 1.1, 0)) * rng.lognormal(0, 0.27)
    values = {
        "platelets_10e9_per_l": round(float(max(platelets, 15.0))),
        "albumin_g_per_dl": round(float(np.clip(rng.normal(4.2 - 0.75 * scarring - malnourished, 0.4), 1.5, 5.4)), 1),
        "bilirubin_mg_per_dl": round(float(rng.lognormal(np.log(0.7) + 0.8 * scarring + obstructed, 0.45)), 2),
        "inr": round(float(max(rng.normal(1.03 + 0.3 * scarring, 0.1) + anticoagulated, 0.8)), 2),
    }
    taken = rng.random(len(BLOOD_VALUES)) > 0.18
    if rng.random() < 0.12:
        taken[:] = False
    return {name: float(values[name]) for name, there in zip(BLOOD_VALUES, taken, strict=True) if there}
