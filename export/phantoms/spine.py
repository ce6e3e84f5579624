"""Paints the spine and the muscles along it (erector spinae, quadratus lumborum, psoas), level by level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.phantoms.canvas import MUSCLE, Canvas, Outline, draw_wobble
from export.phantoms.patient import Build
from export.phantoms.tissue import Attenuation, Texture

# Knots of the anatomy below: T10, T11, T12, L1, L2, L3, L4, L5, S1, S2, S4, the hips, the symphysis
_LEVELS = np.arange(-5, 8)
_TRANSVERSE_MM = np.array([26, 23, 19, 34, 40, 46, 40, 38, 46, 46, 46, 46, 46])
_BODY_HALF_MM = np.array([17, 18.5, 20, 21, 22, 23.5, 25, 26.5, 40, 42, 33, 18, 9])
_ERECTOR_HALF_X_MM = np.array([22, 24, 26, 30, 32.5, 34, 33, 29, 22, 16, 6, 0, 0])
_ERECTOR_HALF_Y_MM = np.array([12, 13, 15, 18, 20, 21, 21, 18, 12, 9, 4, 0, 0])
_PSOAS_MM = np.array([0, 0, 1.5, 7.5, 12.5, 16.5, 19.5, 20.5, 19, 17, 16, 15, 14])
_PSOAS_X_MM = np.array([22, 22, 22, 26, 32, 38, 44, 49, 56, 62, 68, 73, 76])
_PSOAS_Y_MM = np.array([6, 6, 6, 6, 4, 2, -1, -6, -16, -24, -44, -66, -78])
_QUADRATUS_MM = np.array([0, 0, 4, 8, 11.5, 14, 15, 0, 0, 0, 0, 0, 0])
_LOWEST_BONE = 7.0


@dataclass(frozen=True)
class Spine:
    """Where the spine is and how its muscles vary. Offsets in mm, the rest are factors near 1."""

    back_mm: float
    sagittal_mm: float
    psoas: tuple[float, float]
    erector: tuple[float, float]
    quadratus: float
    wobbles: tuple[tuple[float, ...], ...]
    curve_phase: float
    transverse: float
    hardware: bool


def draw_spine(rng: np.random.Generator, build: Build) -> Spine:
    def pair(spread: float) -> tuple[float, float]:
        both = rng.normal(1, spread)
        aside = 0.22 if rng.random() < 0.1 else 0.04  # one side wasted, as after a palsy or an operation
        return float(both * rng.normal(1, aside)), float(both * rng.normal(1, aside))

    return Spine(
        back_mm=float(74 * build.stature + 5 * (build.muscularity - 1) + rng.normal(0, 3)),
        sagittal_mm=float(rng.normal(0, 2.5)),
        psoas=pair(0.12),
        erector=pair(0.08),
        quadratus=float(rng.normal(1, 0.15)),
        wobbles=tuple(draw_wobble(rng, 0.06) for _ in range(8)),
        curve_phase=float(rng.uniform(0, 2 * np.pi)),
        transverse=float(rng.normal(1, 0.08)),
        hardware=bool(rng.random() < 0.05),
    )


@dataclass(frozen=True)
class SpineAt:
    """The spine at one level: the centre of the vertebral body in the body's plane, and sizes in mm."""

    x_mm: float
    y_mm: float
    level: float
    body_half_mm: float
    scale: float

    @property
    def within(self) -> float:
        """Place inside the vertebra: -0.5 its upper, 0.5 its lower edge; from 0.33 on it is disc."""
        return float(self.level - np.round(self.level))


def at_level(spine: Spine, build: Build, level: float) -> SpineAt:
    lordosis = 9 * np.cos((min(level, 4.0) - 0.3) / 1.9) - 6 + 9 * np.clip(level - 2.2, 0, 1.8) - 16 * max(level - 4, 0)
    scale = build.stature
    return SpineAt(
        x_mm=float(spine.sagittal_mm + build.scoliosis_mm * np.sin(level / 1.5 + spine.curve_phase)),
        y_mm=float(build.half_depth_mm * 1.02 - spine.back_mm - lordosis + 4 - 9 * np.clip(-4.9 - level, 0, 2)),
        level=level,
        body_half_mm=float(np.interp(level, _LEVELS, _BODY_HALF_MM)) * scale,
        scale=scale,
    )


def paint_muscles(
    canvas: Canvas, spine: Spine, build: Build, here: SpineAt, hu: Attenuation, marbling: Texture
) -> None:
    _paint_paraspinal_fat(canvas, here, hu)
    for side, psoas, erector in zip((-1, 1), spine.psoas, spine.erector, strict=True):
        for outline in _beside(spine, build, here, side, psoas, erector):
            _paint_muscle(canvas, outline, build, hu, marbling)


def _paint_paraspinal_fat(canvas: Canvas, here: SpineAt, hu: Attenuation) -> None:
    """Fat between the muscles of the back: neither visceral nor subcutaneous, so without a label."""
    half = 2 * float(np.interp(here.level, _LEVELS, _ERECTOR_HALF_X_MM)) * here.scale + 6
    window = canvas.window(here.x_mm, here.y_mm + 45, 90)
    if window is None:
        return
    x, y = canvas.x_mm[window] - here.x_mm, canvas.y_mm[window] - here.y_mm
    back = (np.abs(x) < half) & (y > 8 + 0.22 * np.abs(x)) & canvas.cavity[window]
    canvas.paint(window, back, hu.fat_visceral)


def _beside(spine: Spine, build: Build, here: SpineAt, side: int, psoas: float, erector: float) -> list[Outline]:
    def knots(values: NDArray[np.float64]) -> float:
        return float(np.interp(here.level, _LEVELS, values)) * here.scale

    bulk = np.sqrt(build.muscularity)
    first = 0 if side < 0 else 4
    half_x, half_y = knots(_ERECTOR_HALF_X_MM) * erector, knots(_ERECTOR_HALF_Y_MM) * erector * bulk
    outlines = [
        Outline(
            here.x_mm + side * (half_x + 5),
            here.y_mm + 30 * here.scale + half_y,
            half_x, half_y, side * 0.12, 2.6, spine.wobbles[first],
        )
    ]  # fmt: skip
    quadratus = knots(_QUADRATUS_MM) * spine.quadratus * bulk
    outlines.append(
        Outline(
            here.x_mm + side * (knots(_TRANSVERSE_MM) + 9 + 6 * max(here.level, 0)),
            here.y_mm + 22 * here.scale,
            quadratus * 1.25, quadratus * 0.55, side * 0.75, 2.2, spine.wobbles[first + 1],
        )
    )  # fmt: skip
    radius = knots(_PSOAS_MM) * psoas * bulk
    outlines.append(
        Outline(
            here.x_mm + side * (knots(_PSOAS_X_MM) + 0.25 * radius),
            here.y_mm + knots(_PSOAS_Y_MM) + 6,
            radius * 0.98, radius * 1.14, side * -0.35, 2.0, spine.wobbles[first + 2],
        )
    )  # fmt: skip
    return outlines


def _paint_muscle(canvas: Canvas, outline: Outline, build: Build, hu: Attenuation, marbling: Texture) -> None:
    """Muscle with fat in it: streaks where the marbling noise is high, more of them where the build says so."""
    depth = outline.inside_mm(canvas)
    if depth is None:
        return
    window, inside = depth
    mask = (inside > 0) & (canvas.cavity[window] | (canvas.labels[window] == MUSCLE))
    canvas.paint(window, mask, hu.muscle, MUSCLE)
    noise = marbling.sample(canvas, window)
    threshold = 1.9 - 3.6 * build.fat_in_muscle
    canvas.paint(window, mask & (noise > threshold), hu.fat_in_muscle, MUSCLE)
    partly = mask & (noise <= threshold) & (noise > threshold - 0.35)
    canvas.paint(window, partly, 0.6 * hu.muscle + 0.4 * hu.fat_in_muscle, MUSCLE)


def paint_bones(canvas: Canvas, spine: Spine, here: SpineAt, hu: Attenuation) -> None:
    if here.level > _LOWEST_BONE:
        return
    within = here.within
    sacral = here.level > 2.5
    if sacral:
        _paint_sacrum(canvas, here, hu)
    elif within > 0.33 or within < -0.47:
        _vertebral_body(here, 1.0).paint(canvas, hu.disc)
    else:
        end_plate = within > 0.27 or within < -0.41
        _vertebral_body(here, 1.0).paint(canvas, hu.cortical_bone)
        inner = hu.cortical_bone * 0.75 if end_plate else hu.spongy_bone
        _vertebral_body(here, 0.92).paint(canvas, float(inner))
    if here.level < 5.2:
        _paint_arch(canvas, spine, here, hu)
    if spine.hardware and 0.4 < here.level < 2.2:
        for side in (-1, 1):
            Outline(here.x_mm + side * 15, here.y_mm + 18, 3.2, 14.0, side * 0.25).paint(canvas, 2900.0)


def _vertebral_body(here: SpineAt, share: float) -> Outline:
    half = here.body_half_mm * share
    waist = 1 - 0.06 * np.cos(2 * np.pi * here.within)
    return Outline(here.x_mm, here.y_mm, half * waist, half * 0.76 * waist, 0.0, 2.5, (0.03, 3.1))


def _paint_arch(canvas: Canvas, spine: Spine, here: SpineAt, hu: Attenuation) -> None:
    """Pedicles, transverse and spinous processes, facets and the canal, each where its level has it."""
    within, scale = here.within, here.scale
    canal_y = here.y_mm + 0.76 * here.body_half_mm + 9 * scale
    if here.level < 2.5:
        for side in (-1, 1):
            if -0.38 < within < 0.02:
                _bone(canvas, here.x_mm + side * 14 * scale, canal_y - 6, 5.0, 10.0, 0.0, hu)
            if -0.2 < within < 0.08:
                tip = float(np.interp(here.level, _LEVELS, _TRANSVERSE_MM)) * scale * spine.transverse
                thick = 4.5 if here.level < 1.5 else 8.0
                middle = (tip + 16) / 2
                _bone(canvas, here.x_mm + side * middle, canal_y + 1, (tip - 14) / 2, thick, side * 0.12, hu)
            if within > 0.15 or within < -0.3:
                _bone(canvas, here.x_mm + side * 17 * scale, canal_y + 9, 7.5, 8.5, side * -0.5, hu)
    if -0.05 < within < 0.42 or here.level > 2.5:
        length = (14 if -0.05 < within < 0.3 else 10) * scale
        _bone(canvas, here.x_mm, canal_y + 12 * scale + length, 3.6, length, 0.0, hu)
    _bone(canvas, here.x_mm, canal_y + 5, 14 * scale, 12.0, 0.0, hu, hollow=True)
    Outline(here.x_mm, canal_y, 11.5 * scale, 9 * scale).paint(canvas, -20.0)
    Outline(here.x_mm, canal_y, 9 * scale, 7.5 * scale).paint(canvas, 28.0)


def _bone(
    canvas: Canvas, x: float, y: float, rx: float, ry: float, angle: float, hu: Attenuation,
    *, hollow: bool = False,
) -> None:  # fmt: skip
    Outline(x, y, rx, ry, angle).paint(canvas, hu.cortical_bone)
    if not hollow and min(rx, ry) > 2.5:
        Outline(x, y, rx - 1.4, ry - 1.4, angle).paint(canvas, 0.7 * hu.spongy_bone + 60)


def _paint_sacrum(canvas: Canvas, here: SpineAt, hu: Attenuation) -> None:
    half = here.body_half_mm * min(0.75 + 0.6 * (here.level - 2.5), 1.25)
    deep = 26 * here.scale * float(np.clip(1 - 0.36 * (here.level - 4.3), 0.25, 1))
    Outline(here.x_mm, here.y_mm + 10, half * 1.25, deep, 0.0, 2.6).paint(canvas, hu.cortical_bone)
    Outline(here.x_mm, here.y_mm + 10, half * 1.25 - 2, deep - 2 * here.scale, 0.0, 2.6).paint(
        canvas, hu.spongy_bone * 0.8
    )
    for side in (-1, 1) if here.level < 5 else ():
        Outline(here.x_mm + side * 19, here.y_mm + 14, 4.5, 4.5).paint(canvas, -60.0)
