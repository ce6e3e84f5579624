"""Masks of any structures in, what they measure out as findings: volume, mean value, area of the largest slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.contour import outline
from orthanc_plugin.measure.findings import Figure, Findings, Measurement, PlanarFinding
from orthanc_plugin.measure.tissue import CM2, CM3, Tissue, tissues
from orthanc_plugin.routing.card import Card

# Of other modalities than CT the values have no unit that all scanners share.
MEAN_VALUE = Code("mean-value", "99INODE", "Mean of the image's values")


def findings(
    card: Card, volume: Volume, masks_szyx: NDArray[np.bool_], tracking_uids: Sequence[UID], *, measured: bool
) -> Findings:
    """Each structure with its outline on its largest slice, and, where `measured`, the numbers of it."""
    all_of_them = tissues(card, volume, masks_szyx, tracking_uids)
    found = [tissue for tissue in all_of_them if tissue.found]
    return Findings(
        segments=tuple(
            tissue.segment(number, _of_volume(tissue, volume) if measured else ())
            for number, tissue in enumerate(found, start=1)
        ),
        planar=tuple(_planar(number, tissue, measured) for number, tissue in enumerate(found, start=1)),
        key_slice=_key_slice(found, volume),
        headline=_headline(found, measured),
        figures=tuple(figure for tissue in found for figure in _figures(tissue, volume)) if measured else (),
        cautions=(*volume.cautions, *(f"{t.output.label} was not found." for t in all_of_them if not t.found)),
        absent=tuple(tissue.absence() for tissue in all_of_them if not tissue.found),
    )


def _key_slice(found: Sequence[Tissue], volume: Volume) -> int:
    """The slice with most of all structures together."""
    return int(np.sum([t.pixels_z for t in found], axis=0).argmax()) if found else len(volume) // 2


def _planar(number: int, tissue: Tissue, measured: bool) -> PlanarFinding:
    largest = tissue.largest_slice()
    area = Measurement(codes.SCT.Area, tissue.area_cm2(largest), CM2)
    return PlanarFinding(number, largest, outline(tissue.mask_zyx[largest]), (area,) if measured else ())


def _of_volume(tissue: Tissue, volume: Volume) -> tuple[Measurement, ...]:
    mean = _mean(tissue, volume)
    if _in_hounsfield(volume):
        value = Measurement(codes.DCM.MeanAttenuationCoefficient, mean, codes.UCUM.HounsfieldUnit)
    else:
        value = Measurement(MEAN_VALUE, mean, codes.UCUM.NoUnits)
    return Measurement(codes.SCT.Volume, tissue.volume_cm3, CM3), value


def _headline(found: Sequence[Tissue], measured: bool) -> str:
    if not found:
        return "Nothing was found"
    if not measured:
        return ", ".join(tissue.output.label for tissue in found)
    return ", ".join(f"{tissue.output.label}: {_rounded(tissue.volume_cm3)} cm³" for tissue in found)


def _figures(tissue: Tissue, volume: Volume) -> tuple[Figure, ...]:
    label, area_cm2 = tissue.output.label, tissue.area_cm2(tissue.largest_slice())
    unit = "HU" if _in_hounsfield(volume) else ""
    return (
        Figure(f"{label}, volume", _rounded(tissue.volume_cm3), "cm³"),
        Figure(f"{label}, largest area", f"{area_cm2:.1f}", "cm²"),
        Figure(f"{label}, mean", f"{_mean(tissue, volume):.0f}", unit),
    )


def _rounded(cm3: float) -> str:
    return f"{cm3:.0f}" if cm3 >= 100 else f"{cm3:.1f}"


def _mean(tissue: Tissue, volume: Volume) -> float:
    return float(volume.voxels_zyx[tissue.mask_zyx].mean(dtype=np.float64))


def _in_hounsfield(volume: Volume) -> bool:
    return bool(volume.headers) and volume.headers[0].Modality == "CT"
