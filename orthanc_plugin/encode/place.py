"""Headers and functional groups in, where a frame lies in the patient out; None where they don't say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from orthanc_plugin.imaging.header import numbers
from orthanc_plugin.imaging.stack import ORIENTATION_TOLERANCE

# Positions are copied as text; what differs by more was computed from something else.
SAME_PLACE_MM = 1e-3

Groups = Mapping[str, Sequence[Dataset]]
STATED = (
    ("PlanePositionSequence", "ImagePositionPatient", 3),
    ("PlaneOrientationSequence", "ImageOrientationPatient", 6),
    ("PixelMeasuresSequence", "PixelSpacing", 2),
)


@dataclass(frozen=True)
class Place:
    """The centre of the first pixel, the directions of rows and columns, the spacing between rows and columns."""

    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]

    def same(self, other: Place) -> bool:
        return (
            np.allclose(self.position_mm, other.position_mm, rtol=0, atol=SAME_PLACE_MM)
            and np.allclose(self.orientation, other.orientation, rtol=0, atol=ORIENTATION_TOLERANCE)
            and np.allclose(self.spacing_mm, other.spacing_mm, rtol=0, atol=SAME_PLACE_MM)
        )


def place_of(header: Dataset, frame_number: int | None) -> Place | None:
    """Of an image, or of a frame of a multi-frame one."""
    if "PerFrameFunctionalGroupsSequence" in header:
        shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
        return place_in(laid_over(shared[0], header.PerFrameFunctionalGroupsSequence[(frame_number or 1) - 1]))
    return _place(*(numbers(header, keyword, count) for _, keyword, count in STATED))


def place_in(groups: Groups) -> Place | None:
    """Of a frame with these functional groups."""
    items = [(groups.get(group) or [Dataset()])[0] for group, _, _ in STATED]
    return _place(*(numbers(item, keyword, count) for item, (_, keyword, count) in zip(items, STATED, strict=True)))


def laid_over(shared: Dataset, of_frame: Dataset) -> Groups:
    """Functional groups by keyword, those of a frame over the shared ones."""
    return {element.keyword: element.value for item in (shared, of_frame) for element in item}


def _place(*stated: tuple[float, ...] | None) -> Place | None:
    known = [values for values in stated if values is not None]
    return Place(*known) if len(known) == len(STATED) else None
