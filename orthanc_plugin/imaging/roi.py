"""The parameters of an order in, the region of an image that somebody wants looked at out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.parenchyma import Box
from orthanc_plugin.imaging.volume import SourceSlice

ROI, ROI_INSTANCE, ROI_FRAME = "roi", "roi_instance", "roi_frame"
"""Left, top, width and height in pixels; the SOPInstanceUID and the frame, from 1, that it lies on."""
# Below this a texture says nothing.
LEAST_PX = 16


@dataclass(frozen=True)
class GivenRegion:
    """On every image of a job unless an instance or a frame is named."""

    box: Box
    sop_instance_uid: str = ""
    frame: int | None = None

    def lies_on(self, source: SourceSlice) -> bool:
        named = self.sop_instance_uid in ("", source.sop_instance_uid)
        return named and self.frame in (None, source.frame_number or 1)

    def within(self, rows: int, columns: int) -> Box:
        """The box; Unsuitable where it leaves an image of that size."""
        box = self.box
        if box.left + box.width > columns or box.top + box.height > rows:
            raise Unsuitable(
                f"The region {box.left},{box.top},{box.width},{box.height} leaves the image, which has {rows} rows and "
                f"{columns} columns; correct {ROI}.",
                stage="infer",
            )
        return box


def given_region(parameters: Mapping[str, str | float | int | bool]) -> GivenRegion | None:
    """Unsuitable, with a sentence, for a region that is none."""
    stated = parameters.get(ROI)
    if stated is None:
        if ROI_INSTANCE in parameters or ROI_FRAME in parameters:
            raise Unsuitable(f"{ROI_INSTANCE} and {ROI_FRAME} say where a region lies; give {ROI}, too.")
        return None
    numbers = re.fullmatch(r" *(\d{1,5}) *, *(\d{1,5}) *, *(\d{1,5}) *, *(\d{1,5}) *", str(stated))
    box = None if numbers is None else Box(*(int(number) for number in numbers.groups()))
    if box is None or min(box.width, box.height) < LEAST_PX:
        raise Unsuitable(
            f'The parameter {ROI} is "{str(stated)[:40]}"; give it as left,top,width,height in whole pixels, '
            f"{LEAST_PX} at least for each side."
        )
    return GivenRegion(box, str(parameters.get(ROI_INSTANCE) or ""), _frame(parameters.get(ROI_FRAME)))


def _frame(stated: str | float | int | bool | None) -> int | None:
    if stated is None:
        return None
    if isinstance(stated, int | float) and not isinstance(stated, bool) and stated >= 1 and stated == int(stated):
        return int(stated)
    raise Unsuitable(f'The parameter {ROI_FRAME} is "{str(stated)[:40]}"; give the number of a frame, from 1.')
