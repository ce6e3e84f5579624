"""Masks of muscle and fat, the slice of L3 and the patient's height in, body composition out as findings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure import field_of_view
from orthanc_plugin.measure.contour import outline
from orthanc_plugin.measure.findings import Figure, Findings, Measurement, PlanarFinding
from orthanc_plugin.measure.level import Level
from orthanc_plugin.measure.planar import CM2
from orthanc_plugin.measure.tissue import CM3, Scan, Tissue, tissues
from orthanc_plugin.measure.worth import worth_opening
from orthanc_plugin.routing.card import Card

# Codes of the scheme 99INODE exist where no standard code is known; docs/codes.md lists them.
MUSCLE = codes.SCT.SkeletalMuscle
VISCERAL_FAT = Code("visceral-fat", "99INODE", "Visceral adipose tissue")
SUBCUTANEOUS_FAT = Code("subcutaneous-fat", "99INODE", "Subcutaneous adipose tissue")
MUSCLE_INDEX = Code("muscle-index", "99INODE", "Skeletal muscle index")
FAT_RATIO = Code("vat-sat-ratio", "99INODE", "Ratio of visceral to subcutaneous fat area")
L3 = codes.SCT.L3Vertebra
CM2_PER_M2 = Code("cm2/m2", "UCUM", "square centimeter per square meter")

# Outside these a height is a typing error or another unit, and an index made with it would mislead.
HEIGHT_LEAST_M, HEIGHT_MOST_M = 1.0, 2.5


def findings(
    card: Card,
    volume: Volume,
    masks_szyx: NDArray[np.bool_],
    level: Level,
    height_m: float | None,
    tracking_uids: Sequence[UID],
    probabilities_szyx: NDArray[np.float32] | None = None,
) -> Findings:
    """Masks, probabilities and `tracking_uids` are in the order of the card's segments."""
    _demand_tissues(card)
    outlined = tissues(card, volume, masks_szyx, tracking_uids, probabilities_szyx)
    scan = Scan(volume, outlined, level.slice_index, _usable(height_m))
    found = tuple(tissue for tissue in scan.tissues if tissue.found)
    key_slice = _key_slice(scan)
    return Findings(
        segments=tuple(
            tissue.segment(number, (Measurement(codes.SCT.Volume, tissue.volume_cm3, CM3),))
            for number, tissue in enumerate(found, start=1)
        ),
        planar=tuple(_planar(number, tissue, scan) for number, tissue in enumerate(found, start=1)),
        key_slice=key_slice,
        headline=_headline(scan),
        figures=_figures(scan),
        cautions=(*volume.cautions, *_cautions(scan, level, height_m, key_slice)),
        absent=tuple(tissue.absence() for tissue in scan.tissues if not tissue.found),
        worth_opening=worth_opening([key_slice, *(tissue.largest_slice() for tissue in found)]),
    )


def _demand_tissues(card: Card) -> None:
    there = {segment.property.code() for segment in card.segments}
    for needed in (MUSCLE, VISCERAL_FAT, SUBCUTANEOUS_FAT):
        if needed not in there:
            raise Broken(
                f"The model {card.name} is asked for body composition but outlines no {needed.meaning.lower()}; "
                "correct its card.",
                stage="measure",
            )


def _usable(height_m: float | None) -> float | None:
    return height_m if height_m is not None and HEIGHT_LEAST_M <= height_m <= HEIGHT_MOST_M else None


def _key_slice(scan: Scan) -> int:
    """L3 where it is in the volume, else the slice with most of the first tissue that was found, else the middle."""
    if scan.level is not None:
        return scan.level
    found = [tissue for tissue in scan.tissues if tissue.found]
    return found[0].largest_slice() if found else len(scan.volume.voxels_zyx) // 2


def _planar(number: int, tissue: Tissue, scan: Scan) -> PlanarFinding:
    """At L3 with all that is measured there; on the slice of the largest area with the area alone otherwise."""
    at_level = scan.level is not None and tissue.area_cm2(scan.level) > 0
    slice_index = scan.level if scan.level is not None and at_level else tissue.largest_slice()
    area = Measurement(codes.SCT.Area, tissue.area_cm2(slice_index), CM2)
    return PlanarFinding(
        segment_number=number,
        slice_index=slice_index,
        contour_xy=outline(tissue.mask_zyx[slice_index]),
        measurements=(area, *_at_level(tissue, scan, slice_index)) if at_level else (area,),
        site=L3 if at_level else None,
    )


def _at_level(tissue: Tissue, scan: Scan, slice_index: int) -> tuple[Measurement, ...]:
    if tissue.code == VISCERAL_FAT:
        ratio = _fat_ratio(scan, slice_index)
        return () if ratio is None else (Measurement(FAT_RATIO, ratio, codes.UCUM.Ratio),)
    if tissue.code != MUSCLE:
        return ()
    attenuation = scan.mean_hu(tissue, slice_index)
    mean = Measurement(codes.DCM.MeanAttenuationCoefficient, attenuation, codes.UCUM.HounsfieldUnit)
    if scan.height_m is None:
        return (mean,)
    return (Measurement(MUSCLE_INDEX, tissue.area_cm2(slice_index) / scan.height_m**2, CM2_PER_M2), mean)


def _fat_ratio(scan: Scan, slice_index: int) -> float | None:
    subcutaneous = scan.tissue(SUBCUTANEOUS_FAT).area_cm2(slice_index)
    return scan.tissue(VISCERAL_FAT).area_cm2(slice_index) / subcutaneous if subcutaneous > 0 else None


def _headline(scan: Scan) -> str:
    muscle = scan.tissue(MUSCLE)
    if scan.level is None:
        return f"L3 is not in the field of view. {muscle.output.label}: {muscle.volume_cm3:.0f} cm³ in the scan"
    return f"{muscle.output.label} at L3: {muscle.area_cm2(scan.level):.1f} cm²"


def _figures(scan: Scan) -> tuple[Figure, ...]:
    volumes = tuple(Figure(f"{t.output.label}, volume", f"{t.volume_cm3:.0f}", "cm³") for t in scan.tissues)
    return volumes if scan.level is None else (*_figures_at_level(scan, scan.level), *volumes)


def _figures_at_level(scan: Scan, level: int) -> tuple[Figure, ...]:
    muscle, ratio = scan.tissue(MUSCLE), _fat_ratio(scan, level)
    figures = [Figure(f"{t.output.label}, area at L3", f"{t.area_cm2(level):.1f}", "cm²") for t in scan.tissues]
    if scan.height_m is not None:
        index = muscle.area_cm2(level) / scan.height_m**2
        figures.append(Figure("Skeletal muscle index", f"{index:.1f}", "cm²/m²"))
        figures.append(Figure("Height", f"{scan.height_m:.2f}", "m"))
    if muscle.area_cm2(level) > 0:
        figures.append(Figure("Mean muscle attenuation at L3", f"{scan.mean_hu(muscle, level):.0f}", "HU"))
    if ratio is not None:
        figures.append(Figure("Visceral / subcutaneous fat", f"{ratio:.2f}", ""))
    return tuple(figures)


def _cautions(scan: Scan, level: Level, height_m: float | None, key_slice: int) -> tuple[str, ...]:
    cautions = [level.caution] if level.caution else []
    if scan.level is not None:
        absent = [t.output.label for t in scan.tissues if t.found and t.area_cm2(key_slice) == 0]
        cautions += [f"{label} was found in the scan but not on the slice of L3." for label in absent]
    cautions += [f"{t.output.label} was not found." for t in scan.tissues if not t.found]
    if height_m is not None and scan.height_m is None:
        cautions.append(f"A height of {height_m:g} m can't be right; no skeletal muscle index was made with it.")
    tissue_yx = np.logical_or.reduce([t.mask_zyx[key_slice] for t in scan.tissues])
    if field_of_view.cut(scan.volume.voxels_zyx[key_slice], tissue_yx):
        cautions.append("The body reaches the edge of the image on the measured slice; its areas may be too small.")
    return tuple(cautions)
