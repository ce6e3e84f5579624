"""An instance in, its planes out: each frame with its place in the patient, from single-frame and enhanced headers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.header import DAMAGED, name, number, numbers, refusal, text
from orthanc_plugin.imaging.instance import Instance

PLACE = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
# Grey ones only: the others are colour, which is refused in any class. Pages of figures may carry a place, too.
SECONDARY_CAPTURES = {
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
}
# Direction cosines written with two decimals still pass; anything further off is no pair of unit vectors.
UNIT_TOLERANCE = 0.01
# The largest pixels in use, of gamma cameras, measure about a centimetre.
PIXEL_MOST_MM = 100.0
# Functional groups (PS3.3 C.7.6.16) that say where a frame is and what its values mean.
FUNCTIONAL_GROUPS = (
    "PlanePositionSequence",
    "PlaneOrientationSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
)


@dataclass(frozen=True, eq=False)
class Plane:
    """One frame; `orientation` is (row direction, column direction), `attributes` is what its header says of it alone.

    `pixel_spacing_mm` is (between rows, between columns), as in DICOM.
    """

    instance: Instance
    frame: int
    attributes: Dataset
    position_mm: NDArray[np.float64]
    orientation: NDArray[np.float64]
    pixel_spacing_mm: tuple[float, float]
    thickness_mm: float | None

    @property
    def frame_number(self) -> int | None:
        """As DICOM references count it: from one, and only where the source is multi-frame."""
        return self.frame + 1 if "PerFrameFunctionalGroupsSequence" in self.instance.header else None

    @property
    def stored(self) -> NDArray[np.integer]:
        """The stored values (rows, columns)."""
        values: NDArray[np.integer] = self.instance.frames[self.frame]
        return values


def planes(instance: Instance) -> list[Plane]:
    if text(instance.header, "SOPClassUID") in SECONDARY_CAPTURES:
        raise refusal(
            instance.header,
            f"{name(instance.header)} is a secondary capture, a page or a picture that was made of images; "
            "run on the series that it was made of.",
        )
    if text(instance.header, "PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        raise refusal(instance.header, f"{name(instance.header)} is a colour image, which is no slice of a volume.")
    return [
        _plane(instance, frame, attributes)
        for frame, attributes in enumerate(_frame_attributes(instance.header, len(instance.frames)))
    ]


def _frame_attributes(header: Dataset, frames: int) -> Iterator[Dataset]:
    """The header of a single-frame image; of an enhanced one its functional groups laid flat, frame by frame."""
    if "PerFrameFunctionalGroupsSequence" not in header:
        if frames > 1:
            raise refusal(header, f"{name(header)} holds {frames} frames without a place in the patient.")
        return iter([header])
    try:
        shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
        attributes = [_flat(header, shared[0], groups) for groups in header.PerFrameFunctionalGroupsSequence]
    except DAMAGED as error:
        raise refusal(
            header, f"{name(header)} has functional groups that can't be read; send the series again."
        ) from error
    if len(attributes) != frames:
        raise refusal(
            header,
            f"{name(header)} describes {len(attributes)} frames but holds {frames}; "
            "send the series again from its source.",
        )
    return iter(attributes)


def _flat(header: Dataset, *sources: Dataset) -> Dataset:
    flat = Dataset()
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID"):
        flat[keyword] = header[keyword]
    for source in sources:
        for group in FUNCTIONAL_GROUPS:
            for item in source.get(group) or []:
                flat.update(item)
    return flat


def _plane(instance: Instance, frame: int, attributes: Dataset) -> Plane:
    place = {keyword: numbers(attributes, keyword, count) for keyword, count in PLACE.items()}
    position, orientation, spacing = place.values()
    if position is None or orientation is None or spacing is None:
        missing = " and ".join(keyword for keyword, value in place.items() if value is None)
        raise refusal(
            instance.header,
            f"{name(instance.header)} lacks {missing}, so its place in the patient is unknown; "
            "send the series again from its source.",
        )
    if not all(0 < value <= PIXEL_MOST_MM for value in spacing):
        raise refusal(
            instance.header,
            f"{name(instance.header)} states a PixelSpacing of {spacing[0]:g} and {spacing[1]:g} mm, "
            "which no image has; send the series again from its source.",
        )
    return Plane(
        instance,
        frame,
        attributes,
        np.asarray(position),
        _orthonormal(attributes, np.asarray(orientation)),
        (spacing[0], spacing[1]),
        number(attributes, "SliceThickness"),
    )


def _orthonormal(attributes: Dataset, orientation: NDArray[np.float64]) -> NDArray[np.float64]:
    """What rounding took from the direction cosines is given back; directions that are none are refused."""
    row, column = orientation[:3], orientation[3:]
    lengths = np.linalg.norm([row, column], axis=1)
    if np.abs(lengths - 1).max() > UNIT_TOLERANCE or abs(row @ column) > UNIT_TOLERANCE:
        raise _no_orientation(attributes)
    row = row / lengths[0]
    column = column - (column @ row) * row
    return np.concatenate([row, column / np.linalg.norm(column)])


def _no_orientation(attributes: Dataset) -> Unsuitable:
    return refusal(
        attributes,
        f"{name(attributes)} states an ImageOrientationPatient that is no pair of directions at a right angle; "
        "send the series again from its source.",
    )
