"""Text in any script in, letters on a canvas out: measured, fitted to a width, broken into lines."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]

# Debian's fonts-wqy-microhei: Latin, Greek, Cyrillic, all of Hangul, kana and the common Han characters in one file.
TYPEFACE = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")
ELLIPSIS = "…"


def complete() -> bool:
    """Whether other letters than ASCII's can be drawn."""
    return TYPEFACE.is_file()


def typeface() -> str:
    """Its name is part of how results are written: other letters are other pixels."""
    return TYPEFACE.stem if complete() else "built-in"


def font(size: int) -> Font:
    return _font(TYPEFACE if complete() else None, size)


@cache
def _font(typeface: Path | None, size: int) -> Font:
    """Pillow's own font where none is installed; letters are set one by one, without an engine that may be missing."""
    if typeface is None:
        return ImageFont.load_default(size)
    return ImageFont.truetype(typeface, size, layout_engine=ImageFont.Layout.BASIC)


def writable(text: str) -> str:
    """The text, or the nearest in ASCII when Pillow's own font has to do, which knows little else."""
    if complete():
        return text
    return "".join(_nearest(letter) for letter in text)


def _nearest(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return plain if plain.isascii() else "?"


def width(text: str, size: int) -> float:
    return font(size).getlength(writable(text))


def write(
    draw: ImageDraw.ImageDraw,
    place_xy: tuple[float, float],
    text: str,
    colour: Colour,
    size: int,
    anchor: str = "la",
    outlined: Colour | None = None,
) -> None:
    """`anchor` is the text's point at `place_xy`, in Pillow's terms; `outlined` sets it off from a picture."""
    around = 0 if outlined is None else 2
    draw.text(place_xy, writable(text), colour, font(size), anchor=anchor, stroke_width=around, stroke_fill=outlined)


def fitted(text: str, most: float, sizes: range) -> tuple[str, int]:
    """The text and the first of the sizes in which it fits; in the last one it is shortened."""
    for size in sizes:
        if width(text, size) <= most:
            return text, size
    return shortened(text, most, sizes[-1]), sizes[-1]


def shortened(text: str, most: float, size: int) -> str:
    if width(text, size) <= most:
        return text
    while text and width(text + ELLIPSIS, size) > most:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS


def wrapped(text: str, most: float, size: int) -> list[str]:
    lines = [""]
    for word in text.split():
        for part in _parts(word, most, size):
            longer = f"{lines[-1]} {part}".strip()
            if width(longer, size) <= most:
                lines[-1] = longer
            else:
                lines.append(part)
    return lines if lines[0] else lines[1:]


def _parts(word: str, most: float, size: int) -> Iterator[str]:
    """A word that is longer than a line, as whole sentences in Chinese and Japanese are, is broken anywhere."""
    while width(word, size) > most and len(word) > 1:
        kept = 1 + bisect_right(range(2, len(word)), most, key=lambda end: width(word[:end], size))
        yield word[:kept]
        word = word[kept:]
    yield word
