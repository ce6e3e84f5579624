"""A slice's header in, how its values become grey or colours out: what a presentation state repeats of its images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from orthanc_plugin.encode.view import functional_group, header_of
from orthanc_plugin.imaging.header import DAMAGED, text
from orthanc_plugin.imaging.image import Imaged

WINDOW = ("WindowCenter", "WindowWidth")
WINDOW_REMARKS = ("WindowCenterWidthExplanation", "VOILUTFunction")
LUT = "VOILUTSequence"
INVERSE, IDENTITY = "INVERSE", "IDENTITY"


@dataclass(frozen=True)
class Display:
    """What all images under one presentation state share."""

    rows: int
    columns: int
    colour: bool
    inverse: bool
    slope: str
    intercept: str
    rescale_type: str

    @property
    def shape(self) -> str:
        return INVERSE if self.inverse else IDENTITY


def display(imaged: Imaged, index: int) -> Display:
    header = header_of(imaged, index)
    values = functional_group(imaged, index, "PixelValueTransformationSequence")
    slope, intercept = text(values, "RescaleSlope"), text(values, "RescaleIntercept")
    stated = bool(slope and intercept)
    kind = text(values, "RescaleType") or ("HU" if text(header, "Modality") == "CT" else "US")
    return Display(
        rows=int(header.Rows),
        columns=int(header.Columns),
        colour=int(header.SamplesPerPixel) > 1,
        # A presentation state stands in for the photometric interpretation of its images, too (PS3.3 C.11.6).
        inverse=text(header, "PhotometricInterpretation") == "MONOCHROME1"
        or text(header, "PresentationLUTShape") == INVERSE,
        slope=slope if stated else "",
        intercept=intercept if stated else "",
        rescale_type=kind if stated else "",
    )


def voi_items(imaged: Imaged, slices: Sequence[int]) -> list[tuple[Dataset, list[int]]]:
    """The windows and tables with which the scanner wants its images shown, each with the slices that it is for."""
    items: dict[str, tuple[Dataset, list[int]]] = {}
    for index in slices:
        item = _voi(functional_group(imaged, index, "FrameVOILUTSequence"))
        if item is not None:
            items.setdefault(_digest(item), (item, []))[1].append(index)
    return list(items.values())


def _voi(stated: Dataset) -> Dataset | None:
    """A window, or for want of one a table; nothing of what is garbled, with which no viewer could do anything."""
    item = Dataset()
    if _is_window(stated):
        for keyword in (*WINDOW, *WINDOW_REMARKS):
            value = _first(stated.get(keyword))
            if value or value == 0:
                setattr(item, keyword, value)
        return item
    if stated.get(LUT):
        item[LUT] = stated[LUT]
        return item
    return None


def _first(value: Any) -> Any:
    """Of alternatives the one that is shown at first; dcmtk takes no state that leaves the choice."""
    return value[0] if isinstance(value, MultiValue) and value else value


def _is_window(stated: Dataset) -> bool:
    """As many centres as widths, numbers all of them."""
    try:
        centres, widths = (np.atleast_1d(np.asarray(stated[keyword].value, float)) for keyword in WINDOW)
    except DAMAGED:
        return False
    return centres.shape == widths.shape and bool(np.isfinite(centres).all() and (widths >= 1).all())


def _digest(item: Dataset) -> str:
    return hashlib.sha256(item.to_json().encode()).hexdigest()
