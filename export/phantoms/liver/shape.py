"""Draws the liver, the spleen and the veins around them: signs of disease in, ellipsoids and textures out."""

from dataclasses import dataclass, replace

import numpy as np

from export.phantoms.canvas import draw_wobble
from export.phantoms.liver.disease import Lesion, Signs
from export.phantoms.organs import Blob, Organs, Solid
from export.phantoms.patient import Build, Generator
from export.phantoms.tissue import Texture

Radii = tuple[float, float, float]
_USUAL_SIZE_MM: dict[Lesion, tuple[float, float]] = {"metastasis": (5, 22), "cyst": (4, 20), "carcinoma": (8, 28)}


@dataclass(frozen=True)
class Liver:
    """`bumps` move its surface, `scars` its attenuation, `tubes` are its vessels where they are near nought."""

    lobes: tuple[Blob, ...]
    fissure: Blob
    lesions: tuple[tuple[Lesion, Blob], ...]
    varices: tuple[Blob, ...]
    spleen: Blob
    bumps: Texture
    scars: Texture
    tubes: Texture


@dataclass(frozen=True)
class _Places:
    """Places vary around the usual ones by `spread`, sizes with the stature."""

    rng: np.random.Generator
    build: Build
    spread: float

    def blob(self, x: float, y: float, level: float, radii: Radii, *, angle: float = 0.0, loose: float = 0.05) -> Blob:
        rng, size = self.rng, self.build.stature * float(self.rng.normal(1, 0.07))
        x, y = (float(value) for value in rng.normal([x, y], loose * self.spread))
        level = float(rng.normal(level, 3.5 * loose * self.spread))
        scaled: Radii = (radii[0] * size, radii[1] * size, radii[2] * size)
        return Blob(x, y, level, scaled, float(angle + rng.normal(0, 0.12)), draw_wobble(rng, 0.05))


def draw_liver(rng: np.random.Generator, generator: Generator, build: Build, signs: Signs) -> Liver:
    places = _Places(rng, build, 1.4 if generator is Generator.shifted else 1.0)
    lobes = _draw_lobes(places, signs.redistribution)
    grain = rng.uniform(2.6, 4.6)
    return Liver(
        lobes=lobes,
        fissure=places.blob(-0.14, -0.42, -3.4, (signs.fissure_mm * 0.6 + 0.4, 22, 34), angle=0.5, loose=0.03),
        lesions=tuple((kind, _inside(places, lobes, kind)) for kind in signs.lesions),
        varices=tuple(_varix(places) for _ in range(signs.varices)),
        spleen=_draw_spleen(places, signs.spleen),
        bumps=Texture(rng, signs.nodule_mm),
        scars=Texture(rng, float(grain)),
        tubes=Texture(rng, 11.0),
    )


def _draw_lobes(places: _Places, redistribution: float) -> tuple[Blob, ...]:
    right = float(np.clip(1 - 0.24 * redistribution, 0.55, 1.2))
    left = float(np.clip(1 + 0.22 * redistribution, 0.75, 1.45))
    caudate = float(np.clip(1 + 0.45 * redistribution, 0.6, 1.8))
    lower = float(places.rng.gamma(1.5, 0.4))
    return (
        places.blob(-0.46, -0.02, -3.9, (82 * right, 80 * right, (92 + 22 * lower) * right), angle=0.15),
        places.blob(-0.62, 0.02, -2.4, (44 * right, 60 * right, (60 + 20 * lower) * right), angle=0.05),
        places.blob(-0.05, -0.48, -3.9, (70 * left, 33 * left, 60 * left), angle=-0.15),
        places.blob(-0.15, -0.06, -3.9, (24 * caudate, 21 * caudate, 36 * caudate), loose=0.03),
    )


def _draw_spleen(places: _Places, factor: float) -> Blob:
    drop = 0.5 * (factor - 1)
    radii: Radii = (28 * factor, 51 * factor, 53 * factor)
    return places.blob(0.64 - 0.06 * (factor - 1), 0.22, -3.2 + drop, radii, angle=-0.35)


def _inside(places: _Places, lobes: tuple[Blob, ...], kind: Lesion) -> Blob:
    rng, (least, most) = places.rng, _USUAL_SIZE_MM[kind]
    host, radius = lobes[int(rng.choice(3, p=(0.55, 0.2, 0.25)))], float(rng.uniform(least, most))
    away = rng.uniform(-0.6, 0.6, 3)
    half = places.build.half_width_mm, places.build.half_depth_mm
    return Blob(
        host.x_share + float(away[0]) * host.radii_mm[0] / half[0],
        host.y_share + float(away[1]) * host.radii_mm[1] / half[1],
        host.level + float(away[2]) * host.radii_mm[2] / (35 * places.build.stature),
        (radius, radius * float(rng.uniform(0.8, 1.2)), radius),
        float(rng.uniform(0, 3)),
        draw_wobble(rng, 0.08),
    )


def _varix(places: _Places) -> Blob:
    """At the hilum of the spleen, along the lesser curvature, or below the wall at the navel."""
    rng = places.rng
    x, y = ((0.44, 0.06), (0.14, -0.16), (-0.06, -0.86))[int(rng.choice(3, p=(0.5, 0.35, 0.15)))]
    radius = float(rng.uniform(2.5, 5.5))
    return places.blob(x, y, float(rng.uniform(-4.6, -2.0)), (radius, radius, float(rng.uniform(5, 22))), loose=0.09)


def without_liver(organs: Organs) -> Organs:
    """What is drawn anew leaves the usual abdomen: liver, spleen, and fluid of its own accord."""
    kept: tuple[Solid, ...] = tuple(solid for solid in organs.solids if solid.tissue not in ("liver", "spleen"))
    return replace(organs, solids=kept, ascites=0.0)
