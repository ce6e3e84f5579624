"""Findings on their key slice in, an RGB picture with overlay, orientation letters and scale out."""

from __future__ import annotations

import re
from functools import cache

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from orthanc_plugin.imaging.header import words
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Findings

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]

WHITE: Colour = (240, 242, 245)
BLACK: Colour = (0, 0, 0)
OVERLAY_OPACITY = 0.32
HEAT: Colour = (255, 60, 30)
HEAT_OPACITY = 0.55
ABDOMEN_WINDOW_HU = (-160.0, 240.0)
# The longest of these that fits in a third of the picture.
SCALES_MM = (200, 100, 50, 20, 10, 5, 2, 1)
OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}


SUPERSCRIPTS = {"²": "2", "³": "3"}


@cache
def font(size: int) -> Font:
    """Pillow's own scalable font: Latin letters, no file beside the package."""
    return ImageFont.load_default(size)


def write(draw: ImageDraw.ImageDraw, place_xy: tuple[float, int], text: str, colour: Colour, size: int) -> None:
    """Text from its upper left corner on; the font has no ² and ³, so these are small digits, raised."""
    x, y = place_xy
    for part in re.split("([²³])", text):
        letters, shrunk = SUPERSCRIPTS.get(part, part), round(size * 0.62) if part in SUPERSCRIPTS else size
        draw.text((x, y), letters, colour, font(shrunk))
        x += draw.textlength(letters, font(shrunk))


def picture(findings: Findings, imaged: Imaged, size: int) -> Image.Image:
    """A square picture; the slice keeps its proportions in it."""
    pixel_mm = imaged.pixel_mm(findings.key_slice)
    row_mm, column_mm = pixel_mm or (1.0, 1.0)
    rows, columns = imaged.shape_yx(findings.key_slice)
    pixels_per_mm = size / max(rows * row_mm, columns * column_mm)
    shown = (max(1, round(columns * column_mm * pixels_per_mm)), max(1, round(rows * row_mm * pixels_per_mm)))
    plain = Image.fromarray(_windowed(imaged, findings.key_slice)).convert("RGB")
    overlaid = _overlaid(np.asarray(plain.resize(shown, Image.Resampling.BICUBIC)), findings, shown)
    square = Image.new("RGB", (size, size), BLACK)
    square.paste(Image.fromarray(overlaid), ((size - shown[0]) // 2, (size - shown[1]) // 2))
    _letters(square, letters(imaged, findings.key_slice))
    if pixel_mm is not None:
        _scale(square, pixels_per_mm)
    return square


def _windowed(imaged: Imaged, slice_index: int) -> NDArray[np.uint8]:
    """CT in the abdomen's window, colours as they are; other values have no fixed scale and nearly all are shown."""
    values = imaged.plane(slice_index)
    low, high = ABDOMEN_WINDOW_HU
    if values.ndim == 3:
        return np.asarray(np.clip(values, 0, 255), np.uint8)
    if imaged.headers[0].Modality != "CT":
        low, high = (float(edge) for edge in np.percentile(values, (1, 99)))
    scaled = (values - low) * (255 / max(high - low, 1e-6))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def _overlaid(plain: NDArray[np.uint8], findings: Findings, shown: tuple[int, int]) -> NDArray[np.uint8]:
    picture = plain.copy() if findings.heat_yx is None else _heated(plain, findings.heat_yx, shown)
    for segment in findings.segments:
        mask = _enlarged(segment.mask_zyx[findings.key_slice], shown)
        colour = np.array(segment.rgb, np.float32)
        blended = picture[mask] * (1 - OVERLAY_OPACITY) + colour * OVERLAY_OPACITY
        picture[mask] = blended.astype(np.uint8)
        picture[_edge(mask)] = segment.rgb
    return picture


def _heated(plain: NDArray[np.uint8], heat_yx: NDArray[np.float32], shown: tuple[int, int]) -> NDArray[np.uint8]:
    """Red over the image, the more the larger the heat is; its own least and largest values are the ends."""
    heat = np.asarray(Image.fromarray(heat_yx).resize(shown, Image.Resampling.BILINEAR), np.float32)
    spread = float(np.ptp(heat))
    share = (heat - heat.min()) / spread if spread > 0 else np.zeros_like(heat)
    opacity = (HEAT_OPACITY * share)[..., None]
    return np.asarray(plain * (1 - opacity) + np.array(HEAT, np.float32) * opacity, np.uint8)


def _enlarged(mask_yx: NDArray[np.bool_], shown: tuple[int, int]) -> NDArray[np.bool_]:
    """Interpolated, so that the outline runs smoothly between pixel centres."""
    resized = Image.fromarray(mask_yx.astype(np.uint8) * 255).resize(shown, Image.Resampling.BILINEAR)
    return np.asarray(np.asarray(resized) >= 128)


def _edge(mask_yx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of the mask with a neighbour outside it."""
    around = np.pad(mask_yx, 1)
    inside = around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return mask_yx & ~inside


def sides(geometry: hd.VolumeGeometry) -> tuple[str, str, str, str]:
    """What lies to the left, right, top and bottom: rows of the image run to the right, its columns down."""
    _, down, right = (direction.value for direction in geometry.get_closest_patient_orientation())
    return OPPOSITE[right], right, OPPOSITE[down], down


def letters(imaged: Imaged, index: int) -> tuple[str, str, str, str]:
    """As `sides`; of a single image what its header says of rows and columns, empty where it says nothing."""
    if isinstance(imaged, Volume):
        return sides(imaged.geometry)
    uid = imaged.sources[index].sop_instance_uid
    header = next(header for header in imaged.headers if header.SOPInstanceUID == uid)
    stated = words(header, "PatientOrientation")
    right, down = (part[:1] for part in stated) if len(stated) == 2 else ("", "")
    return OPPOSITE.get(right, ""), right, OPPOSITE.get(down, ""), down


def _letters(square: Image.Image, around: tuple[str, str, str, str]) -> None:
    size, draw, edge = square.width, ImageDraw.Draw(square), 22
    places = ((edge, size // 2), (size - edge, size // 2), (size // 2, edge), (size // 2, size - edge))
    for letter, place in zip(around, places, strict=True):
        draw.text(place, letter, WHITE, font(26), anchor="mm", stroke_width=2, stroke_fill=BLACK)


def _scale(square: Image.Image, pixels_per_mm: float) -> None:
    length_mm = next((mm for mm in SCALES_MM if mm * pixels_per_mm <= square.width / 3), SCALES_MM[-1])
    draw, left, bottom = ImageDraw.Draw(square), 24, square.height - 24
    right = left + round(length_mm * pixels_per_mm)
    for width, colour in ((5, BLACK), (2, WHITE)):
        draw.line((left, bottom, right, bottom), colour, width)
        for x in (left, right):
            draw.line((x, bottom - 6, x, bottom + 6), colour, width)
    text = f"{length_mm // 10} cm" if length_mm >= 10 else f"{length_mm} mm"
    draw.text((left, bottom - 10), text, WHITE, font(18), anchor="lb", stroke_width=2, stroke_fill=BLACK)
