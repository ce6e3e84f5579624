"""Values of a derived image in, how images of its modality store them out: bits, sign, rescale, a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import DerivedImage

SHOWN_PERCENT = (1.0, 99.0)
# For these shares of the voxels are counted on at most so many: a window need not be exact.
COUNTED_MOST = 1 << 20
SIGNED_MOST = 32767
SOFT_TISSUE_HU = (-160.0, 240.0)
# Their images say what a stored value stands for, also when single ones are looked at.
MEASURED = ("CT", "MR", "NM", "PT")


@dataclass(frozen=True)
class Grey:
    """`value = slope * stored + intercept`; `rescaled` says whether the image states that, as radiographs don't."""

    bits_allocated: int
    bits_stored: int
    signed: bool
    slope: float
    intercept: float
    rescaled: bool
    rescale_type: str
    window: tuple[float, float]

    def pixels(self, values: NDArray[np.float32]) -> NDArray[np.integer]:
        most = (1 << (self.bits_stored - self.signed)) - 1
        stored = np.rint((values - np.float32(self.intercept)) / np.float32(self.slope))
        kind = f"<{'i' if self.signed else 'u'}{self.bits_allocated // 8}"
        return np.asarray(np.clip(stored, -most - 1 if self.signed else 0, most), kind)


def grey(image: DerivedImage, imaged: Imaged) -> Grey:
    low, high = float(image.values_zyx.min()), float(image.values_zyx.max())
    header = imaged.headers[0]
    modality = image.modality or header.Modality
    if modality in MEASURED or isinstance(imaged, Volume):
        return _of_slices(image, header, max(-low, high))
    return _of_projection(image, modality, low, high)


def _of_slices(image: DerivedImage, header: Dataset, most: float) -> Grey:
    """Signed, about nought; CT to the Hounsfield unit, as scanners do, other values as finely as 16 bits allow."""
    modality = image.modality or header.Modality
    in_its_unit = image.unit is None or (modality == "CT" and image.unit == codes.UCUM.HounsfieldUnit)
    hounsfield = modality == "CT" and in_its_unit
    whole = hounsfield and most <= SIGNED_MOST
    slope = 1.0 if whole else (most or 1.0) / SIGNED_MOST
    of_source = _stated_window(header) if hounsfield and image.modality is None else None
    window = of_source or (SOFT_TISSUE_HU if hounsfield and image.modality else _shown(image.values_zyx))
    return Grey(16, 16, True, float(f"{slope:.9g}"), 0.0, True, "HU" if hounsfield else "US", window)


def _of_projection(image: DerivedImage, modality: str, low: float, high: float) -> Grey:
    """Unsigned, without a unit: as they are where they fit, else spread over what is there."""
    bits = 8 if modality == "US" else 12
    most = (1 << bits) - 1
    if low >= 0 and most / 16 <= high <= most:
        return Grey(16 if bits > 8 else 8, bits, False, 1.0, 0.0, False, "US", _shown(image.values_zyx))
    slope = (high - low) / most or 1.0
    shown = tuple((edge - low) / slope for edge in _shown(image.values_zyx))
    return Grey(16 if bits > 8 else 8, bits, False, slope, low, False, "US", (shown[0], shown[1]))


def _shown(values: NDArray[np.float32]) -> tuple[float, float]:
    """Lower and upper end of what nearly all values lie in."""
    counted = values.ravel()[:: max(1, values.size // COUNTED_MOST)]
    low, high = (float(edge) for edge in np.percentile(counted, SHOWN_PERCENT))
    return low, max(high, low + 1e-6)


def _stated_window(header: Dataset) -> tuple[float, float] | None:
    """The scanner's own, which is right for the same values after the same fashion."""
    centre, width = (_first(header.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or width < 1:
        return None
    return centre - width / 2, centre + width / 2


def _first(value: object) -> float | None:
    """Of one or several numbers; scanners write nonsense, too."""
    try:
        first = float(np.atleast_1d(np.asarray(value, np.float64))[0])
    except (TypeError, ValueError, IndexError):
        return None
    return first if np.isfinite(first) else None
