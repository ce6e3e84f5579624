"""Findings in, the page that people read out: picture, figures, legend, cautions and notice as RGB pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.picture import WHITE, Colour, font, picture, write
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.measure.findings import Findings

WIDTH, HEIGHT = 1280, 960
MARGIN, TOP, PICTURE = 24, 104, 760
COLUMN = MARGIN + PICTURE + 28
RIGHT = WIDTH - MARGIN

BACKGROUND: Colour = (14, 17, 22)
QUIET: Colour = (160, 168, 180)
LINE: Colour = (52, 58, 68)
AMBER: Colour = (255, 193, 79)
ON_AMBER: Colour = (30, 22, 0)


def page(findings: Findings, imaged: Imaged, origin: Origin) -> NDArray[np.uint8]:
    """Rows x columns x RGB; nothing on it says who the patient is."""
    canvas = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    canvas.paste(picture(findings, imaged, PICTURE), (MARGIN, TOP))
    draw = ImageDraw.Draw(canvas)
    _heading(draw, findings, origin)
    write(draw, (MARGIN, TOP + PICTURE + 8), _caption(findings, imaged), QUIET, 16)
    below = _legend(draw, findings, _figures(draw, findings, TOP))
    _cautions(draw, findings, below)
    _notice(draw, origin)
    return np.asarray(canvas)


def _heading(draw: ImageDraw.ImageDraw, findings: Findings, origin: Origin) -> None:
    """Without the moment of making, which the header has: the same making gives the same pixels."""
    write(draw, (MARGIN, 20), origin.title, WHITE, 32)
    draw.text((RIGHT, 32), f"Version {origin.version}", QUIET, font(17), anchor="ra")
    write(draw, (MARGIN, 62), findings.headline, WHITE, 20)
    draw.line((MARGIN, 94, RIGHT, 94), LINE, 1)


def _caption(findings: Findings, imaged: Imaged) -> str:
    """How a reader finds the slice among the source's images."""
    source = imaged.sources[findings.key_slice]
    header = next(header for header in imaged.headers if header.SOPInstanceUID == source.sop_instance_uid)
    number = source.frame_number or header.get("InstanceNumber") or findings.key_slice + 1
    series = header.get("SeriesNumber")
    return f"Image {number}" + (f" of series {series}" if series is not None else "")


def _figures(draw: ImageDraw.ImageDraw, findings: Findings, top: int) -> int:
    """A line a figure: its name, its value to the right, its unit behind; returns where the next block may begin."""
    for figure in findings.figures:
        write(draw, (COLUMN, top + 7), figure.name, WHITE, 18)
        draw.text((RIGHT - 74, top + 4), figure.value, WHITE, font(23), anchor="ra")
        write(draw, (RIGHT - 66, top + 9), figure.unit, QUIET, 16)
        top += 38
        draw.line((COLUMN, top - 1, RIGHT, top - 1), LINE, 1)
    return top + 18


def _legend(draw: ImageDraw.ImageDraw, findings: Findings, top: int) -> int:
    for segment in findings.segments:
        draw.rounded_rectangle((COLUMN, top, COLUMN + 22, top + 18), 4, fill=segment.rgb)
        write(draw, (COLUMN + 34, top - 2), segment.label, WHITE, 18)
        top += 30
    return top + 14


def _cautions(draw: ImageDraw.ImageDraw, findings: Findings, top: int) -> None:
    """As many as fit above the notice; where some don't, the last line says how many more the report holds."""
    bottom, left_over = HEIGHT - 96, list(findings.cautions)
    while left_over:
        lines = _wrapped(draw, left_over[0], RIGHT - COLUMN - 18, 17)
        if top + 22 * (len(lines) + (len(left_over) > 1)) > bottom:
            write(draw, (COLUMN + 18, top), f"{len(left_over)} more in the report", AMBER, 17)
            return
        write(draw, (COLUMN, top), "!", AMBER, 19)
        for line in lines:
            write(draw, (COLUMN + 18, top), line, AMBER, 17)
            top += 22
        left_over.pop(0)
        top += 8


def _notice(draw: ImageDraw.ImageDraw, origin: Origin) -> None:
    if not origin.notice:
        return
    draw.rounded_rectangle((MARGIN, HEIGHT - 62, RIGHT, HEIGHT - 16), 6, fill=AMBER)
    fitting = (size for size in range(24, 9, -1) if draw.textlength(origin.notice, font(size)) <= WIDTH - 4 * MARGIN)
    size = next(fitting, 9)
    draw.text((WIDTH // 2, HEIGHT - 39), origin.notice, ON_AMBER, font(size), anchor="mm")


def _wrapped(draw: ImageDraw.ImageDraw, text: str, width: int, size: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font(size)) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
