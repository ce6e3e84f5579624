"""Images that pass for mammograms by their modality and are none that the networks learned on: a seed and a kind in.

What comes out is as the node reads it: float32, bright is more.
"""

from typing import Literal, get_args

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from export.phantoms.mammography.acquisition import bright, machine, stored
from export.phantoms.mammography.anatomy import VIEWS
from export.phantoms.mammography.drawing import draw
from export.phantoms.mammography.sheet import HEIGHT_MM, WIDTH_MM, Floats, Window
from export.phantoms.regions.region import phantom

Foreign = Literal["other region", "magnified", "spot", "implant", "film", "specimen", "sideways"]
FOREIGN: tuple[Foreign, ...] = get_args(Foreign)
_ROWS, _COLUMNS = 560, 420
_OTHERS = ("chest", "hand", "pelvis", "foot", "head", "abdomen", "knee")


def foreign(seed: int, kind: Foreign) -> Floats:
    rng = np.random.default_rng([seed, FOREIGN.index(kind), 511])
    if kind == "other region":
        return _other_region(seed, rng)
    view = VIEWS[int(rng.integers(4))]
    drawing = draw(seed + 70_000, view)
    by = machine(seed + 70_000, shifted=False, intent="FOR PRESENTATION")
    if kind in ("magnified", "spot"):
        field = float(rng.uniform(50, 75))
        y = drawing.breast.middle_y - field / 2 + float(rng.uniform(-15, 15))
        x = float(rng.uniform(2, 12))
        window = Window(y, x, _ROWS, _COLUMNS, field / _ROWS)
        seen = bright(stored(drawing, by, window), by)
        return seen if kind == "magnified" else _collimated(seen, rng)
    whole = bright(stored(drawing, by, Window.whole(0.5)), by)
    if kind == "implant":
        return _with_implant(whole, drawing.breast.middle_y, drawing.breast.depth, rng)
    if kind == "film":
        return _as_film(whole, rng)
    if kind == "sideways":
        return np.ascontiguousarray(np.rot90(whole))
    return _specimen(rng)


def _other_region(seed: int, rng: np.random.Generator) -> Floats:
    """A radiograph of another part of the body."""
    region = _OTHERS[int(rng.integers(len(_OTHERS)))]
    tried = (phantom(seed * 50 + number, region) for number in range(50))
    image = next(each for each in tried if each.view == "radiograph").image
    scaled = zoom((image - image.min()) / max(float(np.ptp(image)), 1e-6), (4.375, 3.28125), order=1)
    return np.asarray(scaled * 4095, np.float32)


def _collimated(seen: Floats, rng: np.random.Generator) -> Floats:
    """What lies outside the small paddle is not exposed."""
    y, x = np.ogrid[-1 : 1 : seen.shape[0] * 1j, -1 : 1 : seen.shape[1] * 1j]
    outside = np.hypot(y * 1.1, x * 0.85) > rng.uniform(0.6, 0.8)
    return np.where(outside, seen.min(), seen).astype(np.float32)


def _with_implant(whole: Floats, middle_y: float, depth: float, rng: np.random.Generator) -> Floats:
    rows, columns = whole.shape
    window = Window(0, 0, rows, columns, HEIGHT_MM / rows)
    radius = depth * rng.uniform(0.55, 0.75)
    away = np.hypot((window.y - middle_y) / (radius * 1.15), (window.x - depth * 0.12) / radius)
    shell = 1 / (1 + np.exp(np.clip((away - 1) * 40, -30, 30)))
    dense = whole.max() * (0.93 + 0.02 * gaussian_filter(rng.standard_normal(whole.shape), 2))
    return np.asarray(whole * (1 - shell) + shell * dense, np.float32)


def _as_film(whole: Floats, rng: np.random.Generator) -> Floats:
    """Scanned: grain, an uneven base, a bright border that was not exposed, a label, scratches."""
    highest = float(whole.max())
    base = rng.uniform(0.12, 0.25) * (1 + 0.3 * gaussian_filter(rng.standard_normal(whole.shape), 60) * 60)
    grain = gaussian_filter(rng.standard_normal(whole.shape), 0.6) * 0.06
    film = base + (1 - base) * (whole / highest) ** 0.7 + grain
    border = int(rng.integers(8, 22))
    film[:border] = film[-border:] = 0.97
    film[:, :border] = film[:, -border:] = 0.97
    top, left = int(rng.integers(30, 90)), int(rng.integers(240, 330))
    film[top : top + 34, left : left + 60] = 0.9 - 0.6 * (rng.random((34, 60)) < 0.3)
    for _ in range(int(rng.integers(2, 7))):
        film[:, int(rng.integers(film.shape[1]))] += 0.3
    return np.asarray(np.clip(film, 0, 1) * 4095, np.float32)


def _specimen(rng: np.random.Generator) -> Floats:
    """A lump of tissue that was cut out, in the middle of the detector."""
    rows, columns = 560, round(560 * WIDTH_MM / HEIGHT_MM)
    y, x = np.ogrid[-1 : 1 : rows * 1j, -0.75 : 0.75 : columns * 1j]
    away = np.hypot((y - rng.uniform(-0.2, 0.2)) / rng.uniform(0.2, 0.4), (x - rng.uniform(-0.1, 0.1)) / 0.25)
    waved = away + 0.15 * gaussian_filter(rng.standard_normal((rows, columns)), 12) * 12
    lump = np.clip(1.3 - waved, 0, 1) ** 0.5 * (0.6 + 0.15 * gaussian_filter(rng.standard_normal(waved.shape), 3) * 3)
    noise = rng.standard_normal(lump.shape) * 0.01
    return np.asarray(np.clip(lump + noise * (lump > 0), 0, 1) * 4095, np.float32)
