"""Axial slices of arms and legs, and the views along them: sagittal knees, feet, spines and heads."""

import numpy as np

from export.phantoms.regions.materials import Materials
from export.phantoms.regions.sheet import Sheet

Random = np.random.Generator


def _limb(sheet: Sheet, rng: Random, of: Materials, x: float, size: float, fat: float) -> None:
    limb = sheet.ellipse(x, 0, size, size * rng.uniform(0.9, 1.12), power=2.1)
    sheet.put(limb < 1, of.fat)
    sheet.put(limb < 1 - fat, of.muscle)
    for angle in rng.uniform(0, np.pi, 3):
        seam = np.abs((sheet.x - np.float32(x)) * np.float32(np.cos(angle)) + sheet.y * np.float32(np.sin(angle)))
        sheet.put((seam < 0.008) & (limb < 1 - fat), of.fat)


def _shaft(sheet: Sheet, of: Materials, x: float, y: float, size: float) -> None:
    shaft = sheet.ellipse(x, y, size, size * 0.95)
    sheet.put(shaft < 1, of.bone)
    sheet.put(shaft < 0.55, of.marrow)


def arm(sheet: Sheet, rng: Random, of: Materials) -> None:
    """An upper arm with one bone, or a forearm with two of the same size; alone on the image."""
    size = rng.uniform(0.4, 0.62)
    _limb(sheet, rng, of, 0.0, size, rng.uniform(0.08, 0.2))
    if rng.random() < 0.4:
        _shaft(sheet, of, rng.uniform(-0.06, 0.06), 0.03, size * 0.24)
        return
    for side in (-1, 1):
        _shaft(sheet, of, side * size * 0.38, rng.uniform(-0.05, 0.1), size * rng.uniform(0.17, 0.23))


def leg(sheet: Sheet, rng: Random, of: Materials) -> None:
    """Two thighs or two calves beside each other."""
    calf = rng.random() < 0.5
    size, apart = rng.uniform(0.3, 0.42), rng.uniform(0.42, 0.48)
    for side in (-1, 1):
        _limb(sheet, rng, of, side * apart, size, rng.uniform(0.08, 0.3))
        if calf:
            _shaft(sheet, of, side * (apart - size * 0.25), -size * 0.45, size * 0.3)
            _shaft(sheet, of, side * (apart + size * 0.4), -size * 0.05, size * 0.12)
        else:
            _shaft(sheet, of, side * apart, -size * 0.1, size * 0.22)


def hand(sheet: Sheet, rng: Random, of: Materials) -> None:
    """Across the palm: five small bones in an arc."""
    wide = rng.uniform(0.55, 0.75)
    palm = sheet.ellipse(0, 0, wide, rng.uniform(0.2, 0.3), power=2.4)
    sheet.put(palm < 1, of.fat)
    sheet.put(palm < 0.86, of.muscle)
    for finger in range(5):
        x = (finger - 2) * wide * 0.37
        _shaft(sheet, of, x, -0.06 + 0.25 * (finger - 2) ** 2 * 0.08 + (0.12 if finger == 0 else 0), 0.075)


def knee(sheet: Sheet, rng: Random, of: Materials) -> None:
    """Across the condyles: the kneecap in front of them."""
    for x in (0.0,) if rng.random() < 0.6 else (-0.46, 0.46):
        size = rng.uniform(0.55, 0.66) * (1.0 if x == 0 else 0.66)
        _limb(sheet, rng, of, x, size, 0.12)
        sheet.put(sheet.ellipse(x, size * 0.72, size * 0.5, size * 0.2) < 1, of.muscle)
        for side in (-1, 1):
            condyle = sheet.ellipse(x + side * size * 0.34, size * 0.1, size * 0.32, size * 0.42, side * -0.2)
            sheet.put(condyle < 1, of.bone)
            sheet.put(condyle < 0.88, of.marrow)
        cap = sheet.ellipse(x, -size * 0.62, size * 0.34, size * 0.15)
        sheet.put(cap < 1, of.bone)
        sheet.put(cap < 0.75, of.marrow)


def _long_bone(sheet: Sheet, of: Materials, rod: np.ndarray) -> None:
    sheet.put(rod < 1, of.bone)
    sheet.put(rod < 0.82, of.marrow)


def knee_sagittal(sheet: Sheet, rng: Random, of: Materials) -> None:
    side = 1 if rng.random() < 0.5 else -1
    flesh = sheet.bone((0, -1.3), (0.06 * side, 1.3), rng.uniform(0.55, 0.7))
    sheet.put(flesh < 1, of.fat)
    sheet.put((flesh < 0.85) & (sheet.x * side < 0.1), of.muscle)
    _long_bone(sheet, of, sheet.bone((0, -1.3), (-0.02 * side, -0.3), 0.15, ends=1.3))
    _long_bone(sheet, of, sheet.ellipse(-0.05 * side, -0.2, 0.3, 0.25))
    _long_bone(sheet, of, sheet.ellipse(0, 0.26, 0.3, 0.16, power=2.6))
    _long_bone(sheet, of, sheet.bone((0, 0.3), (-0.03 * side, 1.3), 0.14, ends=1.2))
    _long_bone(sheet, of, sheet.ellipse(0.4 * side, -0.25, 0.09, 0.2, -0.15 * side))
    sheet.put(sheet.bone((0.42 * side, -0.5), (0.3 * side, -1.2), 0.03) < 1, of.bone)
    sheet.put(sheet.bone((0.42 * side, -0.05), (0.26 * side, 0.4), 0.03) < 1, of.bone)
    sheet.put(sheet.bone((-0.2 * side, 0.06), (0.2 * side, 0.06), 0.03) < 1, of.fluid)
    sheet.put(sheet.bone((-0.12 * side, -0.05), (0.12 * side, 0.12), 0.035) < 1, of.bone)


def foot_sagittal(sheet: Sheet, rng: Random, of: Materials) -> None:
    side = 1 if rng.random() < 0.5 else -1
    sheet.put(sheet.bone((-0.3 * side, -1.2), (-0.3 * side, 0.3), 0.28) < 1, of.fat)
    sheet.put(sheet.bone((-0.45 * side, 0.32), (0.8 * side, 0.42), 0.26) < 1, of.fat)
    sheet.put(sheet.bone((-0.42 * side, -1.2), (-0.48 * side, 0.0), 0.1) < 1, of.muscle)
    sheet.put(sheet.bone((-0.3 * side, 0.52), (0.6 * side, 0.5), 0.07) < 1, of.muscle)
    _long_bone(sheet, of, sheet.bone((-0.24 * side, -1.2), (-0.24 * side, -0.12), 0.13, ends=1.15))
    _long_bone(sheet, of, sheet.ellipse(-0.2 * side, 0.08, 0.19, 0.13))
    _long_bone(sheet, of, sheet.ellipse(-0.42 * side, 0.34, 0.24, 0.14, 0.2 * side))
    for x, y, size in ((0.06, 0.16, 0.1), (0.2, 0.22, 0.09)):
        _long_bone(sheet, of, sheet.ellipse(x * side, y, size, size * 0.9))
    for start, end in ((0.3, 0.58), (0.64, 0.76), (0.8, 0.9)):
        rod = sheet.bone((start * side, 0.2 + start * 0.35), (end * side, 0.2 + end * 0.35), 0.06, ends=1.3)
        _long_bone(sheet, of, rod)


def spine_sagittal(sheet: Sheet, rng: Random, of: Materials) -> None:
    """Vertebrae and discs in their curve, the canal behind them, the muscles of the back."""
    sheet.put(np.abs(sheet.x) < rng.uniform(0.7, 1.3), of.fat)
    curve, phase, tall = rng.uniform(0.06, 0.18), rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.34)
    line = np.float32(curve) * np.sin(np.float32(np.pi * 0.8) * sheet.y + np.float32(phase))
    across = sheet.x - line
    wide = tall * rng.uniform(0.5, 0.75)
    sheet.put((across < -wide * 1.2) & (sheet.x > -0.85), of.muscle if rng.random() < 0.5 else of.organ)
    sheet.put((across > wide * 2.6) & (across < wide * 4.0), of.muscle)
    sheet.put(np.abs(across) < wide * 1.12, of.bone)
    along = np.mod(sheet.y + np.float32(rng.uniform(0, 1)), np.float32(tall)) / np.float32(tall)
    sheet.put((np.abs(across) < wide) & (along < 0.76), of.marrow)
    sheet.put((np.abs(across) < wide) & (along > 0.8) & (along < 0.96), of.fluid if rng.random() < 0.6 else of.muscle)
    canal = across - np.float32(wide * 1.6)
    sheet.put(np.abs(canal) < wide * 0.42, of.fluid)
    if rng.random() < 0.7:
        sheet.put(np.abs(canal) < wide * 0.2, of.white)
    sheet.put((across > wide * 2.1) & (across < wide * 3.3) & (along > 0.25) & (along < 0.65), of.marrow)


def head_sagittal(sheet: Sheet, rng: Random, of: Materials) -> None:
    sheet.put(sheet.bone((0.22, 0.4), (0.2, 1.3), 0.3) < 1, of.fat)
    sheet.put(sheet.ellipse(-0.3, 0.42, 0.36, 0.42) < 1, of.fat)
    sheet.put(sheet.ellipse(-0.24, 0.62, 0.28, 0.2) < 1, of.muscle)
    skull = sheet.ellipse(0.02, -0.15, 0.76, 0.62)
    sheet.put(skull < 1.08, of.fat)
    sheet.put(skull < 1, of.bone)
    sheet.put(skull < 0.93, of.fluid)
    sheet.put((skull < 0.88) & (sheet.y < 0.12), of.grey)
    sheet.put((skull < 0.68) & (sheet.y < 0.05), of.white)
    arch = sheet.ellipse(0.02, -0.1, 0.3, 0.2)
    sheet.put((arch < 1) & (sheet.y < -0.05), of.white)
    sheet.put((arch < 0.72) & (sheet.y < 0.0), of.fluid)
    sheet.put(sheet.ellipse(0.02, -0.05, 0.14, 0.09) < 1, of.grey)
    sheet.put(sheet.bone((0.06, 0.05), (0.18, 0.5), 0.09) < 1, of.white)
    sheet.put(sheet.bone((0.18, 0.5), (0.2, 1.3), 0.05) < 1, of.white)
    sheet.put(sheet.ellipse(0.4, 0.26, 0.22, 0.17) < 1, of.grey)
    sheet.put(sheet.ellipse(-0.42, 0.3, 0.2, 0.07, 0.3) < 1, of.air)
    sheet.put(sheet.bone((-0.05, 0.45), (0.02, 1.2), rng.uniform(0.03, 0.07)) < 1, of.air)
