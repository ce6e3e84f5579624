"""Draws who is on the radiograph: from a random generator to a build, what the lungs are like, and which findings."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from export.phantoms.chest import FINDINGS

Random = np.random.Generator
NEXT_TO = {
    "oedema": (("cardiomegaly", 0.5), ("effusion", 0.5)),
    "cardiomegaly": (("oedema", 0.12), ("effusion", 0.12)),
    "pneumonia": (("infiltration", 0.2), ("consolidation", 0.2), ("effusion", 0.15)),
    "consolidation": (("pneumonia", 0.15), ("effusion", 0.15)),
    "effusion": (("atelectasis", 0.25),),
    "mass": (("nodule", 0.2), ("atelectasis", 0.12)),
    "emphysema": (("nodule", 0.12), ("pneumothorax", 0.1)),
    "fibrosis": (("pleural thickening", 0.2),),
    "pneumothorax": (("atelectasis", 0.15),),
}
"""What else is there where a finding is, and how often."""
NEVER_BOTH = ({"emphysema", "oedema"}, {"emphysema", "cardiomegaly"})
SHARE = 0.11
RARE = {"hernia": 0.02}
HEALTHY = 0.2


@dataclass(frozen=True)
class Patient:
    """Sizes are in halves of the image's width. `turned` is how far the patient is turned, `heart_share` the
    cardiothoracic ratio, `domes` how deep each half of the diaphragm lies (image left, right), `arch` how much
    it bulges, `vessels` how rich the lungs are in them."""

    sex: Literal["F", "M"]
    age_years: int
    portable: bool
    findings: frozenset[str]
    half_width: float
    apex: float
    domes: tuple[float, float]
    arch: float
    heart_share: float
    turned: float
    flesh: float
    breasts: float
    vessels: float


def draw_patient(rng: Random, *, shifted: bool, wanted: str | None = None) -> Patient:
    """`wanted` is a finding that is surely there."""
    portable = bool(rng.random() < (0.65 if shifted else 0.3))
    found = draw_findings(rng, wanted)
    female = bool(rng.random() < 0.5)
    stout = rng.random() < (0.55 if shifted else 0.25)
    flesh = float(np.clip(rng.normal(1.35 if stout else 0.95, 0.15), 0.6, 1.9))
    wide = "emphysema" in found
    deep = rng.random() < 0.15  # breathed in as deeply as they could: long lungs are no emphysema yet
    depth = rng.normal(0.6 if deep else 0.5, 0.05) - (0.07 if portable else 0.0) - (0.04 if stout else 0.0)
    if wide:
        depth = rng.normal(0.585, 0.06)
    fibrotic = "fibrosis" in found and rng.random() < 0.5
    depth -= 0.06 if fibrotic else 0.0
    step = rng.normal(0.035, 0.02)
    ratio = rng.normal(0.445, 0.03) + (0.03 if portable else 0.0) - (0.05 if wide else 0.0)
    ratio = min(ratio, 0.53)
    if "cardiomegaly" in found:
        ratio = rng.uniform(0.515, 0.64)  # the smallest are as wide as a large one without the finding
    return Patient(
        sex="F" if female else "M",
        age_years=int(np.clip(rng.normal(58, 17), 18, 95)),
        portable=portable,
        findings=found,
        half_width=float(np.clip(rng.normal(0.71, 0.03) + (0.04 if wide else 0), 0.62, 0.84)),
        apex=float(rng.normal(-0.72, 0.025)),
        domes=(float(depth - step), float(depth + step * 0.3)),
        arch=float(rng.uniform(0.03, 0.11) if wide else rng.uniform(0.065, 0.16)),
        heart_share=float(ratio),
        turned=float(rng.normal(0, 0.045 if shifted else 0.03)),
        flesh=flesh,
        breasts=float(rng.uniform(0.08, 0.3) * flesh) if female else 0.0,
        vessels=float(rng.uniform(0.45, 0.9) if wide else rng.uniform(0.65, 1.25)),
    )


def draw_findings(rng: Random, wanted: str | None) -> frozenset[str]:
    if wanted is None and rng.random() < HEALTHY:
        return frozenset()
    first = [name for name in FINDINGS if rng.random() < RARE.get(name, SHARE)]
    found = {wanted} if wanted is not None else set()
    for name in (*found, *first):
        found.add(name)
        found.update(other for other, share in NEXT_TO.get(name, ()) if rng.random() < share)
    for both in NEVER_BOTH:
        if both <= found:
            found -= {"emphysema"} if wanted != "emphysema" else both - {"emphysema"}
    return frozenset(found)
