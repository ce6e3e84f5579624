"""Both ends of a scan of the whole abdomen: heart above the diaphragm, hips, bladder and rectum in the pelvis."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from export.phantoms.canvas import BACKGROUND, MUSCLE, VISCERAL_FAT, Canvas, Outline, draw_wobble
from export.phantoms.patient import Build
from export.phantoms.tissue import Attenuation

_CHEST, _HIPS, _TRUE_PELVIS = -6.0, 5.2, 4.4
_LUNG_BELOW_HU = -500.0


@dataclass(frozen=True)
class Ends:
    """Levels are of middles; `bladder` is how full it is, from 0 to 1."""

    heart_level: float
    heart_mm: float
    hip_level: float
    hip_share: float
    bladder: float
    rectum: Literal["gas", "faeces"]
    gluteus: float
    wobble: tuple[float, ...]


def draw_ends(rng: np.random.Generator) -> Ends:
    return Ends(
        heart_level=float(rng.normal(-8.0, 0.3)),
        heart_mm=float(rng.normal(58, 6)),
        hip_level=float(rng.normal(6.2, 0.2)),
        hip_share=float(rng.normal(0.6, 0.025)),
        bladder=float(rng.uniform(0.15, 1.0)),
        rectum="gas" if rng.random() < 0.5 else "faeces",
        gluteus=float(rng.normal(1, 0.12)),
        wobble=draw_wobble(rng, 0.07),
    )


def paint_chest(canvas: Canvas, ends: Ends, build: Build, level: float, hu: Attenuation) -> None:
    """The heart in its fat; what lies above the diaphragm has no label."""
    if level > _CHEST:
        return
    canvas.labels[canvas.cavity & (canvas.labels == VISCERAL_FAT)] = BACKGROUND
    rest = 1 - ((level - ends.heart_level) / 2.4) ** 2
    if rest <= 0.02:
        return
    size = ends.heart_mm * build.stature * float(np.sqrt(rest))
    place = (0.1 * build.half_width_mm, -0.3 * build.half_depth_mm)
    free = canvas.cavity | (canvas.body & (canvas.hu < _LUNG_BELOW_HU))
    for more_mm, value in ((7.0, hu.fat_visceral), (0.0, hu.muscle), (-9.0, (hu.artery + hu.vein) / 2)):
        outline = Outline(*place, size + more_mm, 0.78 * size + more_mm, 0.5, 2.0, ends.wobble)
        depth = outline.inside_mm(canvas)
        if depth is not None:
            window, inside = depth
            canvas.paint(window, (inside > 0) & free[window], value)


def paint_pelvis(canvas: Canvas, ends: Ends, build: Build, level: float, hu: Attenuation) -> None:
    if level > _TRUE_PELVIS:
        _paint_organs(canvas, ends, build, level, hu)
        _paint_gluteus(canvas, ends, build, level, hu)
    if level > _HIPS:
        for side in (-1, 1):
            _paint_hip(canvas, ends, build, level, hu, side)
        _paint_pubis(canvas, ends, build, level, hu)


def _paint_organs(canvas: Canvas, ends: Ends, build: Build, level: float, hu: Attenuation) -> None:
    rest = 1 - ((level - 6.0) / (0.7 + 0.9 * ends.bladder)) ** 2
    if rest > 0.02:
        size = float(np.sqrt(rest)) * (0.5 + 0.5 * ends.bladder) * build.stature
        place = (0.0, -0.3 * build.half_depth_mm)
        Outline(*place, 46 * size, 34 * size, 0.0, 2.2, ends.wobble).paint(canvas, hu.muscle - 15, in_cavity=True)
        Outline(*place, 46 * size - 3, 34 * size - 3, 0.0, 2.2, ends.wobble).paint(
            canvas, 0.5 * hu.urine, in_cavity=True
        )
    Outline(0.0, 0.02 * build.half_depth_mm, 25.0, 15.0, 0.0, 2.0, ends.wobble).paint(canvas, hu.mass, in_cavity=True)
    rectum_mm = 0.3 * build.half_depth_mm
    Outline(2.0, rectum_mm, 19.0, 16.0).paint(canvas, hu.bowel_wall, in_cavity=True)
    Outline(2.0, rectum_mm, 14.0, 11.0).paint(canvas, hu.gas if ends.rectum == "gas" else 15.0, in_cavity=True)


def _paint_gluteus(canvas: Canvas, ends: Ends, build: Build, level: float, hu: Attenuation) -> None:
    """Behind the sacrum and the hips, growing downwards; it takes the place of the fat in the cavity's back."""
    thick = 30 * ends.gluteus * build.muscularity * float(np.clip((level - _TRUE_PELVIS) / 1.2, 0.2, 1))
    for side in (-1, 1):
        outline = Outline(
            side * 0.44 * build.half_width_mm, 0.72 * build.half_depth_mm, 0.36 * build.half_width_mm, thick,
            side * -0.45, 2.2, ends.wobble,
        )  # fmt: skip
        depth = outline.inside_mm(canvas)
        if depth is not None:
            window, inside = depth
            free = canvas.body[window] & (canvas.hu[window] < 0)
            canvas.paint(window, (inside > 0) & free, hu.muscle, MUSCLE)


def _paint_hip(canvas: Canvas, ends: Ends, build: Build, level: float, hu: Attenuation, side: int) -> None:
    """The socket with the head in it, muscle inside and around, then the neck towards the trochanter."""
    x, y = side * ends.hip_share * build.half_width_mm, 4.0
    size = build.stature
    Outline(x * 1.05, y, 58 * size, 46 * size, 0.0, 2.3, ends.wobble).paint(canvas, hu.muscle, MUSCLE, in_cavity=True)
    Outline(x - side * 40 * size, y + 6, 6.0, 34 * size, side * 0.3).paint(canvas, hu.muscle, MUSCLE)
    away = level - ends.hip_level
    socket = 1 - (away / 1.05) ** 2
    if socket > 0.02:
        Outline(x, y, 34 * size * float(np.sqrt(socket)), 33 * size * float(np.sqrt(socket))).paint(
            canvas, hu.cortical_bone
        )
    head = 1 - (away / 0.8) ** 2
    if head > 0.02:
        radius = 25 * size * float(np.sqrt(head))
        Outline(x, y, radius + 2.5, radius + 2.5).paint(canvas, hu.cartilage)
        Outline(x, y, radius, radius).paint(canvas, hu.cortical_bone)
        Outline(x, y, radius - 2, radius - 2).paint(canvas, hu.spongy_bone)
    if away > 0.3:
        Outline(x + side * 32 * size, y + 8, 24 * size, 13 * size, side * 0.3).paint(canvas, hu.cortical_bone)
        Outline(x + side * 32 * size, y + 8, 22 * size, 11 * size, side * 0.3).paint(canvas, hu.spongy_bone)
    if away > 0.5:
        Outline(x - side * 26 * size, y + 38 * size, 15 * size, 17 * size).paint(canvas, hu.cortical_bone)
        Outline(x - side * 26 * size, y + 38 * size, 13 * size, 15 * size).paint(canvas, hu.spongy_bone)


def _paint_pubis(canvas: Canvas, ends: Ends, build: Build, level: float, hu: Attenuation) -> None:
    away = level - ends.hip_level
    if away < 0.2:
        return
    y = -0.5 * build.half_depth_mm
    for side in (-1, 1):
        Outline(side * 28.0, y, 27.0, 9.0, side * 0.3).paint(canvas, hu.cortical_bone)
        Outline(side * 28.0, y, 25.0, 7.0, side * 0.3).paint(canvas, hu.spongy_bone)
    Outline(0.0, y, 2.5, 10.0).paint(canvas, hu.cartilage)
