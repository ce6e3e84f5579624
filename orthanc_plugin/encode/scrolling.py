"""A making in, its slices with overlay out: frames of one size to scroll through where no viewer lays a SEG over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from orthanc_plugin.encode.lettering import fitted, write
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.picture import Size, fitting, picture
from orthanc_plugin.encode.theme import DARK
from orthanc_plugin.encode.view import Window, view, window
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Findings

LONGER_SIDE = 512
FOOT = 40
# Uncompressed, so that every viewer reads it, this is some 60 MB.
FRAMES_MOST = 72
# Beyond what was found so many slices are shown on each side.
MARGIN_SLICES = 5


def scrolled(making: Making) -> list[int]:
    """All slices; of too many those around what was found, evenly thinned out, the key slice among them."""
    everything, key = range(len(making.imaged)), making.findings.key_slice
    wanted = everything if len(everything) <= FRAMES_MOST else _around_found(making.findings, everything)
    step = -(-len(wanted) // FRAMES_MOST)
    return [index for index in wanted if (index - key) % step == 0]


def _around_found(findings: Findings, everything: range) -> range:
    found = [np.flatnonzero(segment.mask_zyx.any(axis=(1, 2))) for segment in findings.segments]
    marked = [*findings.telling, *(int(index) for each in found for index in each)]
    return range(max(min(marked) - MARGIN_SLICES, 0), min(max(marked) + MARGIN_SLICES + 1, len(everything)))


def frames(making: Making, slices: list[int]) -> NDArray[np.uint8]:
    """Frames x rows x columns x RGB, all as large as the key slice asks for."""
    findings, imaged = making.findings, making.imaged
    shown = window(imaged, findings.key_slice) if isinstance(imaged, Volume) else None
    size, _ = fitting(view(findings, imaged, findings.key_slice, shown), (LONGER_SIDE, LONGER_SIDE))
    return np.stack([_frame(making, index, size, shown) for index in slices])


def _frame(making: Making, index: int, size: Size, shown: Window | None) -> NDArray[np.uint8]:
    seen = view(making.findings, making.imaged, index, shown)
    canvas = Image.new("RGB", (size[0], size[1] + FOOT), DARK.background)
    canvas.paste(picture(seen, size), (0, 0))
    draw, across = ImageDraw.Draw(canvas), size[0] - 16
    for number, (line, colour) in enumerate(((seen.caption, DARK.quiet), (making.origin.notice, DARK.caution))):
        text, letters = fitted(line, across, range(14, 8, -1))
        write(draw, (8, size[1] + 15 + 18 * number), text, colour, letters, "ls")
    return np.asarray(canvas)
