"""The values of a segment's voxels in, their statistics out, named and in the unit of the modality."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.header import text
from orthanc_plugin.measure.findings import Measurement

# Of modalities whose values have no name of their own; docs/codes.md lists the codes of this scheme.
PIXEL_VALUE = Code("pixel-value", "99INODE", "Value of the image's pixels")
BECQUEREL = Code("Bq/ml", "UCUM", "Becquerels per milliliter")

Values = NDArray[np.float32]
STATISTICS: tuple[tuple[Code, Code, Callable[[Values], float]], ...] = (
    (codes.SCT.Mean, codes.DCM.MeanAttenuationCoefficient, lambda values: float(values.mean(dtype=np.float64))),
    (
        codes.SCT.StandardDeviation,
        codes.DCM.StandardDeviationOfAttenuationCoefficient,
        lambda values: float(values.std(dtype=np.float64)),
    ),
    (codes.SCT.Minimum, codes.DCM.MinimumAttenuationCoefficient, lambda values: float(values.min())),
    (codes.SCT.Maximum, codes.DCM.MaximumAttenuationCoefficient, lambda values: float(values.max())),
    (codes.SCT.Median, codes.DCM.MedianAttenuationCoefficient, lambda values: float(np.median(values))),
)
"""Each with what it is derived by, and the name that it has of its own in Hounsfield units."""


def statistics(values: Values, headers: Sequence[Dataset]) -> tuple[Measurement, ...]:
    """Mean first, then standard deviation, least, largest and median value; `headers` are those of the source."""
    if in_hounsfield(headers):
        return tuple(Measurement(name, of(values), codes.UCUM.HounsfieldUnit) for _, name, of in STATISTICS)
    name, unit = _named(headers)
    return tuple(Measurement(name, of(values), unit, derivation=by) for by, _, of in STATISTICS)


def in_hounsfield(headers: Sequence[Dataset]) -> bool:
    return bool(headers) and text(headers[0], "Modality") == "CT"


def demand_hounsfield(headers: Sequence[Dataset], asked: str) -> None:
    """`asked` says of what, and whom."""
    if not in_hounsfield(headers):
        raise Broken(
            f"{asked} on values that are not Hounsfield units; correct its card so that it takes CT alone.",
            stage="measure",
        )


def _named(headers: Sequence[Dataset]) -> tuple[Code, Code]:
    if not headers:
        return PIXEL_VALUE, codes.UCUM.NoUnits
    header = headers[0]
    modality, units = text(header, "Modality"), text(header, "Units")
    if modality == "MR":
        return codes.DCM.MRSignalIntensity, codes.UCUM.NoUnits
    if modality == "PT" and units == "BQML":
        return PIXEL_VALUE, BECQUEREL
    if modality == "PT" and units == "GML" and text(header, "SUVType") in ("", "BW"):
        return codes.DCM.StandardizedUptakeValue, codes.UCUM.StandardizedUptakeValueBodyWeight
    return PIXEL_VALUE, codes.UCUM.NoUnits
