"""A view in, an RGB picture with overlay, orientation letters and scale out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from orthanc_plugin.encode.lettering import Colour, write
from orthanc_plugin.encode.view import Around, View

WHITE: Colour = (240, 242, 245)
BLACK: Colour = (0, 0, 0)
OVERLAY_OPACITY = 0.32
HEAT: Colour = (255, 60, 30)
HEAT_OPACITY = 0.55
REGION: Colour = (255, 225, 60)
# The longest of these that fits in a third of the picture.
SCALES_MM = (200, 100, 50, 20, 10, 5, 2, 1)
# Letters are smaller on smaller pictures, within what can be read and what disturbs.
LETTER_SHARE, LETTER_LEAST, LETTER_MOST = 1 / 28, 13, 26

Size = tuple[int, int]
"""Columns and rows, as Pillow has them."""


def picture(view: View, box: Size) -> Image.Image:
    """As large as `box`, black where the image, which keeps its proportions, leaves it empty."""
    shown, pixels_per_mm = fitting(view, box)
    plain = Image.fromarray(view.pixels).convert("RGB").resize(shown, Image.Resampling.BICUBIC)
    drawn = Image.fromarray(_overlaid(np.asarray(plain), view, shown))
    for line_xy in view.lines_xy:
        _outline(drawn, line_xy, view)
    _letters(drawn, view.around)
    if view.pixel_mm is not None:
        _scale(drawn, pixels_per_mm)
    film = Image.new("RGB", box, BLACK)
    film.paste(drawn, ((box[0] - shown[0]) // 2, (box[1] - shown[1]) // 2))
    return film


def fitting(view: View, box: Size) -> tuple[Size, float]:
    """How large the image is in the box, and how many pixels of it a millimetre has."""
    row_mm, column_mm = view.pixel_mm or (1.0, 1.0)
    rows, columns = view.pixels.shape[:2]
    pixels_per_mm = min(box[0] / (columns * column_mm), box[1] / (rows * row_mm))
    return (
        max(1, round(columns * column_mm * pixels_per_mm)),
        max(1, round(rows * row_mm * pixels_per_mm)),
    ), pixels_per_mm


def _overlaid(plain: NDArray[np.uint8], view: View, shown: Size) -> NDArray[np.uint8]:
    picture = plain.copy() if view.heat_yx is None else _heated(plain, view.heat_yx, shown)
    for rgb, mask_yx in view.masks:
        mask = _enlarged(mask_yx, shown)
        colour = np.array(rgb, np.float32)
        blended = picture[mask] * (1 - OVERLAY_OPACITY) + colour * OVERLAY_OPACITY
        picture[mask] = blended.astype(np.uint8)
        picture[_edge(mask)] = rgb
    return picture


def _heated(plain: NDArray[np.uint8], heat_yx: NDArray[np.float32], shown: Size) -> NDArray[np.uint8]:
    """Red over the image, the more the larger the heat is."""
    heat = np.asarray(Image.fromarray(heat_yx).resize(shown, Image.Resampling.BILINEAR), np.float32)
    opacity = (HEAT_OPACITY * heat)[..., None]
    return np.asarray(plain * (1 - opacity) + np.array(HEAT, np.float32) * opacity, np.uint8)


def _enlarged(mask_yx: NDArray[np.bool_], shown: Size) -> NDArray[np.bool_]:
    """Interpolated, so that the outline runs smoothly between pixel centres."""
    resized = Image.fromarray(mask_yx.astype(np.uint8) * 255).resize(shown, Image.Resampling.BILINEAR)
    return np.asarray(np.asarray(resized) >= 128)


def _edge(mask_yx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of the mask with a neighbour outside it."""
    padded = np.pad(mask_yx, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask_yx & ~inside


def _outline(drawn: Image.Image, line_xy: NDArray[np.float64], view: View) -> None:
    rows, columns = view.pixels.shape[:2]
    points = [(x * drawn.width / columns, y * drawn.height / rows) for x, y in line_xy]
    for thick, colour in ((4, BLACK), (2, REGION)):
        ImageDraw.Draw(drawn).line(points, colour, thick, joint="curve")


def _letter_size(drawn: Image.Image) -> int:
    return int(np.clip(max(drawn.size) * LETTER_SHARE, LETTER_LEAST, LETTER_MOST))


def _letters(drawn: Image.Image, around: Around) -> None:
    width, height, size = *drawn.size, _letter_size(drawn)
    places = ((size, height // 2), (width - size, height // 2), (width // 2, size), (width // 2, height - size))
    for letter, place in zip(around, places, strict=True):
        write(ImageDraw.Draw(drawn), place, letter, WHITE, size, "mm", outlined=BLACK)


def _scale(drawn: Image.Image, pixels_per_mm: float) -> None:
    length_mm = next((mm for mm in SCALES_MM if mm * pixels_per_mm <= drawn.width / 3), SCALES_MM[-1])
    draw, size = ImageDraw.Draw(drawn), _letter_size(drawn)
    left, bottom, tick = size, drawn.height - size, size // 4
    right = left + round(length_mm * pixels_per_mm)
    for thick, colour in ((5, BLACK), (2, WHITE)):
        draw.line((left, bottom, right, bottom), colour, thick)
        for x in (left, right):
            draw.line((x, bottom - tick, x, bottom + tick), colour, thick)
    text = f"{length_mm // 10} cm" if length_mm >= 10 else f"{length_mm} mm"
    write(draw, (left, bottom - tick - 2), text, WHITE, max(LETTER_LEAST, size * 2 // 3), "lb", outlined=BLACK)
