"""Places in a head: the same for the same structure however the head lies, and none where no head is."""

from dataclasses import replace

import numpy as np
import pytest

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.head import Head, Places, find_head
from tests.measure.heads import AXIAL, FLIPPED, OBLIQUE, SAGITTAL, STRAIGHT, Lie, scan

COMMISSURE = (0.0, 0.0, 0.0)
LEFT_BEHIND_ABOVE = (32.0, 60.0, 40.0)


def found(volume: Volume) -> Head:
    head = find_head(volume)
    assert head is not None
    return head


def places(head: Head, lie: Lie) -> Places:
    return head.places(lie.in_lps(np.array([COMMISSURE, LEFT_BEHIND_ABOVE])))


@pytest.mark.parametrize(
    ("lie", "orientation"),
    [
        (STRAIGHT, AXIAL),
        (STRAIGHT, FLIPPED),
        (Lie(nod=15), AXIAL),
        (Lie(nod=-15), SAGITTAL),
        (Lie(nod=-8, tilt=12, turn=15, shift_mm=(20, 5, -5)), AXIAL),
        (Lie(nod=-8, tilt=12, turn=15, shift_mm=(20, 5, -5)), OBLIQUE),
    ],
    ids=["straight", "flipped", "chin up", "chin down, sagittal", "turned", "turned, oblique"],
)
def test_a_structure_has_its_place_however_the_head_lies(lie: Lie, orientation: tuple[float, ...]) -> None:
    """In shares of a brain of 166 mm length and 67 mm half width whose front lies 66 mm before the commissure."""
    at = places(found(scan(lie, orientation)), lie)
    assert at.behind == pytest.approx([0.40, 0.76], abs=0.03)
    assert at.below == pytest.approx([0.45, 0.21], abs=0.03)
    assert at.aside == pytest.approx([0, 0.48], abs=0.05)
    assert at.aside_mm == pytest.approx([0, 32], abs=3)


def test_places_are_shares_so_that_a_smaller_head_has_the_same() -> None:
    usual, lie = scan(), STRAIGHT
    affine = np.array(usual.geometry.affine) @ np.diag([0.9, 0.9, 0.9, 1])
    smaller = replace(usual, geometry=type(usual.geometry)(affine, usual.geometry.spatial_shape, "PATIENT"))
    points_mm = lie.in_lps(np.array([COMMISSURE, LEFT_BEHIND_ABOVE]))
    shrunk_mm = smaller.geometry.map_indices_to_reference(usual.geometry.map_reference_to_indices(points_mm))
    one, other = found(usual).places(points_mm), found(smaller).places(shrunk_mm)
    assert other.behind == pytest.approx(one.behind, abs=0.02)
    assert other.below == pytest.approx(one.below, abs=0.02)
    assert other.aside == pytest.approx(one.aside, abs=0.03)


def test_a_scan_that_ends_within_the_brain_is_known_to() -> None:
    assert [found(volume).top_is_cut_off for volume in (scan(), scan(up_to_mm=60))] == [False, True]


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_what_has_not_the_size_of_a_brain_is_no_head(factor: float) -> None:
    usual = scan()
    affine = np.array(usual.geometry.affine) @ np.diag([factor, factor, factor, 1])
    sized = replace(usual, geometry=type(usual.geometry)(affine, usual.geometry.spatial_shape, "PATIENT"))
    assert find_head(sized) is None


def test_an_empty_scan_has_no_head() -> None:
    empty = scan(noise_hu=0)
    assert find_head(replace(empty, voxels_zyx=np.full_like(empty.voxels_zyx, -1000))) is None
