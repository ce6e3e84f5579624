"""A mask of infarcted brain on a CT of the head in; its volume, side and territories out as findings.

Sides are those of the head's own midplane, territories those of a geometric rule (`territory`), not of an atlas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure import outlines
from orthanc_plugin.measure.findings import Conclusion, Figure, Findings, Measurement, Segment
from orthanc_plugin.measure.head import Head, find_head
from orthanc_plugin.measure.intensity import demand_hounsfield
from orthanc_plugin.measure.territory import ARTERIES, territories
from orthanc_plugin.measure.tissue import CM3
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.outputs import SegmentOutput

MIDLINE_MM = 5.0
"""As far as that from the midplane a voxel may as well lie on the other side."""
OTHER_SIDE_LEAST_CM3 = 1.0
"""What has to lie further on a side than that, so that an infarct is on both."""
TOLD_LEAST = 0.01
"""Of the infarct; what is less of a territory is the rule's error rather than anything to tell."""

SIDES = {"left": codes.SCT.Left, "right": codes.SCT.Right, "both sides": codes.SCT.Bilateral}
TERRITORY = Code("artery-territory", "99INODE", "Arterial territory, by a geometric approximation")
SHARE = Code("territory-share", "99INODE", "Share of an infarct's volume in an arterial territory")
BY_PLACES = Code("places-in-head", "99INODE", "By places in the head, not by an atlas of arteries")

APPROXIMATE = (
    "The territories are a geometric approximation by places in the head, not an atlas of arteries, and differ from "
    "person to person; near a border they say little."
)
TOP_CUT_OFF = "The series does not show the top of the brain, so the territories are still less sure."
NO_HEAD = "No head could be made out in the series, so neither side nor territory of what was found is told."


@dataclass(frozen=True)
class Part:
    """What of an infarct lies in one territory of one side; `share` is of all of it."""

    side: str
    territory: int
    volume_cm3: float
    share: float

    @property
    def name(self) -> str:
        return f"{self.side} {ARTERIES[self.territory][0]}"

    def conclusion(self, infarct: SegmentOutput, track: Callable[[str], UID]) -> Conclusion:
        label = f"{infarct.label}, {self.name}"
        return Conclusion(
            label,
            infarct.property.code(),
            track(label),
            (
                Measurement(codes.SCT.Volume, self.volume_cm3, CM3, method=BY_PLACES),
                Measurement(SHARE, 100 * self.share, codes.UCUM.Percent, method=BY_PLACES),
            ),
            ((codes.SCT.Laterality, SIDES[self.side]), (TERRITORY, ARTERIES[self.territory][1])),
        )

    def figure(self) -> Figure:
        return Figure(f"{self.name.capitalize()}, about", f"{100 * self.share:.0f}", "%")


@dataclass(frozen=True)
class Situation:
    """Where an infarct lies: its side, and its parts, the largest first."""

    side: str
    parts: tuple[Part, ...]

    @property
    def mostly(self) -> tuple[str, float]:
        """The artery in whose territory most of it lies, of both sides together, and the share."""
        shares = [sum(part.share for part in self.parts if part.territory == number) for number in range(len(ARTERIES))]
        largest = int(np.argmax(shares))
        return ARTERIES[largest][0], shares[largest]


def situation(head: Head, points_mm: NDArray[np.float64], voxel_cm3: float) -> Situation:
    """Of voxels at these places (n, 3) in LPS."""
    places = head.places(points_mm)
    on_left = places.aside_mm > 0
    numbers = territories(places)
    parts = [
        Part(side, territory, count * voxel_cm3, count / len(points_mm))
        for side, on_it in (("left", on_left), ("right", ~on_left))
        for territory, count in enumerate(np.bincount(numbers[on_it], minlength=len(ARTERIES)).tolist())
        if count >= TOLD_LEAST * len(points_mm)
    ]
    return Situation(_side(places.aside_mm, voxel_cm3), tuple(sorted(parts, key=lambda part: -part.share)))


def _side(aside_mm: NDArray[np.float64], voxel_cm3: float) -> str:
    """Both where enough lies well beyond the midplane on either side, else the one with more."""
    left_cm3, right_cm3 = ((side * aside_mm > MIDLINE_MM).sum() * voxel_cm3 for side in (1, -1))
    if min(left_cm3, right_cm3) >= OTHER_SIDE_LEAST_CM3:
        return "both sides"
    return "left" if (aside_mm > 0).mean() > 0.5 else "right"


def findings(
    card: Card,
    volume: Volume,
    masks_szyx: NDArray[np.bool_],
    track: Callable[[str], UID],
    probabilities_szyx: NDArray[np.float32] | None = None,
) -> Findings:
    """Of a card with one segment, which is the infarct."""
    demand_hounsfield(volume.headers, f"The model {card.name} is asked where an infarct lies")
    [infarct] = card.segments
    uids = [track(infarct.label)]
    outlined = outlines.findings(card, volume, masks_szyx, uids, measured=True, probabilities_szyx=probabilities_szyx)
    if not outlined.segments:
        return _nothing(outlined, infarct, volume, uids[0])
    head = find_head(volume)
    if head is None:
        return replace(outlined, cautions=(*outlined.cautions, NO_HEAD))
    return _situated(outlined, infarct, head, volume, track)


def _nothing(outlined: Findings, infarct: SegmentOutput, volume: Volume, tracking_uid: UID) -> Findings:
    """That there is no infarct is good news, not a caution; it is said once, with its volume."""
    said = Conclusion(
        infarct.label,
        infarct.property.code(),
        tracking_uid,
        (Measurement(codes.SCT.Volume, 0.0, CM3),),
        ((codes.DCM.PresenceOfProperty, codes.SCT.Absent),),
    )
    return replace(
        outlined,
        headline=f"{infarct.label}: none was found",
        figures=(Figure(f"{infarct.label}, volume", "0", "cm³"),),
        cautions=volume.cautions,
        absent=(),
        conclusions=(said,),
    )


def _situated(
    outlined: Findings, infarct: SegmentOutput, head: Head, volume: Volume, track: Callable[[str], UID]
) -> Findings:
    [segment] = outlined.segments
    lies = situation(head, _points_mm(segment, volume), float(volume.geometry.voxel_volume) / 1000)
    artery, share = lies.mostly
    label = f"{infarct.label}, side"
    whole = Conclusion(label, segment.property, track(label), (), ((codes.SCT.Laterality, SIDES[lies.side]),))
    return replace(
        outlined,
        headline=f"{outlined.headline}, {lies.side}, about {100 * share:.0f} % in the territory of the {artery}",
        figures=tuple(_figures(outlined, label, lies)),
        cautions=(*outlined.cautions, APPROXIMATE, *([TOP_CUT_OFF] if head.top_is_cut_off else [])),
        conclusions=(whole, *(part.conclusion(infarct, track) for part in lies.parts)),
    )


def _figures(outlined: Findings, label: str, lies: Situation) -> Iterator[Figure]:
    yield from outlined.figures
    yield Figure(label, lies.side, "")
    yield from (part.figure() for part in lies.parts)


def _points_mm(segment: Segment, volume: Volume) -> NDArray[np.float64]:
    """Of the mask's voxels, looked for on the slices alone that show some."""
    shown = np.flatnonzero(segment.mask_zyx.any(axis=(1, 2)))
    indices = np.argwhere(segment.mask_zyx[shown[0] : shown[-1] + 1])
    indices[:, 0] += shown[0]
    return np.asarray(volume.geometry.map_indices_to_reference(indices), np.float64)
