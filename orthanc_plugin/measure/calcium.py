"""Masks of calcified plaques, artery by artery, and their HU in; Agatston, volume and mass scores out as findings.

The scores are those of Agatston (1990), Callister (1998) and McCollough (2007): in each slice a lesion is a connected
part of at least 1 mm2 above 130 HU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID
from scipy.ndimage import label, maximum, sum_labels

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure import outlines
from orthanc_plugin.measure.findings import Conclusion, Figure, Findings, Measurement, Segment
from orthanc_plugin.measure.intensity import demand_hounsfield
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.outputs import CalciumScore

LEAST_HU, LEAST_MM2 = 130.0, 1.0
WEIGHT_STEPS_HU = (200.0, 300.0, 400.0)
"""A lesion counts once up to the first of them, by its densest voxel, and once more from each on."""
USUAL_STEP_MM = 3.0
"""Of the slices that the score was defined on."""
TOUCHING = np.ones((3, 3), bool)

SCORE = Code("450360000", "SCT", "Coronary artery calcium score")
AGATSTON = Code("112055", "DCM", "Agatston scoring method")
BY_VOLUME = Code("112056", "DCM", "Volume scoring method")
BY_MASS = Code("112057", "DCM", "Mass scoring method")
MASS = Code("122661", "DCM", "Calcium Mass")
MM3, MG = Code("mm3", "UCUM", "cubic millimeter"), Code("mg", "UCUM", "milligram")
CORONARY_ARTERIES = Code("41801008", "SCT", "Coronary artery")
CATEGORY = Code("calcium-category", "99INODE", "Category of coronary calcium")
# Upper ends of the usual categories of the Agatston score (Rumberger 1999); docs/codes.md lists them.
NONE = Code("calcium-none", "99INODE", "No coronary calcium, score 0")
MINIMAL = Code("calcium-minimal", "99INODE", "Minimal coronary calcium, score up to 10")
MILD = Code("calcium-mild", "99INODE", "Mild coronary calcium, score 11 to 100")
MODERATE = Code("calcium-moderate", "99INODE", "Moderate coronary calcium, score 101 to 400")
SEVERE = Code("calcium-severe", "99INODE", "Severe coronary calcium, score above 400")
CATEGORIES = ((0.0, NONE), (10.0, MINIMAL), (100.0, MILD), (400.0, MODERATE), (np.inf, SEVERE))


@dataclass(frozen=True)
class Score:
    """`mass_mg` is as right as what a HU stands for."""

    agatston: float
    volume_mm3: float
    mass_mg: float

    def __add__(self, other: Score) -> Score:
        return Score(self.agatston + other.agatston, self.volume_mm3 + other.volume_mm3, self.mass_mg + other.mass_mg)

    @property
    def category(self) -> Code:
        """By the score as it is read, a whole number."""
        return next(code for most, code in CATEGORIES if round(self.agatston) <= most)

    def measurements(self) -> tuple[Measurement, ...]:
        return (
            Measurement(SCORE, self.agatston, codes.UCUM.NoUnits, method=AGATSTON),
            Measurement(codes.SCT.Volume, self.volume_mm3, MM3, method=BY_VOLUME),
            Measurement(MASS, self.mass_mg, MG, method=BY_MASS),
        )

    def figures(self, of: str) -> tuple[Figure, ...]:
        return (
            Figure(f"{of}, Agatston score", f"{self.agatston:.0f}", ""),
            Figure(f"{of}, volume score", f"{self.volume_mm3:.0f}", "mm³"),
            Figure(f"{of}, mass", f"{self.mass_mg:.0f}", "mg"),
        )


NOTHING = Score(0.0, 0.0, 0.0)


def score(
    voxels_zyx: NDArray[np.float32],
    mask_zyx: NDArray[np.bool_],
    spacing_zyx_mm: tuple[float, float, float],
    mg_per_cm3_per_hu: float,
) -> Score:
    """Of the lesions within the mask."""
    step_mm, *pixel_mm = spacing_zyx_mm
    pixel_mm2 = float(np.prod(pixel_mm))
    total = NOTHING
    for slice_index in np.flatnonzero(mask_zyx.any(axis=(1, 2))):
        hu = voxels_zyx[slice_index]
        lesions, count = label(mask_zyx[slice_index] & (hu >= LEAST_HU), TOUCHING)
        numbers = np.arange(1, count + 1)
        if not count:
            continue
        pixels = np.bincount(lesions.ravel(), minlength=count + 1)[1:].astype(np.float64)
        area_mm2 = pixels * pixel_mm2
        densest = np.asarray(maximum(hu, lesions, numbers), np.float64)
        hu_sum = np.asarray(sum_labels(hu.astype(np.float64), lesions, numbers))
        counted = area_mm2 >= LEAST_MM2
        total += Score(
            float((area_mm2 * weights(densest))[counted].sum()) * step_mm / USUAL_STEP_MM,
            float(area_mm2[counted].sum()) * step_mm,
            float(hu_sum[counted].sum()) * pixel_mm2 * step_mm * mg_per_cm3_per_hu / 1000,
        )
    return total


def weights(densest_hu: NDArray[np.float64]) -> NDArray[np.int64]:
    """One from 130 HU on, two from 200, three from 300, four from 400."""
    return 1 + np.searchsorted(WEIGHT_STEPS_HU, densest_hu, side="right")


def findings(
    card: Card,
    wanted: CalciumScore,
    volume: Volume,
    masks_szyx: NDArray[np.bool_],
    track: Callable[[str], UID],
    probabilities_szyx: NDArray[np.float32] | None = None,
) -> Findings:
    """Masks are in the order of the card's segments, each of which is an artery."""
    demand_hounsfield(volume.headers, f"The model {card.name} is asked for a calcium score")
    uids = [track(segment.label) for segment in card.segments]
    outlined = outlines.findings(card, volume, masks_szyx, uids, measured=False, probabilities_szyx=probabilities_szyx)
    scores = {
        segment.label: score(volume.voxels_zyx, mask, volume.spacing_zyx_mm, wanted.mg_per_cm3_per_hu)
        for segment, mask in zip(card.segments, masks_szyx, strict=True)
    }
    total = sum(scores.values(), NOTHING)
    return replace(
        outlined,
        segments=tuple(_measured(segment, scores[segment.label]) for segment in outlined.segments),
        headline=f"Agatston score {total.agatston:.0f}: {total.category.meaning.partition(',')[0].lower()}",
        figures=(*total.figures("All"), *_by_artery(scores)),
        cautions=volume.cautions,  # that an artery has no calcium is good news, not a caution
        conclusions=(
            Conclusion(
                "Coronary calcium",
                CORONARY_ARTERIES,
                track("Coronary calcium"),
                total.measurements(),
                ((CATEGORY, total.category),),
            ),
        ),
    )


def _measured(segment: Segment, its: Score) -> Segment:
    return replace(segment, measurements=its.measurements())


def _by_artery(scores: dict[str, Score]) -> Sequence[Figure]:
    return [figure for name, each in scores.items() for figure in each.figures(name)]
