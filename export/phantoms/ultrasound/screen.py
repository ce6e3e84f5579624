"""What a machine writes around and over its picture: a grey image goes in, the screen as RGB comes out."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from export.phantoms.ultrasound.image import Liver

Random = np.random.Generator
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_COLOURS = ((255, 255, 255), (255, 230, 90), (150, 220, 255), (180, 255, 180))


def screen(phantom: Liver, frame: int = 0, *, coloured: bool) -> NDArray[np.uint8]:
    """(rows, columns, RGB): text, depth marks, grey bar, now and then calipers; grey unless coloured."""
    rng = np.random.default_rng([phantom.seed, int(phantom.shifted), 113])
    canvas = Image.fromarray(np.repeat(phantom.grey[frame][..., None], 3, axis=-1))
    draw, (wide, high) = ImageDraw.Draw(canvas), canvas.size
    ink = _COLOURS[rng.integers(len(_COLOURS))] if coloured else (235, 235, 235)
    font = ImageFont.load_default(size=int(rng.integers(11, 17)))
    lines = (
        "LIVER RT",
        f"{phantom.machine.frequency_mhz:.1f} MHz",
        f"{phantom.machine.depth_mm / 10:.1f} cm",
        f"G {rng.integers(40, 90)}%",
        f"MI {rng.uniform(0.7, 1.4):.1f}",
        f"DR {phantom.machine.dynamic_range_db:.0f}",
    )
    left, step = (6, 18) if rng.random() < 0.7 else (wide - 90, 18)
    for number, line in enumerate(lines[: rng.integers(2, len(lines) + 1)]):
        draw.text((left, 30 + number * step), line, fill=ink, font=font)
    draw.text((6, high - 22), f"PHANTOM {phantom.seed}", fill=ink, font=font)
    _bar(draw, high, wide if left < 50 else 24)
    _depths(draw, phantom, ink)
    if rng.random() < 0.3:
        _calipers(draw, phantom, rng, ink, font)
    return np.asarray(canvas)


def _bar(draw: ImageDraw.ImageDraw, high: int, right: int) -> None:
    for row in range(128):
        draw.line((right - 18, 40 + row, right - 8, 40 + row), (255 - 2 * row,) * 3)


def _depths(draw: ImageDraw.ImageDraw, phantom: Liver, ink: tuple[int, int, int]) -> None:
    _, top = phantom.machine.apex_px
    beside = phantom.machine.columns - 34
    for centimetre in range(int(phantom.machine.depth_mm / 10) + 1):
        row, long = top + centimetre * 10 / phantom.machine.pixel_mm, 8 if centimetre % 5 == 0 else 4
        draw.line((beside - long, row, beside, row), ink)


def _calipers(draw: ImageDraw.ImageDraw, phantom: Liver, rng: Random, ink: tuple[int, int, int], font: Font) -> None:
    """Two crosses within the picture, and a word beside one of them."""
    wide, high = phantom.machine.columns, phantom.machine.rows
    for _ in range(2):
        x, y = rng.uniform(0.35, 0.65) * wide, rng.uniform(0.3, 0.75) * high
        draw.line((x - 7, y, x + 7, y), ink, 2)
        draw.line((x, y - 7, x, y + 7), ink, 2)
    draw.text((x + 10, y - 6), "A", fill=ink, font=font)
