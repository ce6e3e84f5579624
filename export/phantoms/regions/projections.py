"""Radiographs: what a beam loses on its way through the body, bright where it loses much."""

import numpy as np

from export.phantoms.regions.sheet import Sheet

Random = np.random.Generator


def _ray(sheet: Sheet, bones: list[tuple[float, float, float, float, float]], dense: float, flesh: float) -> None:
    """Bones of a finger or toe (start, end, radius), with the flesh around them."""
    x0, y0, x1, y1, size = bones[0][0], bones[0][1], bones[-1][2], bones[-1][3], bones[0][4]
    sheet.add(sheet.bone((x0, y0), (x1, y1), size * 2.1), flesh)
    for x, y, to_x, to_y, radius in bones:
        sheet.add(sheet.bone((x, y), (to_x, to_y), radius, ends=1.45), dense)


def _fan(
    sheet: Sheet, rng: Random, base_y: float, spread: float, lengths: tuple[float, ...], size: float, thumb: float
) -> None:
    """Five rays from a root: `lengths` are those of the bones of one ray."""
    for number in range(5):
        angle = (number - 2) * spread + rng.normal(0, 0.03) - (thumb if number == 0 else 0)
        factor = (0.8, 0.95, 1.0, 0.95, 0.8)[number] * (0.8 if number == 0 and thumb else 1.0)
        x, y = (
            (number - 2) * 0.13 - (0.05 if thumb and number == 0 else 0),
            base_y + (0.12 if number == 0 and thumb else 0),
        )
        bones = []
        for place, length in enumerate(lengths[1:] if number == 0 and not thumb else lengths):
            end = (x + np.sin(angle) * length * factor, y - np.cos(angle) * length * factor)
            bones.append((x, y, *end, size * (0.86**place)))
            x, y = x + np.sin(angle) * (length * factor + 0.03), y - np.cos(angle) * (length * factor + 0.03)
        _ray(sheet, bones, 0.55, 0.3)


def hand(sheet: Sheet, rng: Random) -> None:
    sheet.add(sheet.ellipse(0, 0.32, 0.36, 0.4, power=2.6), 0.45)
    sheet.add(sheet.bone((0, 0.6), (0, 1.4), 0.3), 0.4)
    _fan(sheet, rng, 0.3, rng.uniform(0.07, 0.2), (0.36, 0.24, 0.15, 0.1), 0.05, rng.uniform(0.2, 0.6))
    for _ in range(8):
        sheet.add(sheet.ellipse(rng.uniform(-0.2, 0.2), rng.uniform(0.38, 0.55), 0.08, 0.07), 0.4)
    sheet.add(sheet.bone((-0.13, 0.68), (-0.15, 1.4), 0.1, ends=1.3), 0.6)
    sheet.add(sheet.bone((0.14, 0.68), (0.14, 1.4), 0.07, ends=1.2), 0.55)


def foot(sheet: Sheet, rng: Random) -> None:
    if rng.random() < 0.45:
        _foot_lateral(sheet, rng)
        return
    sheet.add(sheet.ellipse(0, 0.3, 0.36, 0.75, power=2.6), 0.5)
    _fan(sheet, rng, 0.05, rng.uniform(0.03, 0.09), (0.45, 0.14, 0.06, 0.05), 0.055, 0.0)
    sheet.add(sheet.bone((-0.3, -0.02), (-0.33, -0.42), 0.09, ends=1.2), 0.6)
    for x, y in ((-0.22, 0.16), (-0.06, 0.15), (0.08, 0.17), (0.2, 0.26), (-0.1, 0.34)):
        sheet.add(sheet.ellipse(x, y, 0.1, 0.11, power=2.6), 0.5)
    sheet.add(sheet.ellipse(-0.02, 0.58, 0.2, 0.18), 0.7)
    sheet.add(sheet.ellipse(0.08, 0.8, 0.2, 0.28), 0.7)


def _foot_lateral(sheet: Sheet, rng: Random) -> None:
    side = 1 if rng.random() < 0.5 else -1
    sheet.add(sheet.bone((-0.3 * side, -1.3), (-0.3 * side, 0.3), 0.3), 0.45)
    sheet.add(sheet.bone((-0.45 * side, 0.36), (0.75 * side, 0.48), 0.25), 0.45)
    sheet.add(sheet.bone((-0.24 * side, -1.3), (-0.24 * side, -0.12), 0.13, ends=1.15), 0.6)
    sheet.add(sheet.bone((-0.36 * side, -1.3), (-0.36 * side, -0.05), 0.06, ends=1.15), 0.3)
    sheet.add(sheet.ellipse(-0.2 * side, 0.08, 0.19, 0.13), 0.6)
    sheet.add(sheet.ellipse(-0.45 * side, 0.34, 0.25, 0.15, 0.2 * side), 0.65)
    for x, y in ((0.06, 0.16), (0.18, 0.22), (0.12, 0.28)):
        sheet.add(sheet.ellipse(x * side, y, 0.11, 0.09), 0.4)
    for row in range(3):
        y = 0.24 + 0.05 * row
        sheet.add(sheet.bone((0.26 * side, y), (0.6 * side, y + 0.16), 0.05, ends=1.3), 0.4)
        sheet.add(sheet.bone((0.63 * side, y + 0.17), (0.78 * side, y + 0.2), 0.04, ends=1.2), 0.35)


def knee(sheet: Sheet, rng: Random) -> None:
    lateral = rng.random() < 0.4
    side = 1 if rng.random() < 0.5 else -1
    sheet.add(sheet.bone((0, -1.4), (0, 1.4), rng.uniform(0.5, 0.66)), 0.5)
    sheet.add(sheet.bone((0, -1.4), (0, -0.35), 0.16, ends=1.5), 0.7)
    sheet.add(sheet.bone((0, 0.3), (0, 1.4), 0.15, ends=1.5), 0.7)
    sheet.add(sheet.bone((0.26 * side, 0.42), (0.24 * side, 1.4), 0.06, ends=1.4), 0.4)
    if lateral:
        sheet.add(sheet.ellipse(-0.06 * side, -0.18, 0.28, 0.24), 0.7)
        sheet.add(sheet.ellipse(0.4 * side, -0.25, 0.08, 0.18), 0.45)
        sheet.add(sheet.ellipse(0, 0.25, 0.28, 0.14, power=2.8), 0.6)
        return
    for place in (-1, 1):
        sheet.add(sheet.ellipse(place * 0.19, -0.14, 0.2, 0.2, power=2.5), 0.55)
    sheet.add(sheet.ellipse(0, 0.2, 0.4, 0.15, power=2.8), 0.6)
    sheet.add(sheet.ellipse(0, -0.3, 0.17, 0.18), 0.3)


def chest(sheet: Sheet, rng: Random) -> None:
    """From the front: lungs dark, heart to the right of the image, diaphragm below, ribs across."""
    sheet.add(sheet.ellipse(0, 0.25, rng.uniform(0.85, 1.05), 1.3, power=2.8), 1.0)
    for side in (-1, 1):
        sheet.add(sheet.ellipse(side * 0.42, 0.0, 0.33, 0.72, side * 0.08, power=2.4), -rng.uniform(0.6, 0.95))
        for number in range(8):
            rib = sheet.ellipse(side * 0.4, -0.5 + number * 0.16, 0.4, 0.13, side * 0.3)
            sheet.values += np.float32(0.13) * ((np.abs(rib - 1) < 0.13) & (sheet.y < -0.5 + number * 0.16 + 0.12))
        sheet.add(sheet.bone((side * 0.06, -0.66), (side * 0.72, -0.78), 0.045), 0.3)
        dome = sheet.ellipse(side * 0.42, 0.95 + (0.05 if side > 0 else 0), 0.42, 0.45)
        sheet.add(dome, 0.5)
        sheet.add(sheet.ellipse(side * 0.13, -0.05, 0.1, 0.16), 0.2)
    sheet.add(sheet.ellipse(rng.uniform(0.06, 0.2), 0.3, rng.uniform(0.25, 0.4), 0.34, 0.5), 0.55)
    sheet.add(sheet.ellipse(0, -0.1, 0.14, 0.8, power=3), 0.35)
    _column(sheet, rng, 0.0, 0.09, 0.13, 0.18)
    sheet.add(sheet.ellipse(0, -0.7, 0.05, 0.35), -0.25)


def _column(sheet: Sheet, rng: Random, x: float, wide: float, tall: float, dense: float) -> None:
    along = np.mod(sheet.y + np.float32(rng.uniform(0, 1)), np.float32(tall)) / np.float32(tall)
    inside = np.abs(sheet.x - np.float32(x)) < wide * (1 + 0.12 * np.cos(2 * np.pi * along))
    sheet.values += np.float32(dense) * (inside & (along < 0.82))
    for side in (-1, 1):
        pedicle = (np.abs(sheet.x - np.float32(x + side * wide * 0.6)) < wide * 0.18) & (np.abs(along - 0.3) < 0.16)
        sheet.values += np.float32(dense * 0.6) * pedicle


def spine(sheet: Sheet, rng: Random) -> None:
    """From the front or the side, lumbar or cervical."""
    sheet.add(sheet.ellipse(0, 0, rng.uniform(0.5, 1.2), 1.8, power=3), 0.7)
    if rng.random() < 0.5:
        _column(sheet, rng, 0.0, rng.uniform(0.15, 0.24), rng.uniform(0.22, 0.32), 0.6)
        for y in np.arange(-0.9, 1.0, 0.27):
            for side in (-1, 1):
                sheet.add(sheet.bone((side * 0.16, y), (side * 0.4, y - 0.02), 0.04), 0.25)
        return
    curve, phase = rng.uniform(0.08, 0.2), rng.uniform(0, 2 * np.pi)
    for y in np.arange(-1.1, 1.2, rng.uniform(0.22, 0.3)):
        x, lean = curve * np.sin(2.2 * y + phase), 2.2 * curve * np.cos(2.2 * y + phase)
        box = sheet.ellipse(x, y, 0.17, 0.1, -0.6 * lean, power=4)
        sheet.add(box, 0.45)
        sheet.values += np.float32(0.2) * (np.abs(box - 0.95) < 0.07)
        sheet.add(sheet.bone((x + 0.22, y), (x + 0.45, y + 0.1), 0.05), 0.3)


def pelvis(sheet: Sheet, rng: Random) -> None:
    sheet.add(sheet.ellipse(0, 0, 1.0, 1.1, power=2.8), 0.8)
    _put_wings(sheet)
    for side in (-1, 1):
        sheet.add(sheet.ellipse(side * 0.52, 0.2, 0.13, 0.13), 0.5)
        sheet.add(sheet.bone((side * 0.54, 0.22), (side * 0.74, 0.36), 0.08), 0.5)
        sheet.add(sheet.bone((side * 0.76, 0.36), (side * 0.7, 1.3), 0.1), 0.6)
        hole = sheet.ellipse(side * 0.24, 0.46, 0.17, 0.14, side * 0.5)
        sheet.values += np.float32(0.45) * (np.abs(hole - 1) < 0.28)
    sheet.add(sheet.ellipse(0, -0.22, 0.19, 0.28), 0.45)
    sheet.add(sheet.ellipse(0, -0.62, 0.14, 0.11, power=4), 0.4)
    sheet.add(sheet.ellipse(0, -0.86, 0.14, 0.1, power=4), 0.4)


def _put_wings(sheet: Sheet) -> None:
    for side in (-1, 1):
        wing = sheet.ellipse(side * 0.46, -0.3, 0.3, 0.38, side * 0.5)
        sheet.add(wing, 0.4)
        sheet.values += np.float32(0.2) * (np.abs(wing - 0.97) < 0.05)


def abdomen(sheet: Sheet, rng: Random) -> None:
    """Gas in loops over the spine, the lowest ribs above, the tops of the pelvis below."""
    sheet.add(sheet.ellipse(0, 0, rng.uniform(0.85, 1.05), 1.5, power=3), 1.0)
    _column(sheet, rng, 0.0, 0.14, 0.24, 0.35)
    for side in (-1, 1):
        sheet.add(sheet.ellipse(side * 0.6, 0.95, 0.34, 0.42, side * 0.5), 0.35)
        for number in range(3):
            sheet.add(sheet.bone((side * 0.15, -0.85 + 0.2 * number), (side * 0.7, -0.6 + 0.24 * number), 0.035), 0.2)
    sheet.add(sheet.ellipse(-0.45, -0.45, 0.4, 0.4), 0.2)
    for _ in range(rng.integers(6, 16)):
        sheet.add(sheet.ellipse(rng.uniform(-0.7, 0.7), rng.uniform(-0.5, 0.8), *rng.uniform(0.05, 0.17, 2)),
                  -rng.uniform(0.15, 0.35))  # fmt: skip


def head(sheet: Sheet, rng: Random) -> None:
    lateral = rng.random() < 0.5
    skull = sheet.ellipse(0, -0.2, 0.72 if lateral else 0.55, 0.62)
    sheet.add(skull, 0.6)
    sheet.values += np.float32(0.5) * (np.abs(skull - 0.97) < 0.04)
    if lateral:
        side = 1 if rng.random() < 0.5 else -1
        sheet.add(sheet.ellipse(0.42 * side, 0.42, 0.32, 0.34), 0.6)
        sheet.add(sheet.ellipse(0.1 * side, 0.22, 0.3, 0.09), 0.4)
        sheet.add(sheet.bone((0.1 * side, 0.7), (0.5 * side, 0.78), 0.07), 0.5)
        sheet.add(sheet.bone((-0.1 * side, 0.4), (-0.1 * side, 1.2), 0.14), 0.5)
        return
    sheet.add(sheet.ellipse(0, 0.4, 0.42, 0.5), 0.6)
    for side in (-1, 1):
        orbit = sheet.ellipse(side * 0.24, 0.08, 0.16, 0.13)
        sheet.add(orbit, -0.3)
        sheet.values += np.float32(0.25) * (np.abs(orbit - 1) < 0.14)
        sheet.add(sheet.ellipse(side * 0.22, 0.36, 0.12, 0.14), -0.2)
    sheet.add(sheet.ellipse(0, 0.26, 0.07, 0.16), -0.3)
    sheet.add(sheet.ellipse(0, 0.62, 0.2, 0.08), 0.5)


def arm(sheet: Sheet, rng: Random) -> None:
    """A forearm with its elbow, or an upper arm with its shoulder."""
    if rng.random() < 0.6:
        sheet.add(sheet.bone((0, -1.4), (0, 1.4), rng.uniform(0.26, 0.36)), 0.4)
        for side in (-1, 1):
            sheet.add(sheet.bone((side * 0.1, -0.62), (side * 0.13, 1.3), 0.065, ends=1.5), 0.55)
        sheet.add(sheet.bone((0, -1.4), (0, -0.72), 0.1, ends=1.7), 0.65)
        return
    sheet.add(sheet.bone((0, -0.5), (0, 1.4), 0.32), 0.45)
    sheet.add(sheet.ellipse(-0.5, -0.6, 0.8, 0.5), 0.6)
    sheet.add(sheet.ellipse(0, -0.52, 0.19, 0.19), 0.6)
    sheet.add(sheet.bone((0.02, -0.45), (0.04, 1.4), 0.1, ends=1.2), 0.65)
    sheet.add(sheet.bone((-0.95, -0.78), (-0.05, -0.8), 0.05), 0.4)
    sheet.add(sheet.bone((-0.25, -0.5), (-0.5, 0.1), 0.11), 0.35)


def leg(sheet: Sheet, rng: Random) -> None:
    """A shank with its two bones, or a thigh with one."""
    sheet.add(sheet.bone((0, -1.4), (0, 1.4), rng.uniform(0.42, 0.6)), 0.5)
    side = 1 if rng.random() < 0.5 else -1
    if rng.random() < 0.55:
        sheet.add(sheet.bone((0, -0.9), (0, 0.95), 0.12, ends=1.7), 0.75)
        sheet.add(sheet.bone((0.22 * side, -0.75), (0.18 * side, 1.0), 0.05, ends=1.6), 0.4)
        return
    sheet.add(sheet.bone((0.05 * side, -1.4), (-0.05 * side, 1.4), 0.15, ends=1.1), 0.85)


def breast(sheet: Sheet, rng: Random) -> None:
    """Half a disc at one side; glands in it, the muscle of the chest in the upper corner."""
    side = 1 if rng.random() < 0.5 else -1
    size = rng.uniform(0.75, 1.15)
    wall = -1.0 * side
    disc = sheet.ellipse(wall, rng.uniform(-0.1, 0.25), size * rng.uniform(1.0, 1.4), size * rng.uniform(0.75, 1.0))
    inside = disc < 1
    sheet.add(disc, 0.6)
    sheet.values += np.float32(0.3) * inside
    density = rng.uniform(0.05, 0.4)
    for _ in range(rng.integers(12, 30)):
        x, y = wall + side * rng.uniform(0.1, 0.8) * size, rng.uniform(-0.45, 0.5) * size
        (long, wide), turn = rng.uniform(0.03, 0.2, 2), rng.uniform(0, 3)
        sheet.values += np.float32(density) * inside * (sheet.ellipse(x, y, long, wide, turn) < 1)
    if rng.random() < 0.6:
        steep = rng.uniform(0.4, 0.9)
        sheet.values += np.float32(0.5) * (
            ((sheet.x - wall) * side * 1.5 + (sheet.y + 1) * steep) < rng.uniform(0.5, 0.9)
        )
