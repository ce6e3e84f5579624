"""Ultrasound of the abdomen: echoes in a fan, fading with the depth, grainy with speckle."""

import numpy as np
from scipy.ndimage import gaussian_filter

from export.phantoms.regions.sheet import Sheet

Random = np.random.Generator


def abdomen(sheet: Sheet, rng: Random) -> None:
    sheet.put(np.ones_like(sheet.values, bool), rng.uniform(0.3, 0.5))
    sheet.put(sheet.ellipse(-0.1, 0.1, 0.7, 0.55, 0.2) < 1, rng.uniform(0.45, 0.65))
    kidney = sheet.ellipse(rng.uniform(-0.2, 0.4), rng.uniform(0.1, 0.4), 0.32, 0.16, rng.uniform(-0.5, 0.5))
    sheet.put(kidney < 1, 0.25)
    sheet.put(kidney < 0.5, 0.8)
    for _ in range(rng.integers(1, 5)):
        x, y = rng.uniform(-0.5, 0.5, 2)
        vessel = sheet.ellipse(x, y, rng.uniform(0.04, 0.22), rng.uniform(0.03, 0.1), rng.uniform(0, 3))
        sheet.put(vessel < 1, 0.03)
        sheet.put(np.abs(vessel - 1.05) < 0.06, 0.9)
    if rng.random() < 0.6:
        bright = sheet.y - np.float32(rng.uniform(0.4, 0.7)) - 0.3 * sheet.x * sheet.x
        sheet.put(np.abs(bright) < 0.03, 1.0)
        sheet.values *= np.where(bright > 0, np.float32(0.4), np.float32(1))
    speckle = gaussian_filter(rng.rayleigh(1.0, sheet.values.shape).astype(np.float32), rng.uniform(0.4, 1.0))
    sheet.values *= speckle
    _fan(sheet, rng)


def _fan(sheet: Sheet, rng: Random) -> None:
    """The probe is above the image; a linear one gives a rectangle."""
    top = rng.uniform(-1.5, -1.1)
    depth, angle = np.hypot(sheet.x, sheet.y - np.float32(top)), np.arctan2(sheet.x, sheet.y - np.float32(top))
    inside = (depth > -0.85 - top) & (depth < 0.9 - top) & (np.abs(angle) < rng.uniform(0.45, 0.8))
    sheet.values *= np.exp(-np.float32(rng.uniform(0.1, 0.5)) * depth)
    sheet.put(~inside, 0.0)
