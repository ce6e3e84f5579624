"""A classifier's verdict on a series in, a chart of what it says of each slice that counted out."""

from __future__ import annotations

from PIL import ImageDraw

from orthanc_plugin.encode.lettering import shortened, write
from orthanc_plugin.encode.theme import Theme
from orthanc_plugin.measure.findings import ClassFinding

CHART_HEIGHT, TITLE = 130, 26
BAR_MOST = 14

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def draw_by_slice(draw: ImageDraw.ImageDraw, theme: Theme, box: Box, found: ClassFinding) -> None:
    """A bar a slice from 0 to 1 in the order of the source's images, and a line at the threshold."""
    left, top, right, bottom = box
    count = len(found.by_slice)
    title = (
        f"{found.label} on {count} images, one by one" if count > 1 else f"{found.label} on the one image that counts"
    )
    write(draw, (left, top + 14), shortened(title, right - left, 15), theme.quiet, 15, "ls")
    top += TITLE
    step = min((right - left) / count, BAR_MOST)
    for number, score in enumerate(found.by_slice):
        first, last = left + number * step, left + (number + 1) * step - (2 if step > 3 else 1)
        height = round((bottom - top) * score.probability)
        draw.rectangle((first, bottom - max(height, 1), max(last, first + 1), bottom), fill=theme.ink)
    at = bottom - round((bottom - top) * found.threshold)
    draw.line((left, at, right, at), theme.caution, 1)
    write(draw, (right, at - 4), f"threshold {found.threshold:.2f}", theme.caution, 12, "rs")
    draw.line((left, bottom, right, bottom), theme.line, 1)
