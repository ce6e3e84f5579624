"""Paints the trunk from the outside in: skin, subcutaneous fat, the muscular wall with ribs and ilium, the cavity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.phantoms.canvas import (
    BACKGROUND,
    MUSCLE,
    SUBCUTANEOUS_FAT,
    VISCERAL_FAT,
    Canvas,
    Floats,
    Mask,
    Outline,
    draw_wobble,
)
from export.phantoms.patient import Build, Generator
from export.phantoms.tissue import Attenuation, Texture

_ANGLES = 1440
_THETA = (np.arange(_ANGLES) / _ANGLES * 2 - 1) * np.pi  # atan2(y, x): 0 is left, pi/2 the back
_FROM_FRONT = np.arctan2(np.abs(np.cos(_THETA)), -np.sin(_THETA))  # 0 at the navel, pi at the spine
_EVERYWHERE = (slice(None), slice(None))
_ACETABULUM = 5.4  # from this level down the hips take the ilium's place
_RECESSES = 2.3  # so many levels do the lungs reach down beside the dome of the diaphragm
Table = NDArray[np.float64]


@dataclass(frozen=True)
class Trunk:
    """The wall's own shape. Tables over the angle are made per slice from these numbers; thicknesses in mm."""

    rectus_mm: float
    rectus_half_width_mm: float
    diastasis_mm: float
    flank_mm: float
    outline_wobble: tuple[float, ...]
    fat_wobble: tuple[float, ...]
    fat_front_share: float
    fat_back_share: float
    waist: float
    lung_reach: float
    navel_level: float
    asymmetry: float


def draw_trunk(rng: np.random.Generator, generator: Generator, build: Build) -> Trunk:
    shifted = generator is Generator.shifted
    return Trunk(
        rectus_mm=float(11.5 * build.muscularity * rng.normal(1, 0.12)),
        rectus_half_width_mm=float(31 * build.stature * rng.normal(1, 0.1) + 5 * build.visceral),
        diastasis_mm=float(rng.gamma(2, 2.5) + 2),
        flank_mm=float(23 * build.muscularity * rng.normal(1, 0.12) - 3 * build.visceral),
        outline_wobble=draw_wobble(rng, 0.014 if not shifted else 0.02, 5),
        fat_wobble=draw_wobble(rng, 0.09, 4),
        fat_front_share=float(rng.uniform(0.55, 1.25)),
        fat_back_share=float(rng.uniform(0.8, 1.5)),
        waist=float(rng.uniform(0.90, 1.0)),
        lung_reach=float(rng.normal(-3.3, 0.35)),
        navel_level=float(rng.normal(0.6, 0.25)),
        asymmetry=float(rng.normal(0, 0.05)),
    )


@dataclass(frozen=True)
class Ring:
    """The wall of one slice: tables over the angle and, per pixel, the angle's index and the depth below the fascia."""

    angle_index: NDArray[np.int32]
    depth_mm: Floats
    fascia_mm: Table
    wall_mm: Table

    def at(self, table: Table) -> Floats:
        return table.astype(np.float32)[self.angle_index]

    def point(self, from_front: float, side: int, depth_mm: float) -> tuple[float, float, float]:
        """x, y and the tangent's angle at an angle from the front on one side (+1 left), below the fascia."""
        theta = np.arctan2(-np.cos(from_front), side * np.sin(from_front))
        index = int((theta / np.pi + 1) / 2 * _ANGLES) % _ANGLES
        radius = self.fascia_mm[index] - depth_mm
        ahead = self.fascia_mm[(index + 8) % _ANGLES] * np.exp(1j * _THETA[(index + 8) % _ANGLES])
        behind = self.fascia_mm[index - 8] * np.exp(1j * _THETA[index - 8])
        return float(radius * np.cos(theta)), float(radius * np.sin(theta)), float(np.angle(ahead - behind))


def _harmonics(wobble: tuple[float, ...], level: float) -> Table:
    total = np.zeros(_ANGLES)
    for order, (size, phase) in enumerate(zip(wobble[::2], wobble[1::2], strict=True), start=1):
        total += size * np.cos(order * _THETA + phase + 0.35 * level * (-1) ** order)
    return total


def _bell(q: Table) -> Table:
    return np.sqrt(np.clip(1 - q * q, 0, None))


def fascia(build: Build, trunk: Trunk, level: float) -> Table:
    """Radius of the outer fascia over the angle, in mm."""
    waist = 1 - (1 - trunk.waist) * np.exp(-(((level + 0.3) / 1.6) ** 2))
    width = build.half_width_mm * waist * (1 + 0.02 * np.clip(-level - 2, 0, 2))
    depth = build.half_depth_mm * (1 + 0.05 * np.cos((level - 0.5) / 3))
    power = build.squareness
    shape = (np.abs(np.cos(_THETA) / width) ** power + np.abs(np.sin(_THETA) / depth) ** power) ** (-1 / power)
    groove = 7 * build.muscularity * np.exp(-(((_FROM_FRONT - np.pi) / 0.11) ** 2))
    return np.asarray(shape * (1 + _harmonics(trunk.outline_wobble, level)) - groove)


def subcutaneous(build: Build, trunk: Trunk, level: float) -> Table:
    """Thickness of the fat below the skin over the angle, in mm."""
    front, back = np.cos(_FROM_FRONT).clip(0), (-np.cos(_FROM_FRONT)).clip(0)
    share = 1 + (trunk.fat_front_share - 1) * front + (trunk.fat_back_share - 1) * back
    share = share * (1 - 0.45 * np.exp(-(((_FROM_FRONT - np.pi) / 0.16) ** 2)))
    growth = 1 + 0.16 * np.clip(level, -3, 3)
    navel = 1 - 0.75 * np.exp(-((_FROM_FRONT / 0.09) ** 2) - ((level - trunk.navel_level) / 0.25) ** 2)
    thickness = build.subcutaneous_mm * share * growth * (1 + _harmonics(trunk.fat_wobble, level)) * navel
    return np.asarray(np.clip(thickness, 1.5, None))


def _rectus(trunk: Trunk, radius: Table, level: float) -> Table:
    aside = np.abs(np.cos(_THETA)) * radius
    centre = trunk.diastasis_mm / 2 + trunk.rectus_half_width_mm
    thickness = trunk.rectus_mm * _bell((aside - centre) / trunk.rectus_half_width_mm)
    return thickness * (1 + 0.05 * level) * (np.cos(_FROM_FRONT) > 0)


def _flank(trunk: Trunk, build: Build, radius: Table, level: float) -> Table:
    """External and internal oblique with transversus; higher up intercostals and latissimus."""
    edge = trunk.diastasis_mm / 2 + 2 * trunk.rectus_half_width_mm + 7
    first = np.arctan2(edge, build.half_depth_mm * 0.92)
    ribcage = float(np.clip((-level - 1.6) / 0.9, 0, 1))
    last = np.deg2rad(133 + 14 * ribcage)
    middle, half = (first + last) / 2, (last - first) / 2
    thickness = trunk.flank_mm * (1 - 0.35 * ribcage) * _bell((_FROM_FRONT - middle) / half) ** 0.6
    return np.asarray(thickness * (1 + trunk.asymmetry * np.sign(np.cos(_THETA))))


def _gluteal(build: Build, level: float) -> tuple[Table, Table]:
    """Thickness outside the ilium, and where (0..1) the ilium is: from its crest downwards."""
    below = level - build.iliac_crest_level
    if below <= 0 or level > _ACETABULUM:
        return np.zeros(_ANGLES), np.zeros(_ANGLES)
    reach = min(0.12 + 0.32 * below, 0.62)
    bell = _bell((_FROM_FRONT - np.deg2rad(122 - 6 * min(below, 2))) / reach)
    return bell**0.7 * min(6 + 15 * below, 34) * build.muscularity, bell


def make_ring(canvas: Canvas, build: Build, trunk: Trunk, level: float) -> Ring:
    radius = fascia(build, trunk, level)
    slope = np.gradient(radius, 2 * np.pi / _ANGLES) / radius
    theta = np.arctan2(canvas.y_mm, canvas.x_mm)
    index = ((theta * np.float32(0.5 / np.pi) + np.float32(0.5)) * _ANGLES).astype(np.int32) % _ANGLES
    wall = np.maximum(_rectus(trunk, radius, level), _flank(trunk, build, radius, level))
    ring = Ring(index, canvas.x_mm, radius, np.maximum(wall, 1.8))
    distance = np.hypot(canvas.x_mm, canvas.y_mm)
    depth = (ring.at(radius) - distance) * ring.at(1 / np.sqrt(1 + slope * slope))
    return Ring(index, depth, radius, ring.wall_mm)


def paint_trunk(canvas: Canvas, build: Build, trunk: Trunk, level: float, hu: Attenuation, strands: Texture) -> Ring:
    """Skin, fat, wall and an empty cavity filled with visceral fat; returns the ring for what lies in the wall."""
    ring = make_ring(canvas, build, trunk, level)
    outside = -ring.depth_mm
    fat = ring.at(subcutaneous(build, trunk, level))
    canvas.body = outside < fat + 2.2
    canvas.paint(_EVERYWHERE, canvas.body, hu.skin)
    under_skin = outside < fat
    fat_hu = _fat_hu(canvas, build, hu, strands, outside, fat)
    canvas.paint(_EVERYWHERE, under_skin, fat_hu, SUBCUTANEOUS_FAT)
    inside = ring.depth_mm > 0
    canvas.paint(_EVERYWHERE, inside, 35.0)
    _paint_wall(canvas, ring, hu)
    canvas.cavity = ring.depth_mm > ring.at(ring.wall_mm) + 0.6
    canvas.paint(_EVERYWHERE, canvas.cavity, hu.fat_visceral, VISCERAL_FAT)
    _paint_pelvis(canvas, build, ring, level, hu)
    _paint_ribs(canvas, build, ring, level, hu)
    _paint_lungs(canvas, trunk, ring, level, hu)
    return ring


def _fat_hu(canvas: Canvas, build: Build, hu: Attenuation, strands: Texture, outside: Floats, fat: Floats) -> Floats:
    """Fat with Scarpa's fascia in it and, where there is oedema, water-bearing strands."""
    noise = strands.sample(canvas, _EVERYWHERE)
    values = np.float32(hu.fat_subcutaneous) + 2 * noise
    values += np.float32(90 * build.oedema) * np.clip(np.abs(noise) - 1.1, 0, 1)
    values += np.float32(150) * np.clip(noise - 2.6, 0, 1)  # veins
    scarpa = (np.abs(outside - 0.55 * fat) < 0.5) & (fat > 9)
    values[scarpa] += 55
    return values.astype(np.float32)


def _paint_wall(canvas: Canvas, ring: Ring, hu: Attenuation) -> None:
    thickness = ring.at(ring.wall_mm)
    muscle = (ring.depth_mm > 0.4) & (ring.depth_mm < thickness) & (thickness > 3.0)
    canvas.paint(_EVERYWHERE, muscle, hu.muscle, MUSCLE)
    flank = muscle & (ring.at(_FROM_FRONT) > 0.9) & (thickness > 7)
    for share in (0.38, 0.72):
        plane = flank & (np.abs(ring.depth_mm - share * thickness) < 0.55)
        canvas.paint(_EVERYWHERE, plane, hu.fat_in_muscle, MUSCLE)


def _paint_pelvis(canvas: Canvas, build: Build, ring: Ring, level: float, hu: Attenuation) -> None:
    thickness, bell = _gluteal(build, level)
    if not bell.any():
        return
    outer, where = ring.at(thickness), ring.at(bell)
    behind = where > 0
    bone_mm = 3 + 6 * where
    iliacus_mm = 2 + 12 * where * build.muscularity * min(level - build.iliac_crest_level, 1.5)
    deep = ring.depth_mm - outer
    canvas.paint(_EVERYWHERE, behind & (ring.depth_mm > 1) & (deep <= 0), hu.muscle, MUSCLE)
    bone = behind & (deep > 0) & (deep <= bone_mm)
    canvas.paint(_EVERYWHERE, bone, hu.cortical_bone)
    spongy = bone & (deep > 1.8) & (deep < bone_mm - 1.8)
    canvas.paint(_EVERYWHERE, spongy, hu.spongy_bone)
    iliacus = behind & (deep > bone_mm + 0.5) & (deep <= bone_mm + iliacus_mm)
    canvas.paint(_EVERYWHERE, iliacus, hu.muscle, MUSCLE)
    canvas.cavity &= ~(behind & (deep <= bone_mm + iliacus_mm))


def _paint_ribs(canvas: Canvas, build: Build, ring: Ring, level: float, hu: Attenuation) -> None:
    """Ribs T6 to T12: each runs from the spine sideways and down, so lower slices meet it further in front."""
    for number, length in zip(range(6, 13), (1.0, 1.0, *build.rib_lengths), strict=True):
        head = number - 15.2
        span = (1.1 if number == 12 else 2.3) * length
        way = (level - head) / span
        if not 0 < way < 1:
            continue
        for side in (-1, 1):
            reach = np.deg2rad(70 if number == 12 else 135)
            from_front = np.pi * 0.9 - way * reach
            x, y, tangent = ring.point(from_front, side, 6.5)
            shell = Outline(x, y, 9.0, 4.2, tangent)
            cartilage = way > 0.85 and number < 12
            shell.paint(canvas, hu.cartilage if cartilage else hu.cortical_bone)
            if not cartilage:
                Outline(x, y, 7.2, 2.6, tangent).paint(canvas, hu.spongy_bone)


def _paint_lungs(canvas: Canvas, trunk: Trunk, ring: Ring, level: float, hu: Attenuation) -> None:
    """The recesses behind and beside the upper organs, then all around them; the diaphragm has no label."""
    above = trunk.lung_reach - level
    if above <= 0:
        return
    in_chest = max(above - _RECESSES, 0.0)
    bell = _bell((_FROM_FRONT - np.deg2rad(125)) / (min(0.35 + 0.5 * above, 1.1) + 0.7 * in_chest))
    reach_mm = min(10 + 22 * above, 60) + 30 * in_chest
    deep: Mask = ring.depth_mm - ring.at(ring.wall_mm) < ring.at(bell * reach_mm)
    lungs = canvas.cavity & deep & (ring.at(bell) > 0)
    diaphragm = canvas.cavity & (ring.depth_mm - ring.at(ring.wall_mm) < ring.at(bell * (reach_mm + 3)))
    canvas.paint(_EVERYWHERE, diaphragm & (ring.at(bell) > 0), hu.muscle, BACKGROUND)
    canvas.paint(_EVERYWHERE, lungs, hu.lung, BACKGROUND)
    canvas.cavity &= ~diaphragm
