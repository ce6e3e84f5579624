"""One image of one region: a seed goes in, the image with what it shows comes out.

The CT of the abdomen does not come from the finer phantoms that there are of it: as long as no other region has such,
a network learns that whatever is drawn finely is an abdomen, and calls a real chest one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from export.phantoms.regions import limbs, projections, trunk, ultrasound
from export.phantoms.regions.materials import Materials, draw_materials
from export.phantoms.regions.scan import acquire
from export.phantoms.regions.sheet import Floats, Pose, Sheet

REGIONS = (
    "head", "neck", "chest", "breast", "abdomen", "pelvis", "spine", "arm", "hand", "leg", "knee", "foot", "none",
)  # fmt: skip
"""In the order of the classifier's answers; `none` shows no body at all."""
ROWS = 128

Section = Callable[[Sheet, np.random.Generator, Materials], None]
Projection = Callable[[Sheet, np.random.Generator], None]
_SECTIONS: dict[str, tuple[tuple[str, Section], ...]] = {
    "head": (("CT", trunk.head), ("MR", trunk.head), ("MR", limbs.head_sagittal)),
    "neck": (("CT", trunk.neck), ("CT", trunk.neck), ("MR", trunk.neck)),
    "chest": (("CT", trunk.chest),),
    "abdomen": (("CT", trunk.abdomen), ("MR", trunk.abdomen)),
    "pelvis": (("CT", trunk.pelvis), ("MR", trunk.pelvis)),
    "spine": (("MR", limbs.spine_sagittal), ("CT", limbs.spine_sagittal)),
    "arm": (("CT", limbs.arm), ("MR", limbs.arm)),
    "hand": (("CT", limbs.hand),),
    "leg": (("CT", limbs.leg), ("MR", limbs.leg)),
    "knee": (("CT", limbs.knee), ("MR", limbs.knee_sagittal), ("MR", limbs.knee)),
    "foot": (("CT", limbs.foot_sagittal), ("MR", limbs.foot_sagittal)),
}
_PROJECTIONS: dict[str, Projection] = {
    "head": projections.head, "chest": projections.chest, "breast": projections.breast,
    "abdomen": projections.abdomen, "pelvis": projections.pelvis, "spine": projections.spine, "arm": projections.arm,
    "hand": projections.hand, "leg": projections.leg, "knee": projections.knee, "foot": projections.foot,
}  # fmt: skip
VIEWS: dict[str, tuple[str, ...]] = {
    region: (
        *(modality for modality, _ in _SECTIONS.get(region, ())),
        *(("radiograph",) * min(2, max(1, len(_SECTIONS.get(region, ())))) if region in _PROJECTIONS else ()),
        *(("ultrasound",) if region == "abdomen" else ()),
        *(("shapes",) if region == "none" else ()),
    )
    for region in REGIONS
}
"""What a region is shown by; what stands twice is drawn twice as often."""


@dataclass(frozen=True)
class Phantom:
    """`image` is ROWS x ROWS in the units of its modality; bright is more, unless it was stored inverted."""

    image: Floats
    region: str
    view: str
    seed: int
    shifted: bool


def phantom(seed: int, region: str, *, shifted: bool = False) -> Phantom:
    """The same seed always gives the same image; `shifted` is another hospital, which nothing is trained on."""
    rng = np.random.default_rng([seed, int(shifted), REGIONS.index(region), 71])
    number = int(rng.integers(len(VIEWS[region])))
    view = VIEWS[region][number]
    if view == "shapes":
        return Phantom(_shapes(rng), region, view, seed, shifted)
    return Phantom(_drawn(region, number, view, rng, shifted), region, view, seed, shifted)


def _drawn(region: str, number: int, view: str, rng: np.random.Generator, shifted: bool) -> Floats:
    pose = Pose.draw(rng, shifted=shifted)
    if view == "ultrasound":
        sheet = Sheet(ROWS, pose, rng, 0.0)
        ultrasound.abdomen(sheet, rng)
    elif view == "radiograph":
        sheet = Sheet(ROWS, pose, rng, 0.0)
        _PROJECTIONS[region](sheet, rng)
    else:
        materials = draw_materials(rng, "CT" if view == "CT" else "MR", shifted=shifted)
        sheet = Sheet(ROWS, pose, rng, materials.air)
        _SECTIONS[region][number][1](sheet, rng, materials)
    return acquire(sheet.values, rng, kind=view, shifted=shifted)


def _shapes(rng: np.random.Generator) -> Floats:
    """No body: noise, an even image, stripes, or shapes at random."""
    sheet = Sheet(ROWS, Pose(0.0, 1.0, 1.0, 0.0, 0.0, 0.1), rng, 0.0)
    for _ in range(rng.integers(0, 25)):
        x, y = rng.uniform(-1, 1, 2)
        (long, wide), turn = rng.uniform(0.02, 0.6, 2), rng.uniform(0, 3)
        shape = sheet.ellipse(x, y, long, wide, turn, rng.choice([2.0, 8.0]))
        if rng.random() < 0.5:
            sheet.put(shape < 1, rng.normal(0, 1))
        else:
            sheet.add(shape, rng.normal(0, 1))
    if rng.random() < 0.2:
        angle = rng.uniform(0, np.pi)
        sheet.values += np.sin(np.float32(rng.uniform(3, 60)) * (sheet.x * np.cos(angle) + sheet.y * np.sin(angle)))
    noise = rng.standard_normal(sheet.values.shape, dtype=np.float32) * np.float32(rng.choice([0.0, 0.02, 0.3, 3.0]))
    return np.asarray((sheet.values + noise) * np.exp(rng.normal(3, 1.5)), np.float32)
