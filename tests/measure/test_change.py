"""Numbers of two studies, side by side: what changed, and what can't be said."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from orthanc_plugin.measure import change, outlines
from orthanc_plugin.measure.change import CHANGE, CHANGE_PERCENT, compared
from orthanc_plugin.measure.findings import Findings, Measurement
from tests.encode import making

SHAPE = (6, 64, 80)
VOXEL_CM3 = 1.25 * 0.75 * 3.0 / 1000


def found(*pixels: int) -> Findings:
    """So many voxels of each structure, side by side on slice 2."""
    masks = np.zeros((len(pixels), *SHAPE), bool)
    for number, count in enumerate(pixels):
        masks[number, 2, 5 + 10 * number : 6 + 10 * number, :count] = True
    uids = [UID(f"2.25.{number + 1}") for number in range(len(pixels))]
    return outlines.findings(making.card(), making.volume(SHAPE), masks, uids, measured=True)


def track(label: str) -> UID:
    return UID(f"2.25.9{len(label)}")


def test_what_changed_is_told_from_what_to_what_and_coded_in_the_report() -> None:
    both = compared(found(40, 30, 0), found(50, 30, 0), track)
    assert [(each.name, each.value, each.unit) for each in both.figures[-2:]] == [
        ("Skeletal muscle, volume", "0.1 → 0.1 (−20 %)", "cm³"),
        ("Visceral fat, volume", "0.1 → 0.1 (+0 %)", "cm³"),
    ]
    muscle, fat = both.conclusions
    assert (muscle.label, muscle.finding, muscle.tracking_uid) == (
        "Skeletal muscle, change",
        codes.SCT.SkeletalMuscle,
        track("Skeletal muscle, change"),
    )
    difference, percent = muscle.measurements
    assert (difference.name, difference.unit.value, difference.derivation) == (codes.SCT.Volume, "cm3", CHANGE)
    assert difference.value == pytest.approx(-10 * VOXEL_CM3)
    assert (percent.name, percent.unit.value, percent.derivation) == (codes.SCT.Volume, "%", CHANGE_PERCENT)
    assert percent.value == pytest.approx(-20)
    assert [each.value for each in fat.measurements] == [0, 0]


def test_what_is_new_has_no_percent_and_what_is_gone_is_all_lost() -> None:
    new, gone = compared(found(40, 0, 0), found(0, 30, 0), track).conclusions
    assert [each.derivation for each in new.measurements] == [CHANGE]
    assert new.measurements[0].value == pytest.approx(40 * VOXEL_CM3)
    assert [each.value for each in gone.measurements] == pytest.approx([-30 * VOXEL_CM3, -100])


def test_brightness_and_planes_that_lie_elsewhere_are_not_compared() -> None:
    names = {each.of.name for each in change.changes(found(40, 30, 20), found(50, 30, 20))}
    assert names == {codes.SCT.Volume}


def test_what_was_measured_in_another_way_or_at_another_place_is_left_out() -> None:
    now, before = found(40, 0, 0), found(50, 0, 0)
    [segment] = before.segments
    litres = Measurement(codes.SCT.Volume, 0.1, codes.UCUM.NoUnits)
    other = replace(before, segments=(replace(segment, measurements=(litres,)),))
    assert compared(now, other, track).conclusions == ()
    renamed = replace(before, segments=(replace(segment, label="Another"),))
    assert list(change.changes(now, renamed)) == []


def test_a_plane_on_the_same_vertebra_is_compared() -> None:
    def at_l3(findings: Findings, area_cm2: float) -> Findings:
        area = Measurement(codes.SCT.Area, area_cm2, change.Code("cm2", "UCUM", "cm2"))
        [planar] = findings.planar
        return replace(findings, planar=(replace(planar, site=codes.SCT.L3Vertebra, measurements=(area,)),))

    now, before = at_l3(found(40, 0, 0), 150.0), at_l3(found(30, 0, 0), 160.0)
    both = compared(now, before, track)
    assert [(each.name, each.value) for each in both.figures[-1:]] == [
        ("Skeletal muscle, area at L3", "160 → 150 (−6 %)")
    ]
    of_muscle = [each.of.said for each in change.changes(now, before) if each.of.label == "Skeletal muscle"]
    assert of_muscle == ["Skeletal muscle, area at L3"], "its volume is as large as what was scanned of it"
