"""Images that the model has not seen: a seed goes in, one that is no liver on ultrasound or none as it knows out."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

from export.phantoms.regions.region import phantom
from export.phantoms.ultrasound.image import Liver, liver

Floats = NDArray[np.float32]
_ROWS, _COLUMNS = 600, 800
_REGIONS = ("head", "neck", "chest", "breast", "pelvis", "spine", "arm", "hand", "leg", "knee", "foot", "none")
_FIRST = 400_000


def foreign(seed: int) -> tuple[str, Floats]:
    """What it is, and its pixels."""
    kinds = list(KINDS)
    kind = kinds[seed % len(kinds)]
    return kind, KINDS[kind](_FIRST + seed, np.random.default_rng([seed, 131]))


def _other_region(seed: int, rng: np.random.Generator) -> Floats:
    """CT, MR and radiographs, as if someone had sent their screens as ultrasound."""
    image = phantom(seed, _REGIONS[seed % len(_REGIONS)]).image
    low, high = np.percentile(image, (1, 99.5))
    grey = Image.fromarray(np.clip((image - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8))
    canvas = np.zeros((_ROWS, _COLUMNS), np.float32)
    canvas[20:580, 120:680] = np.asarray(grey.resize((560, 560), Image.Resampling.BICUBIC))
    return canvas


def _close_up(seed: int, rng: np.random.Generator) -> Floats:
    """A linear probe on what lies near: no fan, and grain three times as coarse."""
    grey = Image.fromarray(liver(seed).grey[0])
    wide, high = grey.size
    part = grey.crop((wide // 3, high // 6, wide * 2 // 3, high // 2))
    canvas = np.zeros((_ROWS, _COLUMNS), np.float32)
    canvas[40:560, 150:650] = np.asarray(part.resize((500, 520), Image.Resampling.BICUBIC))
    return canvas


def _shrunk(seed: int, rng: np.random.Generator) -> Floats:
    """A thumbnail among several on one screen."""
    grey = Image.fromarray(liver(seed).grey[0]).resize((_COLUMNS // 2, _ROWS // 2), Image.Resampling.BICUBIC)
    return np.tile(np.asarray(grey, np.float32), (2, 2))


def _heart(seed: int, rng: np.random.Generator) -> Floats:
    """Large dark chambers with bright walls in a narrow fan."""
    of = liver(seed)
    rows, columns = np.mgrid[: of.grey.shape[1], : of.grey.shape[2]].astype(np.float32)
    x, y = columns / of.grey.shape[2] - 0.5, rows / of.grey.shape[1]
    values = of.grey[0].astype(np.float32)
    for left, top in ((-0.09, 0.42), (0.09, 0.45), (-0.08, 0.7), (0.08, 0.72)):
        border = np.hypot((x - left) / rng.uniform(0.065, 0.085), (y - top) / rng.uniform(0.11, 0.15))
        values = np.where(border < 1, values * 0.08, np.where(border < 1.15, np.minimum(values * 1.5, 255), values))
    return np.where(np.abs(x) < 0.38 * y + 0.02, values, 0).astype(np.float32)


def _blurred(seed: int, rng: np.random.Generator) -> Floats:
    """Smoothed and shrunk on its way through some other system."""
    return np.asarray(gaussian_filter(liver(seed).grey[0].astype(np.float32), rng.uniform(2.0, 4.0)), np.float32)


def _inverted(seed: int, rng: np.random.Generator) -> Floats:
    of = liver(seed)
    return np.where(of.inside, 255 - of.grey[0], 0).astype(np.float32)


def _noise(seed: int, rng: np.random.Generator) -> Floats:
    """A probe in the air, with all gain."""
    of: Liver = liver(seed)
    return np.where(of.inside, np.clip(rng.normal(110, 45, of.inside.shape), 0, 255), 0).astype(np.float32)


def _page(seed: int, rng: np.random.Generator) -> Floats:
    """A worksheet of numbers."""
    canvas = Image.new("L", (_COLUMNS, _ROWS))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=16)
    for row in range(20, _ROWS - 30, 26):
        draw.text((40, row), f"Distance {row % 9}   {rng.uniform(0.5, 15):.2f} cm", fill=230, font=font)
    return np.asarray(canvas, np.float32)


KINDS: dict[str, Callable[[int, np.random.Generator], Floats]] = {
    "another region or modality": _other_region,
    "linear probe, close up": _close_up,
    "several small images on one screen": _shrunk,
    "heart": _heart,
    "blurred": _blurred,
    "inverted": _inverted,
    "noise alone": _noise,
    "a page of text": _page,
}
