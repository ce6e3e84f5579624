"""Planes in, their values in the unit of the modality out: Hounsfield units for CT, slice by slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.header import name, number, refusal, text
from orthanc_plugin.imaging.plane import Plane

AIR_HU = -1000.0
# Between air and the densest bone: a padding value in here would also blot out tissue that happens to have it.
TISSUE_HU = (-950.0, 3071.0)
# Extended scales for metal end near 31,000 HU; unsigned values that were meant to be negative begin at 32,768 less
# an intercept of at most a few thousand, in practice at 63,000.
CT_MOST_HU = 40_000.0
# The widest factors in use are 10 in CT (extended scale) and some 10,000 in PET (Bq/ml a step).
CT_SLOPE_MOST = 100.0
SLOPE_MOST = 1e6
INTERCEPT_MOST = 1e6
HOUNSFIELD_TYPES = ("", "HU", "US")  # unspecified values of CT are Hounsfield units by the IOD (PS3.3 C.8.2.1.1.2)


def rescaled(planes: Sequence[Plane], modality: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Voxels (slice, row, column), and what a reader of the results ought to know about them."""
    voxels = np.empty((len(planes), *planes[0].stored.shape), np.float32)
    cautions = {_into(voxels[index], plane, modality) for index, plane in enumerate(planes)}
    if len({plane.stored.dtype.kind for plane in planes}) > 1:
        cautions.add("The series mixes signed and unsigned pixels; each slice was read as its own header says.")
    voxels.setflags(write=False)
    return voxels, tuple(sorted(cautions - {""}))


def _into(target: NDArray[np.float32], plane: Plane, modality: str) -> str:
    """Write the plane's values to `target`; a caution, or nothing."""
    slope, intercept = _factors(plane, modality)
    np.multiply(plane.stored, np.float32(slope), out=target, casting="unsafe")
    if intercept:
        target += np.float32(intercept)
    padding = _padding(plane)
    caution = ""
    if padding is not None:
        values = (padding[0] * slope + intercept, padding[1] * slope + intercept)
        if modality == "CT" and _overlaps_tissue(*values):
            caution = f"Pixels that are padding by the header have {values[0]:g} HU, a value of tissue; they were kept."
        else:
            inside = (plane.stored >= padding[0]) & (plane.stored <= padding[1])
            target[inside] = AIR_HU if modality == "CT" else 0.0
    if modality == "CT":
        _check_hounsfield(target, plane, slope, intercept)
    return caution


def _factors(plane: Plane, modality: str) -> tuple[float, float]:
    attributes = plane.attributes
    if "ModalityLUTSequence" in attributes:
        raise refusal(
            attributes,
            f"{name(attributes)} maps its values by a lookup table, which this node does not read; "
            "send the series with a rescale slope and intercept.",
        )
    slope, intercept = number(attributes, "RescaleSlope"), number(attributes, "RescaleIntercept")
    if modality == "CT":
        _check_unit(plane)
    if slope is None or intercept is None:
        if modality == "CT":
            # No guess: an intercept taken wrongly shifts every tissue by 1024 HU, and nobody would see it.
            raise refusal(
                attributes,
                f"{name(attributes)} lacks RescaleSlope or RescaleIntercept, so its values can't be turned into "
                "Hounsfield units; send the series again from its source.",
            )
        return 1.0, 0.0  # in MR and PT the stored values are the signal
    slope_most = CT_SLOPE_MOST if modality == "CT" else SLOPE_MOST
    if not 0 < slope <= slope_most or abs(intercept) > INTERCEPT_MOST:
        raise refusal(
            attributes,
            f"{name(attributes)} states a RescaleSlope of {slope:g} and a RescaleIntercept of {intercept:g}, "
            "which no scanner uses; send the series again from its source.",
        )
    return slope, intercept


def _check_unit(plane: Plane) -> None:
    unit = text(plane.attributes, "RescaleType")
    if unit not in HOUNSFIELD_TYPES:
        raise refusal(
            plane.attributes,
            f"{name(plane.attributes)} holds values in {unit}, not in Hounsfield units; "
            "send a series in Hounsfield units.",
        )


def _padding(plane: Plane) -> tuple[float, float] | None:
    """Lowest and highest stored value that stands for no image (PS3.3 C.7.5.1.1.2), as the pixels' type holds them."""
    header, kind = plane.instance.header, plane.stored.dtype
    value = number(header, "PixelPaddingValue")
    if value is None:
        return None
    limit = number(header, "PixelPaddingRangeLimit")
    # Some writers give a negative value as an unsigned one, or the reverse: the bits are what counts.
    held = np.array([value, value if limit is None else limit]).astype(np.int64).astype(kind)
    return float(held.min()), float(held.max())


def _overlaps_tissue(one: float, other: float) -> bool:
    return max(one, other) > TISSUE_HU[0] and min(one, other) < TISSUE_HU[1]


def _check_hounsfield(hounsfield: NDArray[np.float32], plane: Plane, slope: float, intercept: float) -> None:
    extremes = np.array([plane.stored.min(), plane.stored.max()]) * slope + intercept
    if np.abs(extremes).max() <= CT_MOST_HU:  # a look at the stored values spares one at the four times larger others
        return
    lowest, highest = float(hounsfield.min()), float(hounsfield.max())
    if max(-lowest, highest) > CT_MOST_HU:
        raise _implausible(plane, lowest, highest)


def _implausible(plane: Plane, lowest: float, highest: float) -> Unsuitable:
    return refusal(
        plane.attributes,
        f"{name(plane.attributes)} would hold values from {lowest:g} to {highest:g} HU, which CT does not measure: "
        "its pixels are probably signed where its header says unsigned, or the reverse.",
    )
