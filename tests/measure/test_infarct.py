"""Side and territories of infarcts that lie where their side and artery are known, in heads that lie in any way."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from export.phantoms.stroke import TERRITORIES
from export.phantoms.stroke.case import draw_case
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure import infarct
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.measure.head import Head
from orthanc_plugin.measure.infarct import APPROXIMATE, NO_HEAD, TOP_CUT_OFF, situation
from orthanc_plugin.routing.card import Card
from tests.encode import making
from tests.measure.heads import AXIAL, FLIPPED, OBLIQUE, SAGITTAL, STRAIGHT, Lie, Place, ball, darkened, scan

TURNED = Lie(nod=-8, tilt=12, turn=15, shift_mm=(20, 5, -5))
INSULA, MEDIAL_FRONTAL, CUNEUS, CEREBELLUM = (42, -6, 12), (9, -40, 40), (14, 82, 12), (28, 60, -38)
RADIUS_MM = 8.0

ARTERY_OF = dict(
    zip(
        TERRITORIES,
        ("middle cerebral artery", "anterior cerebral artery", "posterior cerebral artery", "vertebrobasilar arteries"),
        strict=True,
    )
)

Lies = tuple[Place, float]


def card() -> Card:
    concept = {"value": "432504007", "scheme": "SCT", "meaning": "Cerebral infarction"}
    item = {"label": "Infarct", "category": concept, "property": concept, "rgb": [225, 70, 60]}
    outputs: dict[str, Any] = {
        "segments": {"from": {"stage": "tissue", "output": "probability"}, "steps": [{"step": "likeliest"}],
                     "items": [item]},
        "measurements": [{"measure": "infarct"}],
    }  # fmt: skip
    return Card.model_validate(making.card().model_dump(by_alias=True) | {"outputs": outputs, "checks": []})


def track(name: str) -> UID:
    return UID(f"2.25.{1 + sum(name.encode())}")


def found(on: Volume, mask: NDArray[np.bool_]) -> Findings:
    return infarct.findings(card(), on, mask[None], track)


def lying(*balls: Lies, lie: Lie = STRAIGHT, orientation: tuple[float, ...] = AXIAL, **more: Any) -> Findings:
    """An infarct of these balls, 10 HU darker than the brain around."""
    on = scan(lie, orientation, **more)
    mask = np.any([ball(on, lie, place, radius_mm) for place, radius_mm in balls], axis=0)
    return found(darkened(on, mask), mask)


def mirrored(place: Place) -> Place:
    return -place[0], place[1], place[2]


@pytest.mark.parametrize(
    ("place", "artery"),
    [
        (MEDIAL_FRONTAL, "anterior cerebral artery"),
        (INSULA, "middle cerebral artery"),
        (CUNEUS, "posterior cerebral artery"),
        (CEREBELLUM, "vertebrobasilar arteries"),
    ],
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_an_infarct_within_a_territory_is_of_that_side_and_artery_alone(place: Place, artery: str, side: str) -> None:
    findings = lying((place if side == "left" else mirrored(place), RADIUS_MM), lie=TURNED)
    [segment] = findings.segments
    volume_cm3 = segment.measurements[0].value
    assert volume_cm3 == pytest.approx(2.1, abs=0.2)
    assert findings.headline == (f"Infarct: {volume_cm3:.1f} cm³, {side}, about 100 % in the territory of the {artery}")
    assert [(each.name, each.value, each.unit) for each in findings.figures[-2:]] == [
        ("Infarct, side", side, ""),
        (f"{side} {artery}, about".capitalize(), "100", "%"),
    ]
    assert findings.cautions == (
        "The territories are a geometric approximation by places in the head, not an atlas of arteries, and differ "
        "from person to person; near a border they say little.",
    )


@pytest.mark.parametrize("orientation", [FLIPPED, SAGITTAL, OBLIQUE])
def test_left_is_the_patient_s_in_whichever_order_voxels_lie(orientation: tuple[float, ...]) -> None:
    findings = lying((INSULA, RADIUS_MM), orientation=orientation)
    assert findings.headline.endswith(", left, about 100 % in the territory of the middle cerebral artery")


def test_what_was_found_is_coded_by_side_and_by_territory() -> None:
    findings = lying((INSULA, RADIUS_MM))
    [segment] = findings.segments
    whole, part = findings.conclusions
    assert (whole.label, whole.finding, whole.measurements) == ("Infarct, side", segment.property, ())
    assert whole.evaluations == ((codes.SCT.Laterality, codes.SCT.Left),)
    assert (part.label, part.finding) == ("Infarct, left middle cerebral artery", segment.property)
    assert part.tracking_uid == track("Infarct, left middle cerebral artery")
    assert part.evaluations == (
        (codes.SCT.Laterality, codes.SCT.Left),
        (infarct.TERRITORY, codes.SCT.MiddleCerebralArtery),
    )
    assert [(each.name, each.value, each.unit.value, each.method) for each in part.measurements] == [
        (codes.SCT.Volume, pytest.approx(segment.measurements[0].value), "cm3", infarct.BY_PLACES),
        (infarct.SHARE, pytest.approx(100), "%", infarct.BY_PLACES),
    ]


def test_the_segment_itself_is_measured_as_any_other() -> None:
    """Volume, statistics and, on its largest slice, area and axes."""
    findings = lying((INSULA, RADIUS_MM))
    assert [figure.name for figure in findings.figures] == [
        "Infarct, volume",
        "Infarct, largest area",
        "Infarct, its axes",
        "Infarct, mean",
        "Infarct, side",
        "Left middle cerebral artery, about",
    ]
    [planar] = findings.planar
    assert planar.measurements[1].value == pytest.approx(2 * RADIUS_MM, abs=3)


def test_shares_are_those_of_the_volume_and_the_largest_comes_first() -> None:
    findings = lying((INSULA, 16.0), (CEREBELLUM, 8.0))
    first, second = findings.conclusions[1:]
    assert [first.label, second.label] == [
        "Infarct, left middle cerebral artery",
        "Infarct, left vertebrobasilar arteries",
    ]
    shares = [part.measurements[1].value for part in (first, second)]
    assert shares == pytest.approx([100 * 8 / 9, 100 / 9], abs=1.5)
    volumes = [part.measurements[0].value for part in (first, second)]
    assert sum(volumes) == pytest.approx(findings.segments[0].measurements[0].value)
    assert findings.headline.endswith(f"left, about {shares[0]:.0f} % in the territory of the middle cerebral artery")


def test_an_infarct_across_the_midline_is_on_both_sides() -> None:
    findings = lying(((0, -40, 25), 14.0))
    assert ", both sides, about 100 % in the territory of the anterior cerebral artery" in findings.headline
    whole, *parts = findings.conclusions
    assert whole.evaluations == ((codes.SCT.Laterality, codes.SCT.Bilateral),)
    assert {part.evaluations[0][1] for part in parts} == {codes.SCT.Left, codes.SCT.Right}
    assert sum(part.measurements[1].value for part in parts) == pytest.approx(100)


def test_two_infarcts_are_on_both_sides_though_one_is_small() -> None:
    findings = lying((INSULA, 20.0), (mirrored(INSULA), 8.0))
    assert ", both sides, about 100 % in the territory of the middle cerebral artery" in findings.headline


def head() -> Head:
    """With its midplane at x = 0."""
    return Head(np.zeros(3), np.eye(3), -66.0, 100.0, 75.0, 67.0, top_is_cut_off=False)


def along(*x_mm: float) -> NDArray[np.float64]:
    """Places in the frontal lobe, this far to the left."""
    return np.array([(x, -40.0, 25.0) for x in x_mm])


@pytest.mark.parametrize(
    ("x_mm", "side"),
    [
        ((30, 30, 30, 30, -4, -4, -4), "left"),  # as near to the midplane as it may be off
        ((30, 30, 30, -6, -6), "left"),  # beyond, but too little
        ((30, 30, 30, -6, -6, -6), "both sides"),
        ((-30, -30, -30, 6, 6, 6), "both sides"),
        ((-30, -30, -30, 6, 6), "right"),
        ((1, 2, -1), "left"),
        ((1, -2, -1), "right"),
    ],
)
def test_a_side_counts_where_enough_lies_well_beyond_the_midplane(x_mm: tuple[float, ...], side: str) -> None:
    """In voxels of 0.4 cm3: three of them are enough."""
    assert situation(head(), along(*x_mm), 0.4).side == side


def test_less_than_a_hundredth_in_a_territory_is_not_told() -> None:
    told = situation(head(), along(*[50.0] * 200, 5.0), 0.1)
    assert [(part.name, part.share) for part in told.parts] == [("left middle cerebral artery", 200 / 201)]
    told = situation(head(), along(*[50.0] * 99, 5.0), 0.1)
    assert [part.name for part in told.parts] == ["left middle cerebral artery", "left anterior cerebral artery"]


def test_that_there_is_no_infarct_is_a_conclusion_and_no_caution() -> None:
    on = scan()
    findings = found(replace(on, cautions=("A slice is thick.",)), np.zeros(on.voxels_zyx.shape, bool))
    assert findings.headline == "Infarct: none was found"
    assert findings.cautions == ("A slice is thick.",)
    assert (findings.segments, findings.absent) == ((), ())
    [said] = findings.conclusions
    assert (said.label, said.tracking_uid) == ("Infarct", track("Infarct"))
    assert said.evaluations == ((codes.DCM.PresenceOfProperty, codes.SCT.Absent),)
    assert [(each.name, each.value, each.unit.value) for each in said.measurements] == [(codes.SCT.Volume, 0, "cm3")]
    assert [(each.name, each.value, each.unit) for each in findings.figures] == [("Infarct, volume", "0", "cm³")]


def test_where_no_head_can_be_made_out_volume_alone_is_told() -> None:
    on = making.volume()
    mask = making.masks(on.voxels_zyx.shape)[0]  # type: ignore[arg-type]
    findings = found(on, mask)
    assert findings.headline == f"Infarct: {findings.segments[0].measurements[0].value:.1f} cm³"
    assert findings.conclusions == ()
    assert findings.cautions == (NO_HEAD,)
    assert NO_HEAD == (
        "No head could be made out in the series, so neither side nor territory of what was found is told."
    )


def test_a_scan_without_the_top_of_the_brain_says_so() -> None:
    assert lying((INSULA, RADIUS_MM), up_to_mm=60).cautions == (APPROXIMATE, TOP_CUT_OFF)
    assert TOP_CUT_OFF == ("The series does not show the top of the brain, so the territories are still less sure.")


def test_other_values_than_hounsfield_units_are_refused() -> None:
    on = making.volume()
    for header in on.headers:
        header.Modality = "MR"
    with pytest.raises(Broken) as refusal:
        found(on, np.zeros(on.voxels_zyx.shape, bool))
    assert refusal.value.sentence == (
        "The model abdominal-muscle-ct is asked where an infarct lies on values that are not Hounsfield units; "
        "correct its card so that it takes CT alone."
    )


@pytest.mark.slow
def test_phantoms_have_their_side_and_nearly_all_their_artery() -> None:
    """Their territories are drawn by another rule; the borders of the posterior artery differ most."""
    told = [(draw_case(seed, ill=True), of_phantom(seed)) for seed in range(8)]
    assert all(f", {case.side}, about" in headline for case, headline in told)
    assert sum(headline.endswith(ARTERY_OF[str(case.territory)]) for case, headline in told) >= 7


def of_phantom(seed: int) -> str:
    seen = draw_case(seed, ill=True).in_cubes(4.0)
    on = scan(step_mm=4.0, cells=seen.hu_zyx.shape)
    return found(replace(on, voxels_zyx=seen.hu_zyx.astype(np.float32)), seen.infarct_zyx).headline
