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


def test_each_structure_has_volume_mean_and_the_area_of_its_largest_slice() -> None:
    on = volume()
    first, second = found(on).segments
    numbers = {each.name.meaning: each.value for each in first.measurements}
    assert numbers == pytest.approx(
        {"Volume": 220 * VOXEL_CM3, "Mean Attenuation Coefficient": float(on.voxels_zyx[masks()[0]].mean())}
    )
    assert [planar.slice_index for planar in found().planar] == [3, 2]
    assert [planar.measurements[0].value for planar in found().planar] == pytest.approx(
        [120 * PIXEL_CM2, 40 * PIXEL_CM2]
    )
    assert (first.number, second.number, second.label) == (1, 2, "Visceral fat")


def test_the_slice_with_most_of_all_is_shown() -> None:
    assert found().key_slice == 2


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


def test_values_without_hounsfield_units_have_a_mean_without_a_unit() -> None:
    on = volume()
    for header in on.headers:
        header.Modality = "MR"
    mean = found(on).segments[0].measurements[1]
    assert (mean.name.value, mean.unit.value) == ("mean-value", "1")


def test_nothing_found_is_said_in_the_headline() -> None:
    nothing = outlines.findings(making.card(), volume(), np.zeros((3, *SHAPE), bool), UIDS, measured=True)
    assert (nothing.headline, nothing.key_slice, nothing.segments) == ("Nothing was found", 3, ())
