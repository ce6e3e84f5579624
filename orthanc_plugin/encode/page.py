"""A making in, the page that people read out: pictures, figures, legend, cautions and notice as RGB pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from orthanc_plugin.encode.column import Column
from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.lettering import fitted, shortened, wrapped, write
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.patient import patient_line
from orthanc_plugin.encode.picture import Size, picture
from orthanc_plugin.encode.theme import DARK, Theme
from orthanc_plugin.encode.view import View, derived_view, view, window
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Findings

WIDTH, HEIGHT = 1280, 960
MARGIN, TOP, GAP = 24, 104, 10
PICTURES, CAPTION = 760, 26
COLUMN, RIGHT = MARGIN + PICTURES + 28, WIDTH - MARGIN
# Beside the key slice, in a row below a wide image or in a column beside a tall one.
OTHERS_MOST = 4
OTHER = (PICTURES - (OTHERS_MOST - 1) * GAP) // OTHERS_MOST
TALL = 1.2
NOTICE_LINES_MOST = 3


@dataclass(frozen=True, eq=False)
class Tile:
    """A view and the box (left, top, width, height) that it gets."""

    view: View
    box: tuple[int, int, int, int]


def page(making: Making, theme: Theme = DARK) -> NDArray[np.uint8]:
    """Rows x columns x RGB; it says who the patient is only where the destination's profile asks for it."""
    findings, origin = making.findings, making.origin
    canvas = Image.new("RGB", (WIDTH, HEIGHT), theme.background)
    draw = ImageDraw.Draw(canvas)
    top = TOP
    if making.profile.patient_on_page:
        top = _patient(draw, making, theme)
    heading(draw, findings, origin, theme)
    bottom = notice(draw, origin, theme) - 14
    for tile in _tiles(_views(findings, making.imaged), top, bottom):
        _show(canvas, draw, tile, theme)
    Column(draw, theme, COLUMN, RIGHT, top, bottom).fill(findings)
    return np.asarray(canvas)


def heading(draw: ImageDraw.ImageDraw, findings: Findings, origin: Origin, theme: Theme) -> None:
    """Without the moment of making, which the header has: the same making gives the same pixels."""
    title, size = fitted(origin.title, RIGHT - MARGIN - 220, range(32, 19, -2))
    write(draw, (MARGIN, 56), title, theme.ink, size, "ls")
    write(draw, (RIGHT, 38), shortened(f"Version {origin.version}", 200, 17), theme.quiet, 17, "rs")
    write(draw, (RIGHT, 58), f"model {origin.digest[:12]}", theme.quiet, 13, "rs")
    headline, size = fitted(findings.headline, RIGHT - MARGIN, range(20, 13, -1))
    write(draw, (MARGIN, 83), headline, theme.ink, size, "ls")
    draw.line((MARGIN, 94, RIGHT, 94), theme.line, 1)


def _patient(draw: ImageDraw.ImageDraw, making: Making, theme: Theme) -> int:
    line, size = fitted(patient_line(making), RIGHT - MARGIN, range(17, 11, -1))
    write(draw, (MARGIN, TOP + 14), line, theme.ink, size, "ls")
    return TOP + 28


def _views(findings: Findings, imaged: Imaged) -> list[View]:
    """The key slice, what was made of it, and others worth opening, spread over them where they are many."""
    key, *others = shown_slices(findings)
    shown = window(imaged, key) if isinstance(imaged, Volume) else None
    derived = [derived_view(image, imaged, key) for image in findings.images[:OTHERS_MOST]]
    seen = [view(findings, imaged, index, shown) for index in (key, *others)]
    return [seen[0], *derived, *seen[1:]]


def shown_slices(findings: Findings) -> list[int]:
    """The key slice, then the most telling of the others as they lie."""
    others = [index for index in findings.worth_opening if index != findings.key_slice]
    return [findings.key_slice, *sorted(others[: max(OTHERS_MOST - len(findings.images), 0)])]


def _tiles(views: Sequence[View], top: int, bottom: int) -> list[Tile]:
    first, *others = views
    height = bottom - top
    row_mm, column_mm = first.pixel_mm or (1.0, 1.0)
    rows, columns = first.pixels.shape[:2]
    if not others:
        return [Tile(first, (MARGIN, top, PICTURES, height - CAPTION))]
    if rows * row_mm > TALL * columns * column_mm:
        each = (height - OTHERS_MOST * (CAPTION + GAP) + GAP) // OTHERS_MOST
        main = Tile(first, (MARGIN, top, PICTURES - OTHER - GAP, height - CAPTION))
        left, step = MARGIN + PICTURES - OTHER, each + CAPTION + GAP
        return [main, *(Tile(other, (left, top + n * step, OTHER, each)) for n, other in enumerate(others))]
    main = Tile(first, (MARGIN, top, PICTURES, height - OTHER - 2 * CAPTION - GAP))
    below = bottom - OTHER - CAPTION
    return [main, *(Tile(other, (MARGIN + n * (OTHER + GAP), below, OTHER, OTHER)) for n, other in enumerate(others))]


def _show(canvas: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, theme: Theme) -> None:
    left, top, width, height = tile.box
    size: Size = (width, height)
    canvas.paste(picture(tile.view, size), (left, top))
    letters = 15 if width > OTHER else 12
    write(draw, (left, top + height + 6), shortened(tile.view.caption, width, letters), theme.quiet, letters)


def notice(draw: ImageDraw.ImageDraw, origin: Origin, theme: Theme) -> int:
    """The notice in its bar at the foot of the page; returns where the bar begins."""
    if not origin.notice:
        return HEIGHT - MARGIN
    size, lines = _notice_lines(origin.notice)
    step = size + 8
    top = HEIGHT - 16 - max(46, step * len(lines) + 14)
    draw.rounded_rectangle((MARGIN, top, RIGHT, HEIGHT - 16), 6, fill=theme.amber)
    first = (top + HEIGHT - 16) / 2 - step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        write(draw, (WIDTH // 2, first + number * step), line, theme.on_amber, size, "mm")
    return top


def _notice_lines(text: str) -> tuple[int, list[str]]:
    """As large as it fits in one line, else in few; what is longer still is cut, and stands whole in the header."""
    across = RIGHT - MARGIN - 40
    for size in (24, 22, 20, 18, 16, 15, 14, 13):
        lines = wrapped(text, across, size)
        if len(lines) <= (1 if size > 16 else NOTICE_LINES_MOST):
            return size, lines
    return size, [*lines[: NOTICE_LINES_MOST - 1], shortened(" ".join(lines[NOTICE_LINES_MOST - 1 :]), across, size)]
