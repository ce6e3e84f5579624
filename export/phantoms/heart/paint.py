"""Anatomy and calcium in, one slice of them painted on a canvas out, with what each voxel's calcium belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from export.phantoms.canvas import Canvas, Floats, Mask
from export.phantoms.heart import ARTERIES, BESIDE
from export.phantoms.heart.anatomy import Anatomy, Vector, Vessel
from export.phantoms.heart.calcium import Deposit

_EVERYWHERE = (slice(None), slice(None))
_WITHIN_SLICE = (-1 / 3, 0.0, 1 / 3)
_FAT_AROUND_MM = 2.2  # of a coronary artery at least
_OWNED_SHARE = 0.12
"""Of a voxel that a deposit fills: less of it is not seen."""
OWNERS = (*ARTERIES, *BESIDE)


@dataclass(frozen=True)
class Motion:
    """How far the heart moves while it is scanned, in mm; 0 where the scan waits for its beat."""

    x_mm: float
    y_mm: float

    def places(self) -> list[tuple[float, float]]:
        share = (-1.0, -0.4, 0.3, 1.0) if self.x_mm or self.y_mm else (0.0,)
        return [(each * self.x_mm, each * self.y_mm) for each in share]


def paint_chest(canvas: Canvas, of: Anatomy, muscle_hu: float, fat_hu: float, bone_hu: float, marrow_hu: float) -> None:
    """Fat, muscle, lungs, ribs, breastbone and spine around what `paint_heart` puts into the middle."""
    chest = of.chest
    x, y = canvas.x_mm - np.float32(chest.middle[0]), canvas.y_mm - np.float32(chest.middle[1])

    def cage(beyond_mm: float, power: float = 2.3) -> Floats:
        wide, deep = chest.half_width + beyond_mm, chest.half_depth + beyond_mm
        return np.asarray((np.abs(x / wide) ** power + np.abs(y / deep) ** power) ** (1 / power), np.float32)

    body = cage(chest.muscle_mm + chest.fat_mm + 6) < 1
    canvas.body |= body
    canvas.paint(_EVERYWHERE, body, fat_hu)
    canvas.paint(_EVERYWHERE, cage(chest.muscle_mm + 4) < 1, muscle_hu)
    inside = cage(0.0) < 1
    canvas.paint(_EVERYWHERE, inside, chest.lung_hu)
    for middle, radius in of.lung_vessels:
        _ball(canvas, middle, radius, of.blood_hu)
    dome = np.float32(canvas.z_mm - of.liver_top_mm) / 60 + np.hypot((canvas.x_mm + 62) / 75, y / 90) ** 2
    canvas.paint(_EVERYWHERE, inside & (dome < 0.45), of.muscle_hu + 8)
    _paint_bones(canvas, of, x, y, bone_hu, marrow_hu)


def _paint_bones(canvas: Canvas, of: Anatomy, x: Floats, y: Floats, bone_hu: float, marrow_hu: float) -> None:
    """Ribs slope down to the front, so a slice cuts each of them once on either side."""
    chest = of.chest
    angle = np.arctan2(y / np.float32(chest.half_depth), np.abs(x) / np.float32(chest.half_width))
    ring = np.hypot(x / np.float32(chest.half_width + 5), y / np.float32(chest.half_depth + 5))
    slope = np.float32(canvas.z_mm + chest.rib_phase) - 46 * (angle / np.float32(np.pi / 2))
    along = np.abs((slope / 24) % 1 - 0.5) * 24  # mm from the middle of a rib, along z
    rib = (np.abs(ring - 1) * np.float32(chest.half_width) < 4.5) & (along > 7.2) & (angle > -1.25)
    canvas.paint(_EVERYWHERE, rib, marrow_hu)
    canvas.paint(_EVERYWHERE, rib & ((along < 8.6) | (np.abs(ring - 1) * np.float32(chest.half_width) > 3.0)), bone_hu)
    front = chest.middle[1] - chest.half_depth - 3
    board = np.maximum(np.abs(canvas.x_mm) / 17, np.abs(canvas.y_mm - np.float32(front)) / 6)
    canvas.paint(_EVERYWHERE, board < 1, bone_hu)
    canvas.paint(_EVERYWHERE, board < 0.75, marrow_hu)
    sx, sy = canvas.x_mm - np.float32(chest.spine[0]), canvas.y_mm - np.float32(chest.spine[1])
    vertebra = np.hypot(sx / np.float32(chest.vertebra_mm * 1.15), sy / np.float32(chest.vertebra_mm * 0.9))
    canvas.paint(_EVERYWHERE, np.hypot(sx / 34, (sy - 26) / 20) < 1, of.muscle_hu)
    arch = np.maximum(np.abs(sx) / 24, np.abs(sy - 20) / 11)
    canvas.paint(_EVERYWHERE, arch < 1, bone_hu)
    canvas.paint(_EVERYWHERE, np.hypot(sx / 9, (sy - 20) / 8) < 1, 30.0)
    canvas.paint(_EVERYWHERE, vertebra < 1, bone_hu)
    disc = (canvas.z_mm + chest.rib_phase) % 24 < 4
    canvas.paint(_EVERYWHERE, vertebra < 0.88, 80.0 if disc else marrow_hu)


def paint_heart(canvas: Canvas, of: Anatomy) -> None:
    """Mediastinal and epicardial fat, muscle and blood, the great vessels, and the coronary arteries in the fat."""
    heart = of.heart
    px, py, pz = (
        canvas.x_mm - np.float32(heart.middle[0]),
        canvas.y_mm - np.float32(heart.middle[1]),
        canvas.z_mm - float(heart.middle[2]),
    )

    def ellipsoid(beyond_mm: float, along: float = 0.0) -> Floats:
        """Of the heart, moved `along` its axis by that many half lengths."""
        shift = along * heart.half_length * heart.axis
        x, y, z = px - np.float32(shift[0]), py - np.float32(shift[1]), np.float32(pz - shift[2])
        on = x * np.float32(heart.axis[0]) + y * np.float32(heart.axis[1]) + z * np.float32(heart.axis[2])
        aside = np.maximum(x * x + y * y + z * z - on * on, 0)
        long, wide = heart.half_length + beyond_mm, heart.radius + beyond_mm
        return np.asarray((on / np.float32(long)) ** 2 + aside / np.float32(wide**2), np.float32)

    spine_side = np.hypot(
        (canvas.x_mm - np.float32(heart.middle[0] * 0.4)) / 52,
        (canvas.y_mm - np.float32((heart.middle[1] + of.chest.spine[1]) / 2)) / 62,
    )
    canvas.paint(_EVERYWHERE, spine_side < 1, of.fat_hu)
    sac = ellipsoid(heart.fat_mm) < 1
    canvas.paint(_EVERYWHERE, sac, of.fat_hu)
    for vessel in (of.ascending, of.descending, of.pulmonary):
        _paint_vessel(canvas, vessel, of.muscle_hu, of.blood_hu)
    for middle, radius in of.atria:
        _ball(canvas, middle, radius, of.blood_hu)
    canvas.paint(_EVERYWHERE, ellipsoid(0.0) < 1, of.muscle_hu)
    canvas.paint(_EVERYWHERE, ellipsoid(-10.0) < 1, of.blood_hu)
    for beyond_mm, hu in ((_FAT_AROUND_MM, of.fat_hu), (0.0, of.blood_hu)):
        for path in of.arteries.values():
            near = np.abs(path[:, 2] - canvas.z_mm) < of.artery_mm + beyond_mm / 2
            for point in path[near][::3]:
                _disc(canvas, point, of.artery_mm + beyond_mm, hu)


def _paint_vessel(canvas: Canvas, vessel: Vessel, wall_hu: float, blood_hu: float) -> None:
    nearest = vessel.path[np.abs(vessel.path[:, 2] - canvas.z_mm).argmin()]
    if abs(nearest[2] - canvas.z_mm) > 2.0:
        return
    _disc(canvas, nearest, vessel.radius + 1.5, wall_hu)
    _disc(canvas, nearest, vessel.radius, blood_hu)


def _ball(canvas: Canvas, middle: Vector, radius: float, hu: float) -> None:
    here = radius**2 - (canvas.z_mm - float(middle[2])) ** 2
    if here > 1:
        _disc(canvas, middle, float(np.sqrt(here)), hu)


def _disc(canvas: Canvas, point: Vector, radius: float, hu: float) -> None:
    window = canvas.window(float(point[0]), float(point[1]), radius + 1)
    if window is None:
        return
    away = np.hypot(canvas.x_mm[window] - np.float32(point[0]), canvas.y_mm[window] - np.float32(point[1]))
    canvas.paint(window, away < radius, hu)


def paint_calcium(
    canvas: Canvas, deposits: Sequence[Deposit], thickness_mm: float, motion: Motion
) -> NDArray[np.uint8]:
    """Each voxel as full as it is; what belongs to whom: 0 nobody, then `OWNERS` from 1."""
    filled, owner = np.zeros_like(canvas.hu), np.zeros(canvas.hu.shape, np.uint8)
    hu = canvas.hu.copy()
    for deposit in deposits:
        share = _share(canvas, deposit, thickness_mm, motion)
        if share is None:
            continue
        window, part = share
        number = OWNERS.index(deposit.kind) + 1
        more = part > np.maximum(filled[window], _OWNED_SHARE)
        owner[window][more] = number
        filled[window] = np.maximum(filled[window], part)
        np.maximum(hu[window], canvas.hu[window] + part * (np.float32(deposit.hu) - canvas.hu[window]), out=hu[window])
    canvas.hu[...] = hu
    return np.asarray(np.where(owner > 0, owner, maximum_filter(owner, 3)), np.uint8)


def _share(
    canvas: Canvas, deposit: Deposit, thickness_mm: float, motion: Motion
) -> tuple[tuple[slice, slice], Floats] | None:
    """How much of each voxel it fills, over the thickness of the slice and while the heart moves."""
    reach = deposit.radius + thickness_mm / 2
    near = deposit.path[np.abs(deposit.path[:, 2] - canvas.z_mm) < reach]
    if not len(near):
        return None
    middle = (near.min(axis=0) + near.max(axis=0)) / 2
    moved = max(abs(motion.x_mm), abs(motion.y_mm))
    half = float(np.abs(near[:, :2] - middle[:2]).max()) + deposit.radius + moved + 1.5
    window = canvas.window(float(middle[0]), float(middle[1]), half)
    if window is None:
        return None
    x, y = canvas.x_mm[window], canvas.y_mm[window]
    total = np.zeros_like(x)
    places = motion.places() if deposit.kind != "aorta" else [(0.0, 0.0)]
    for offset in _WITHIN_SLICE:
        z = canvas.z_mm + offset * thickness_mm
        for dx, dy in places:
            total += _inside(near, x - np.float32(dx), y - np.float32(dy), z, deposit.radius, canvas.spacing_mm)
    return window, np.asarray(total / (len(_WITHIN_SLICE) * len(places)), np.float32)


def _inside(path: Vector, x: Floats, y: Floats, z: float, radius: float, pixel_mm: float) -> Floats:
    """1 well inside, 0 outside, and as much of a pixel as is covered at the border."""
    there = path[np.abs(path[:, 2] - z) < radius]
    nearest = np.full(x.shape, np.inf, np.float32)
    for px, py, pz in there:
        wide = np.float32(np.sqrt(radius**2 - (pz - z) ** 2))
        np.minimum(nearest, np.hypot(x - np.float32(px), y - np.float32(py)) - wide, out=nearest)
    return np.asarray(np.clip(0.5 - nearest / np.float32(pixel_mm), 0, 1), np.float32)


def truth(hu: NDArray[np.int16], owner: NDArray[np.uint8], least_hu: int = 130) -> NDArray[np.uint8]:
    """What a reader would mark: the voxels that are bright enough and belong to an artery's plaque."""
    mine: Mask = (hu >= least_hu) & (owner > 0) & (owner <= len(ARTERIES))
    return np.where(mine, owner, np.uint8(0)).astype(np.uint8)
