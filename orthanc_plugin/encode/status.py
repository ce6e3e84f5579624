"""Why a job made nothing in, one page that says so in the study out: for reading rooms that look at nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset

from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.lettering import fitted, shortened, wrapped, write
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import HEIGHT, MARGIN, RIGHT, WIDTH, heading, notice
from orthanc_plugin.encode.sc import image, source_images
from orthanc_plugin.encode.theme import DARK
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.header import text
from orthanc_plugin.imaging.image import Images
from orthanc_plugin.imaging.volume import SourceSlice
from orthanc_plugin.measure.findings import Findings

NOT_RUN = "Not run"
TOP, LEFT, LINES_MOST = 300, 160, 9


def status_page(headers: Sequence[Dataset], origin: Origin, sentence: str, headline: str = NOT_RUN) -> Dataset:
    """`headers` are those of the series that the job was for, at least one, and nothing of their pixels is needed.

    Another sentence, model or series makes another object.
    """
    making = _making(headers, origin, sentence, headline)
    try:
        result = image(making, _page(making, sentence), "STATUS")
        result.SourceImageSequence = source_images(making.imaged, range(len(headers)))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Broken(
            f"The status page can't be written as DICOM ({type(error).__name__}); "
            "the source's header lacks or garbles what it needs. See the log.",
            stage="encode",
        ) from error
    return result


def _making(headers: Sequence[Dataset], origin: Origin, sentence: str, headline: str) -> Making:
    """A making without pixels, whose only finding is the sentence."""
    sources = tuple(SourceSlice(text(each, "SOPClassUID"), text(each, "SOPInstanceUID"), None) for each in headers)
    imaged = Images((), (), sources, tuple(headers), (), ())
    findings = Findings((), (), 0, headline, (), (sentence,))
    return Making(findings, imaged, replace(origin, encoding=f"{origin.encoding} {headline}: {sentence}"))


def _page(making: Making, sentence: str) -> NDArray[np.uint8]:
    canvas = Image.new("RGB", (WIDTH, HEIGHT), DARK.background)
    draw = ImageDraw.Draw(canvas)
    heading(draw, replace(making.findings, headline=_series(making.header)), making.origin, DARK)
    draw.rounded_rectangle((LEFT - 28, TOP - 46, LEFT - 20, TOP + 6), 4, fill=DARK.amber)
    write(draw, (LEFT, TOP), making.findings.headline, DARK.ink, 52, "ls")
    lines = wrapped(sentence, WIDTH - 2 * LEFT, 30)
    if len(lines) > LINES_MOST:
        rest = " ".join(lines[LINES_MOST - 1 :])
        lines = [*lines[: LINES_MOST - 1], shortened(rest, WIDTH - 2 * LEFT, 30)]
    for number, line in enumerate(lines):
        write(draw, (LEFT, TOP + 70 + 44 * number), line, DARK.ink, 30, "ls")
    nothing, size = fitted("The model stored no result for this series.", RIGHT - MARGIN, range(20, 11, -1))
    write(draw, (LEFT, TOP + 100 + 44 * len(lines)), nothing, DARK.quiet, size, "ls")
    notice(draw, making.origin, DARK)
    return np.asarray(canvas)


def _series(header: Dataset) -> str:
    number = text(header, "SeriesNumber")
    return " ".join(part for part in (text(header, "Modality"), f"series {number}" if number else "") if part)
