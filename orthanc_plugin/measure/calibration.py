"""A header in, the size of its pixels within the patient out, where the machine knew it."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.header import integer, number, numbers, text

Spacing = tuple[float, float]
# On the detector or on the film, which is larger than the patient by an unknown factor.
OF_THE_DETECTOR = ("ImagerPixelSpacing", "NominalScannedPixelSpacing")
PROJECTIONS = {"CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA"}
# PS3.3 C.8.5.5.1: a region in two dimensions, and centimetres.
TWO_DIMENSIONS, CENTIMETRES = 1, 3


def pixel_mm(header: Dataset) -> Spacing | None:
    """(between rows, between columns); None, too, where the header garbles it."""
    try:
        return _stated(header) or _of_ultrasound(header)
    except Unsuitable:
        return None


def _stated(header: Dataset) -> Spacing | None:
    """PS3.3 10.7 says which of the attributes of a spacing speak of the patient.

    Of projections those do that were calibrated, or that differ from the detector's; older ones repeat the detector's.
    """
    stated = _two(header, "PixelSpacing")
    detector = next((found for keyword in OF_THE_DETECTOR if (found := _two(header, keyword)) is not None), None)
    projected = detector is not None or text(header, "Modality") in PROJECTIONS
    differs = detector is not None and stated != detector
    if stated is not None and (not projected or differs or text(header, "PixelSpacingCalibrationType")):
        return stated
    magnified = number(header, "EstimatedRadiographicMagnificationFactor")
    if detector is not None and magnified is not None and magnified >= 1:
        return detector[0] / magnified, detector[1] / magnified
    return None


def _two(header: Dataset, keyword: str) -> Spacing | None:
    found = numbers(header, keyword, 2)
    return (found[0], found[1]) if found is not None and min(found) > 0 else None


def _of_ultrasound(header: Dataset) -> Spacing | None:
    """Of its regions in two dimensions, when all agree."""
    found = {_of_region(region) for region in header.get("SequenceOfUltrasoundRegions") or ()} - {(0.0, 0.0)}
    if not found or None in found:
        return None
    first, *others = [spacing for spacing in found if spacing is not None]
    return first if all(np.allclose(first, other, rtol=1e-3) for other in others) else None


def _of_region(region: Dataset) -> Spacing | None:
    """None where it is not in centimetres; nothing, as (0, 0), of a region that is no picture."""
    if integer(region, "RegionSpatialFormat") != TWO_DIMENSIONS:
        return (0.0, 0.0)
    units = {integer(region, f"PhysicalUnits{axis}Direction") for axis in "XY"}
    across, down = number(region, "PhysicalDeltaX"), number(region, "PhysicalDeltaY")
    if units != {CENTIMETRES} or not across or not down:
        return None
    return abs(down) * 10, abs(across) * 10
