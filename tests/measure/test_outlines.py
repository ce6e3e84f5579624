"""Volumes, areas and means of any structure, counted by hand in voxels of 1.25 x 0.75 x 3 mm."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import UID

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure import outlines
from orthanc_plugin.measure.findings import Findings
from tests.encode import making

SHAPE = (6, 64, 80)
UIDS = (UID("2.25.1"), UID("2.25.2"), UID("2.25.3"))
VOXEL_CM3, PIXEL_CM2 = 1.25 * 0.75 * 3.0 / 1000, 1.25 * 0.75 / 100


def masks() -> NDArray[np.bool_]:
    """The first has 100 and 120 pixels on slices 2 and 3, the second 40 on slice 2, the third nothing."""
    found = np.zeros((3, *SHAPE), bool)
    found[0, 2, 10:20, 10:20] = found[0, 3, 10:20, 10:22] = True
    found[1, 2, 30:34, 10:20] = True
    return found


def volume() -> Volume:
    return making.volume(SHAPE)


def found(on: Volume | None = None, measured: bool = True) -> Findings:
    return outlines.findings(making.card(), on or volume(), masks(), UIDS, measured=measured)


def test_each_structure_has_its_volume_and_the_area_of_its_largest_slice() -> None:
    on = volume()
    first, second = found(on).segments
    assert first.measurements[0].value == pytest.approx(220 * VOXEL_CM3)
    assert [planar.slice_index for planar in found().planar] == [3, 2]
    assert [planar.measurements[0].value for planar in found().planar] == pytest.approx(
        [120 * PIXEL_CM2, 40 * PIXEL_CM2]
    )
    assert (first.number, second.number, second.label) == (1, 2, "Visceral fat")


def test_the_values_of_a_structure_are_in_the_volume_s_group_and_its_plane_has_the_sizes_of_the_plane() -> None:
    on = volume()
    [first, _], [planar, _] = found(on).segments, found(on).planar
    values = on.voxels_zyx[masks()[0]].astype(np.float64)
    assert {each.name.meaning: each.value for each in first.measurements[1:]} == pytest.approx(
        {
            "Mean Attenuation Coefficient": values.mean(),
            "Standard Deviation of Attenuation Coefficient": values.std(),
            "Minimum Attenuation Coefficient": values.min(),
            "Maximum Attenuation Coefficient": values.max(),
            "Median Attenuation Coefficient": np.median(values),
        }
    )
    assert {each.unit.value for each in first.measurements[1:]} == {"[hnsf'U]"}
    assert [(each.name.meaning, each.unit.value) for each in planar.measurements] == [
        ("Area", "cm2"),
        ("Long Axis", "mm"),
        ("Short Axis", "mm"),
    ]


def test_the_axes_lie_on_the_largest_slice() -> None:
    """A box of 12 x 10 pixels, whose corners are cut by half a pixel: of 0.75 x 1.25 mm each."""
    [planar, _] = found().planar
    _, long, short = (each.value for each in planar.measurements)
    assert long == pytest.approx(np.hypot(11.5 * 0.75, 9.5 * 1.25), abs=1)
    assert planar.axes_xy is not None
    assert np.hypot(*((planar.axes_xy[1] - planar.axes_xy[0]) * (0.75, 1.25))) == pytest.approx(long)
    assert np.hypot(*((planar.axes_xy[3] - planar.axes_xy[2]) * (0.75, 1.25))) == pytest.approx(short)


def test_the_slice_with_most_of_all_is_shown_and_those_with_most_of_each_are_worth_opening() -> None:
    assert found().key_slice == 2
    assert found().worth_opening == (2, 3)


def test_soft_boundaries_stay_with_their_segments() -> None:
    soft = np.random.default_rng(1).uniform(size=(3, *SHAPE)).astype(np.float32)
    findings = outlines.findings(making.card(), volume(), masks(), UIDS, measured=False, probabilities_szyx=soft)
    for segment, expected in zip(findings.segments, soft, strict=False):
        np.testing.assert_array_equal(segment.probability_zyx, expected)


def test_what_was_not_found_is_absent_and_said() -> None:
    findings = found()
    assert [absence.label for absence in findings.absent] == ["Subcutaneous fat"]
    assert findings.cautions == ("Subcutaneous fat was not found.",)


def test_without_measurements_there_are_outlines_alone() -> None:
    findings = found(measured=False)
    assert findings.figures == ()
    assert [segment.measurements for segment in findings.segments] == [(), ()]
    assert [planar.measurements for planar in findings.planar] == [(), ()]
    assert findings.headline == "Skeletal muscle, Visceral fat"


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ({"Modality": "MR"}, "110852", "1"),
        ({"Modality": "PT", "Units": "GML"}, "126400", "g/ml{SUVbw}"),
        ({"Modality": "PT", "Units": "BQML"}, "pixel-value", "Bq/ml"),
        ({"Modality": "NM"}, "pixel-value", "1"),
    ],
)
def test_values_of_other_modalities_are_named_as_these_name_them(header: dict[str, str], name: str, unit: str) -> None:
    on = volume()
    for keyword, value in header.items():
        setattr(on.headers[0], keyword, value)
    statistics = found(on).segments[0].measurements[1:]
    assert {(each.name.value, each.unit.value) for each in statistics} == {(name, unit)}
    assert [each.derivation and each.derivation.meaning for each in statistics] == [
        "Mean",
        "Standard Deviation",
        "Minimum",
        "Maximum",
        "Median",
    ]


def test_nothing_found_is_said_in_the_headline() -> None:
    nothing = outlines.findings(making.card(), volume(), np.zeros((3, *SHAPE), bool), UIDS, measured=True)
    assert (nothing.headline, nothing.key_slice, nothing.segments) == ("Nothing was found", 3, ())
