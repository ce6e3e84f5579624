"""Masks of any structures in a volume in, what they measure out as findings: volumes, statistics, planar sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.findings import Figure, Findings, Measurement, PlanarFinding, Segment
from orthanc_plugin.measure.intensity import in_hounsfield, statistics
from orthanc_plugin.measure.planar import Plane
from orthanc_plugin.measure.tissue import CM3, Tissue, tissues
from orthanc_plugin.measure.worth import worth_opening
from orthanc_plugin.routing.card import Card


def findings(
    card: Card,
    volume: Volume,
    masks_szyx: NDArray[np.bool_],
    tracking_uids: Sequence[UID],
    *,
    measured: bool,
    probabilities_szyx: NDArray[np.float32] | None = None,
) -> Findings:
    """Each structure with its outline on its largest slice, and, where `measured`, the numbers of it."""
    all_of_them = tissues(card, volume, masks_szyx, tracking_uids, probabilities_szyx)
    found = [tissue for tissue in all_of_them if tissue.found]
    planes = [_plane(tissue, volume) for tissue in found]
    key_slice = _key_slice(found, volume)
    segments = tuple(_segment(number, tissue, volume, measured) for number, tissue in enumerate(found, start=1))
    return Findings(
        segments=segments,
        planar=tuple(_planar(found, planes, measured)),
        key_slice=key_slice,
        headline=_headline(found, measured),
        figures=tuple(_figures(found, segments, planes, volume)) if measured else (),
        cautions=(*volume.cautions, *(f"{t.output.label} was not found." for t in all_of_them if not t.found)),
        absent=tuple(tissue.absence() for tissue in all_of_them if not tissue.found),
        worth_opening=worth_opening([key_slice, *(tissue.largest_slice() for tissue in found)]),
    )


def _key_slice(found: Sequence[Tissue], volume: Volume) -> int:
    """The slice with most of all structures together."""
    return int(np.sum([t.pixels_z for t in found], axis=0).argmax()) if found else len(volume) // 2


def _plane(tissue: Tissue, volume: Volume) -> Plane:
    _, rows_mm, columns_mm = volume.spacing_zyx_mm
    return Plane(tissue.mask_zyx[tissue.largest_slice()], (rows_mm, columns_mm))


def _planar(found: Sequence[Tissue], planes: Sequence[Plane], measured: bool) -> Iterator[PlanarFinding]:
    for number, (tissue, plane) in enumerate(zip(found, planes, strict=True), start=1):
        yield plane.finding(number, tissue.largest_slice(), measured=measured)


def _segment(number: int, tissue: Tissue, volume: Volume, measured: bool) -> Segment:
    if not measured:
        return tissue.segment(number, ())
    size = Measurement(codes.SCT.Volume, tissue.volume_cm3, CM3)
    return tissue.segment(number, (size, *statistics(volume.voxels_zyx[tissue.mask_zyx], volume.headers)))


def _headline(found: Sequence[Tissue], measured: bool) -> str:
    if not found:
        return "Nothing was found"
    if not measured:
        return ", ".join(tissue.output.label for tissue in found)
    return ", ".join(f"{tissue.output.label}: {_rounded(tissue.volume_cm3)} cm³" for tissue in found)


def _figures(
    found: Sequence[Tissue], segments: Sequence[Segment], planes: Sequence[Plane], volume: Volume
) -> Iterator[Figure]:
    unit = "HU" if in_hounsfield(volume.headers) else ""
    for tissue, segment, plane in zip(found, segments, planes, strict=True):
        label, mean = tissue.output.label, segment.measurements[1].value
        yield Figure(f"{label}, volume", _rounded(tissue.volume_cm3), "cm³")
        yield from plane.figures(label)
        yield Figure(f"{label}, mean", f"{mean:.0f}", unit)


def _rounded(cm3: float) -> str:
    return f"{cm3:.0f}" if cm3 >= 100 else f"{cm3:.1f}"
