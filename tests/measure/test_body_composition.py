"""Everything here is computed by hand: voxels of 1.25 x 0.75 x 3 mm, muscle of so many pixels at so many HU."""

from dataclasses import replace

import highdicom as hd
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure import body_composition as bc
from orthanc_plugin.measure.findings import Findings, PlanarFinding
from orthanc_plugin.measure.level import Level
from tests.encode.making import OBLIQUE, card, geometry

SHAPE = (5, 40, 50)
PIXEL_CM2 = 1.25 * 0.75 / 100
VOXEL_CM3 = 1.25 * 0.75 * 3.0 / 1000
UIDS = (UID("2.25.1"), UID("2.25.2"), UID("2.25.3"))
AT_TWO = Level(2, 3.0, "")
NOWHERE = Level(None, 3.0, "L3 is not in the field of view; nothing was measured at its level.")


def masks() -> NDArray[np.bool_]:
    """At slice 2: 100 pixels of muscle, 40 of visceral, 80 of subcutaneous fat; muscle is largest at slice 3."""
    found = np.zeros((3, *SHAPE), bool)
    found[0, 2, 10:20, 10:20] = found[0, 3, 10:20, 10:22] = True
    found[1, 2, 22:26, 10:20] = True
    found[2, 2, 30:34, 10:30] = found[2, 1, 30:34, 10:30] = True
    return found


def volume(hu: float = 50.0, on: hd.VolumeGeometry | None = None) -> Volume:
    voxels = np.full(SHAPE, -1000, np.float32)
    voxels[:, 8:36, 8:34] = 0
    voxels[0:, 10:20, 10:22] = hu
    voxels[2, 10:20, 10:15] = hu + 20
    return Volume(voxels, on or geometry(SHAPE), (), (), (), ("The slices are thick.",))


def found(level: Level = AT_TWO, height_m: float | None = 2.0, of: NDArray[np.bool_] | None = None) -> Findings:
    return bc.findings(card(), volume(), masks() if of is None else of, level, height_m, UIDS)


def numbers(finding: PlanarFinding) -> dict[str, float]:
    return {measured.name.meaning: measured.value for measured in finding.measurements}


def test_volumes_count_voxels_of_the_geometry_in_any_orientation() -> None:
    for orientation in ((1.0, 0, 0, 0, 1, 0), OBLIQUE):
        on = bc.findings(card(), volume(on=geometry(SHAPE, orientation)), masks(), AT_TWO, None, UIDS)
        assert [s.measurements[0].value for s in on.segments] == pytest.approx(
            [220 * VOXEL_CM3, 40 * VOXEL_CM3, 160 * VOXEL_CM3]
        )
    assert {s.measurements[0].unit for s in found().segments} == {Code("cm3", "UCUM", "cubic centimeter")}


def test_segments_carry_codes_colours_and_tracking_uids_of_the_card() -> None:
    muscle = found().segments[0]

    assert (muscle.number, muscle.label, muscle.rgb, muscle.tracking_uid) == (
        1,
        "Skeletal muscle",
        (205, 80, 70),
        "2.25.1",
    )
    assert (muscle.category.value, muscle.property.value) == ("85756007", "127954009")


def test_at_l3_muscle_has_area_index_and_mean_attenuation() -> None:
    muscle = found().planar[0]

    assert (muscle.slice_index, muscle.site) == (2, bc.L3)
    assert numbers(muscle) == pytest.approx(
        {"Area": 100 * PIXEL_CM2, "Skeletal muscle index": 100 * PIXEL_CM2 / 4, "Mean Attenuation Coefficient": 60.0}
    )


def test_at_l3_fat_has_areas_and_their_ratio_once() -> None:
    _, visceral, subcutaneous = found().planar

    assert numbers(visceral) == pytest.approx(
        {"Area": 40 * PIXEL_CM2, "Ratio of visceral to subcutaneous fat area": 0.5}
    )
    assert numbers(subcutaneous) == pytest.approx({"Area": 80 * PIXEL_CM2})


def test_without_height_there_is_no_index() -> None:
    findings = found(height_m=None)

    assert "Skeletal muscle index" not in numbers(findings.planar[0])
    assert "Skeletal muscle index" not in [figure.name for figure in findings.figures]


@pytest.mark.parametrize("height_m", [0.0, 0.4, 175.0])
def test_an_impossible_height_is_not_used_and_said(height_m: float) -> None:
    findings = found(height_m=height_m)

    assert "Skeletal muscle index" not in numbers(findings.planar[0])
    said = f"A height of {height_m:g} m can't be right; no skeletal muscle index was made with it."
    assert said in findings.cautions


def test_figures_are_rounded_for_reading() -> None:
    assert [(f.name, f.value, f.unit) for f in found().figures] == [
        ("Skeletal muscle, area at L3", "0.9", "cm²"),
        ("Visceral fat, area at L3", "0.4", "cm²"),
        ("Subcutaneous fat, area at L3", "0.8", "cm²"),
        ("Skeletal muscle index", "0.2", "cm²/m²"),
        ("Height", "2.00", "m"),
        ("Mean muscle attenuation at L3", "60", "HU"),
        ("Visceral / subcutaneous fat", "0.50", ""),
        ("Skeletal muscle, volume", "1", "cm³"),
        ("Visceral fat, volume", "0", "cm³"),
        ("Subcutaneous fat, volume", "0", "cm³"),
    ]
    assert found().headline == "Skeletal muscle at L3: 0.9 cm²"


def test_without_l3_the_slice_of_the_largest_area_has_the_area_alone() -> None:
    findings = found(NOWHERE)
    muscle = findings.planar[0]

    assert findings.key_slice == 3
    assert (muscle.slice_index, muscle.site) == (3, None)
    assert numbers(muscle) == pytest.approx({"Area": 120 * PIXEL_CM2})
    assert findings.headline == "L3 is not in the field of view. Skeletal muscle: 1 cm³ in the scan"
    assert [figure.name for figure in findings.figures] == [
        "Skeletal muscle, volume",
        "Visceral fat, volume",
        "Subcutaneous fat, volume",
    ]
    assert NOWHERE.caution in findings.cautions


def test_cautions_of_the_volume_and_of_the_level_come_first() -> None:
    uncertain = Level(2, 22.0, "The level of L3 is uncertain (spread 22 mm); check the slice before using its figures.")

    assert found(uncertain).cautions == ("The slices are thick.", uncertain.caution)


def test_a_tissue_that_l3_lacks_is_drawn_where_it_is_largest_and_said() -> None:
    findings = found(Level(3, 3.0, ""))

    assert [(p.slice_index, p.site) for p in findings.planar] == [(3, bc.L3), (2, None), (1, None)]
    assert "Visceral fat was found in the scan but not on the slice of L3." in findings.cautions


def test_a_tissue_that_is_nowhere_is_absent_and_the_others_are_numbered_through() -> None:
    some = masks()
    some[1] = False
    findings = found(of=some)

    assert [(s.number, s.label) for s in findings.segments] == [(1, "Skeletal muscle"), (2, "Subcutaneous fat")]
    assert [(p.segment_number, p.slice_index) for p in findings.planar] == [(1, 2), (2, 2)]
    assert [(a.label, a.tracking_uid) for a in findings.absent] == [("Visceral fat", "2.25.2")]
    assert "Visceral fat was not found." in findings.cautions


def test_nothing_found_is_a_finding() -> None:
    findings = found(NOWHERE, of=np.zeros_like(masks()))

    assert (findings.segments, findings.planar, findings.key_slice) == ((), (), 2)
    assert len(findings.absent) == 3


def test_a_body_that_is_cut_off_is_said() -> None:
    on = volume()
    on.voxels_zyx[2, 12, :] = 30

    findings = bc.findings(card(), on, masks(), AT_TWO, None, UIDS)

    assert findings.cautions == ("The slices are thick.",)
    on.voxels_zyx[2, 10:34, :] = 30
    findings = bc.findings(card(), on, masks(), AT_TWO, None, UIDS)
    assert findings.cautions[-1] == (
        "The body reaches the edge of the image on the measured slice; its areas may be too small."
    )


def test_masks_of_another_shape_are_refused() -> None:
    with pytest.raises(Broken) as refused:
        bc.findings(card(), volume(), masks()[:2], AT_TWO, None, UIDS[:2])
    assert refused.value.sentence == (
        "The model abdominal-muscle-ct answered masks of the shape (2, 5, 40, 50) where its card and the series need "
        "(3, 5, 40, 50); correct its card or its graph."
    )


def test_a_card_without_one_of_the_tissues_is_refused() -> None:
    described = card()
    segments = described.outputs.segments
    assert segments is not None
    two = segments.model_copy(update={"items": segments.items[:2]})
    without = described.model_copy(update={"outputs": described.outputs.model_copy(update={"segments": two})})

    with pytest.raises(Broken) as refused:
        bc.findings(without, volume(), masks()[:2], AT_TWO, None, UIDS[:2])
    assert refused.value.sentence == (
        "The model abdominal-muscle-ct is asked for body composition but outlines no subcutaneous adipose tissue; "
        "correct its card."
    )


def test_what_comes_in_is_not_changed() -> None:
    on, given = volume(), masks()
    before = (on.voxels_zyx.copy(), given.copy())

    bc.findings(card(), replace(on), given, AT_TWO, 1.8, UIDS)

    assert (np.array_equal(on.voxels_zyx, before[0]), np.array_equal(given, before[1])) == (True, True)
