"""Axial slices of head, neck and trunk, in whatever modality the materials are of."""

import numpy as np

from export.phantoms.regions.materials import Materials
from export.phantoms.regions.sheet import Sheet

Random = np.random.Generator


def head(sheet: Sheet, rng: Random, of: Materials) -> None:
    """From the orbits up: scalp, skull, brain, and what lies at that height."""
    wide, long = rng.uniform(0.5, 0.62), rng.uniform(0.66, 0.8)
    skull = sheet.ellipse(0, 0, wide, long)
    sheet.put(skull < 1 + rng.uniform(0.04, 0.12), of.fat)
    sheet.put(skull < 1, of.bone)
    sheet.put((skull < 0.96) & (skull > 0.92), of.marrow)
    sheet.put(skull < 0.88, of.fluid)
    sheet.put(skull < rng.uniform(0.8, 0.87), of.grey)
    if rng.random() < 0.3:
        _face(sheet, rng, of, wide, long)
        return
    gyri = 0.06 * np.sin(np.float32(rng.uniform(8, 14)) * np.arctan2(sheet.y, sheet.x) + np.float32(rng.uniform(0, 6)))
    sheet.put(skull + gyri < rng.uniform(0.62, 0.74), of.white)
    sheet.put((np.abs(sheet.x) < 0.012) & (skull < 0.85), of.fluid)
    lean, size = rng.uniform(0.15, 0.5), rng.uniform(0.6, 1.4)
    for side in (-1, 1):
        sheet.put(sheet.ellipse(side * 0.09 * size, -0.16, 0.045 * size, 0.16, side * -lean) < 1, of.fluid)
        sheet.put(sheet.ellipse(side * 0.12 * size, 0.2, 0.05 * size, 0.17, side * lean) < 1, of.fluid)
        sheet.put(sheet.ellipse(side * 0.14, 0.02, 0.07, 0.13) < 1, of.grey)
    if rng.random() < 0.25:
        place = rng.uniform(-0.35, 0.35, 2)
        sheet.put(sheet.ellipse(*place, *rng.uniform(0.05, 0.16, 2)) < 1, of.blood if rng.random() < 0.5 else of.fluid)


def _face(sheet: Sheet, rng: Random, of: Materials, wide: float, long: float) -> None:
    for side in (-1, 1):
        sheet.put(sheet.ellipse(side * 0.26, -0.72 * long / 0.75, 0.16, 0.2) < 1, of.fat)
        sheet.put(sheet.ellipse(side * 0.26, -0.78 * long / 0.75, 0.11, 0.11) < 1, of.fluid)
        sheet.put(sheet.ellipse(side * 0.32, 0.15, 0.13, 0.06, side * 0.7) < 1, of.bone)
        sheet.put(sheet.ellipse(side * 0.2, 0.42, 0.22, 0.2) < 1, of.grey)
    sheet.put(sheet.ellipse(0, -0.68 * long / 0.75, 0.1, 0.2) < 1, of.air)
    sheet.put(sheet.ellipse(0, rng.uniform(0.02, 0.15), 0.14, 0.1) < 1, of.white)


def neck(sheet: Sheet, rng: Random, of: Materials) -> None:
    wide, deep = rng.uniform(0.52, 0.68), rng.uniform(0.5, 0.66)
    body = sheet.ellipse(0, 0, wide, deep, power=2.2)
    sheet.put(body < 1, of.fat)
    for side in (-1, 1):
        sheet.put(sheet.ellipse(side * 0.2, 0.33, 0.22, 0.17, side * 0.3) < 1, of.muscle)
        sheet.put(sheet.ellipse(side * 0.37, -0.02, 0.08, 0.2, side * -0.5) < 1, of.muscle)
        sheet.put(sheet.ellipse(side * 0.16, 0.06, 0.09, 0.07) < 1, of.muscle)
        sheet.put(sheet.ellipse(side * 0.25, -0.08, 0.055, 0.055) < 1, of.blood)
        sheet.put(sheet.ellipse(side * 0.32, -0.03, 0.07, 0.05) < 1, of.blood)
    _vertebra(sheet, of, 0.0, 0.12, rng.uniform(0.11, 0.14))
    if rng.random() < 0.45:
        jaw = sheet.ellipse(0, -0.1, 0.44, 0.5)
        sheet.put((jaw < 1) & (jaw > 0.84) & (sheet.y < -0.1), of.bone)
        sheet.put((jaw < 0.8) & (sheet.y < -0.1), of.muscle)
        sheet.put(sheet.ellipse(0, -0.08, 0.1, 0.05) < 1, of.air)
        return
    for side in (-1, 1):
        sheet.put(sheet.ellipse(side * 0.13, -0.18, 0.07, 0.13, side * 0.2) < 1, of.organ * rng.uniform(1.0, 1.6))
    sheet.put(sheet.ellipse(0, -0.2, 0.1, 0.1) < 1, of.muscle)
    sheet.put(sheet.ellipse(0, -0.2, 0.075, rng.uniform(0.06, 0.095)) < 1, of.air)


def _vertebra(sheet: Sheet, of: Materials, x: float, y: float, size: float) -> None:
    """Body in front, arch and processes behind, the canal between them."""
    for side in (-1, 1):
        tip = (x + side * size * 1.9, y + size * 1.1)
        sheet.put(sheet.bone((x + side * size * 0.8, y + size), tip, size * 0.25) < 1, of.bone)
    sheet.put(sheet.bone((x, y + size * 1.6), (x, y + size * 2.8), size * 0.25) < 1, of.bone)
    sheet.put(sheet.ellipse(x, y + size * 1.25, size * 0.85, size * 0.7) < 1, of.bone)
    body = sheet.ellipse(x, y, size * 1.15, size * 0.9, power=2.5)
    sheet.put(body < 1, of.bone)
    sheet.put(body < 0.8, of.marrow)
    canal = sheet.ellipse(x, y + size * 1.3, size * 0.6, size * 0.45)
    sheet.put(canal < 1, of.fluid)
    sheet.put(canal < 0.55, of.white)


def _body(sheet: Sheet, rng: Random, of: Materials, wide: float, deep: float) -> np.ndarray:
    """Skin, fat and the muscles of the wall; what is given is the depth, 1 at the skin."""
    body = sheet.ellipse(0, 0, wide, deep, power=rng.uniform(2.1, 2.6))
    sheet.put(body < 1, of.fat)
    inner = sheet.ellipse(0, 0.01, wide * rng.uniform(0.8, 0.94), deep * rng.uniform(0.78, 0.92), power=2.3)
    sheet.put(inner < 1, of.muscle)
    return inner


def chest(sheet: Sheet, rng: Random, of: Materials) -> None:
    wide, deep = rng.uniform(0.8, 0.95), rng.uniform(0.54, 0.7)
    inner = _body(sheet, rng, of, wide, deep)
    for angle in np.arange(-2.9, 3.0, 0.48) + rng.uniform(0, 0.3):
        x, y = 0.79 * wide * np.cos(angle), 0.74 * deep * np.sin(angle)
        sheet.put(sheet.ellipse(x, y, 0.09, 0.022, angle + np.pi / 2 + rng.normal(0, 0.15)) < 1, of.bone)
    low = rng.random()
    for side in (-1, 1):
        lung = sheet.ellipse(side * 0.42 * wide, -0.02, 0.36 * wide, 0.66 * deep, power=2.3)
        sheet.put((lung < 1) & (inner < 0.92), of.lung)
        for _ in range(8):
            x, y = side * rng.uniform(0.15, 0.65) * wide, rng.uniform(-0.5, 0.5) * deep
            sheet.put((sheet.ellipse(x, y, *rng.uniform(0.008, 0.03, 2)) < 1) & (lung < 1), of.blood)
    sheet.put(sheet.ellipse(0, 0, 0.14, 0.6 * deep) < 1, of.fat)
    sheet.put(sheet.ellipse(0.1 * low, -0.12, 0.16 + 0.16 * low, 0.16 + 0.1 * low, 0.5) < 1, of.muscle)
    sheet.put(sheet.ellipse(0.12 * low, -0.1, 0.11 + 0.1 * low, 0.1 + 0.07 * low, 0.5) < 1, of.blood)
    sheet.put(sheet.ellipse(0.13, 0.18, 0.055, 0.055) < 1, of.blood)
    sheet.put(sheet.ellipse(0.0, 0.08, 0.05, 0.04) < 1, of.air if low < 0.5 else of.muscle)
    sheet.put(sheet.ellipse(0, -0.78 * deep, 0.11, 0.03) < 1, of.bone)
    _vertebra(sheet, of, 0.0, 0.42 * deep, 0.1)
    if rng.random() < 0.3:
        for side in (-1, 1):
            sheet.put(sheet.bone((side * 0.5, 0.72 * deep), (side * 0.72, 0.4 * deep), 0.02) < 1, of.bone)


def abdomen(sheet: Sheet, rng: Random, of: Materials) -> None:
    wide, deep = rng.uniform(0.75, 0.93), rng.uniform(0.5, 0.68)
    inner = _body(sheet, rng, of, wide, deep)
    cavity = sheet.ellipse(0, -0.05, wide * 0.78, deep * 0.72, power=2.3)
    sheet.put((cavity < 1) & (inner < 0.95), of.fat)
    high = rng.random() < 0.65
    if high:
        liver = sheet.ellipse(-0.38 * wide, -0.06, 0.42 * wide, 0.56 * deep, -0.3) - 0.1 * sheet.y
        sheet.put((liver < 1) & (cavity < 0.98), of.organ)
        sheet.put(sheet.ellipse(0.5 * wide, 0.14, 0.13, 0.2, -0.3) < 1, of.organ * rng.uniform(0.9, 1.2))
        sheet.put(sheet.ellipse(0.3 * wide, -0.22, 0.2, 0.14, 0.4) < 1, of.muscle)
        sheet.put((sheet.ellipse(0.3 * wide, -0.22, 0.2, 0.14, 0.4) < 0.75) & (sheet.y < -0.22), of.air)
        sheet.put(sheet.ellipse(0.05, -0.05, 0.2, 0.045, -0.3) < 1, of.organ * 0.85)
    for side in (-1, 1):
        kidney = sheet.ellipse(side * 0.36 * wide, 0.2 * deep / 0.6, 0.11, 0.14, side * 0.4)
        if high or rng.random() < 0.5:
            sheet.put(kidney < 1, of.blood * 0.9 + 0.1 * of.organ)
            sheet.put(kidney < 0.45, of.fat)
        sheet.put(sheet.ellipse(side * 0.2, 0.3 * deep / 0.6, 0.085, 0.1) < 1, of.muscle)
        sheet.put(sheet.ellipse(side * 0.22, 0.62 * deep, 0.18, 0.09) < 1, of.muscle)
    for _ in range(rng.integers(5, 12)):
        x, y, size = rng.uniform(-0.5, 0.5) * wide, rng.uniform(-0.55, 0.0) * deep, rng.uniform(0.04, 0.09)
        if high and x < 0.1:
            continue
        loop = sheet.ellipse(x, y, size * 1.3, size)
        sheet.put((loop < 1) & (cavity < 0.95), of.muscle)
        sheet.put((loop < 0.7) & (cavity < 0.95), of.air if rng.random() < 0.35 else of.fluid)
    sheet.put(sheet.ellipse(0.05, 0.14 * deep / 0.6, 0.045, 0.045) < 1, of.blood)
    sheet.put(sheet.ellipse(-0.08, 0.13 * deep / 0.6, 0.055, 0.04) < 1, of.blood)
    _vertebra(sheet, of, 0.0, 0.45 * deep, rng.uniform(0.11, 0.14))


def pelvis(sheet: Sheet, rng: Random, of: Materials) -> None:
    wide, deep = rng.uniform(0.82, 0.96), rng.uniform(0.5, 0.65)
    _body(sheet, rng, of, wide, deep)
    sheet.put(sheet.ellipse(0, -0.1, 0.5, 0.34) < 1, of.fat)
    low = rng.random() < 0.55
    for side in (-1, 1):
        sheet.put(sheet.ellipse(side * 0.42, 0.34, 0.28, 0.16, side * -0.3) < 1, of.muscle)
        if low:
            socket = sheet.ellipse(side * 0.5 * wide / 0.9, -0.02, 0.17, 0.17)
            sheet.put(socket < 1, of.bone)
            sheet.put(socket < 0.72, of.marrow)
            sheet.put(sheet.bone((side * 0.56, 0.0), (side * 0.7, 0.08), 0.07) < 1, of.bone)
            sheet.put(sheet.bone((side * 0.38, -0.12), (side * 0.1, -0.28), 0.04) < 1, of.bone)
        else:
            wing = sheet.bone((side * 0.24, 0.26), (side * 0.62, -0.16), 0.05, ends=1.4)
            sheet.put(wing < 1, of.bone)
            sheet.put(wing < 0.55, of.marrow)
            sheet.put(sheet.ellipse(side * 0.42, -0.06, 0.13, 0.16, side * 0.6) < 1, of.muscle)
        sheet.put(sheet.ellipse(side * 0.34, -0.3, 0.045, 0.045) < 1, of.blood)
    if low:
        sheet.put(sheet.ellipse(0, -0.12, rng.uniform(0.16, 0.26), rng.uniform(0.12, 0.2)) < 1, of.fluid)
        sheet.put(sheet.ellipse(0, 0.12, 0.13, 0.08) < 1, of.organ)
        sheet.put(sheet.bone((0, 0.36), (0, 0.44), 0.05) < 1, of.bone)
    else:
        sacrum = sheet.ellipse(0, 0.28, 0.24, 0.15)
        sheet.put(sacrum < 1, of.bone)
        sheet.put(sacrum < 0.75, of.marrow)
    rectum = sheet.ellipse(0, 0.22 if low else 0.06, 0.07, 0.06)
    sheet.put(rectum < 1, of.muscle)
    sheet.put(rectum < 0.6, of.air)
