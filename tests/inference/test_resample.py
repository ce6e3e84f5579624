"""Scaling keeps structures in their place: a ramp stays the same ramp, a mean stays the same mean."""

import highdicom as hd
import numpy as np
import pytest

from orthanc_plugin.inference.resample import Slices, on_grid, planes, weights

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(("length", "source"), [(7, 20), (20, 7), (5, 5), (1, 9), (9, 1), (33, 32)])
def test_weights_sum_to_one_and_keep_a_ramp_in_its_place(length: int, source: int) -> None:
    rows = weights(length, source)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    places = (np.arange(source) + 0.5) / source
    wanted = (np.arange(length) + 0.5) / length
    within = (wanted > 2 / min(length, source)) & (wanted < 1 - 2 / min(length, source))
    np.testing.assert_allclose((rows @ places)[within], wanted[within], atol=2e-3)


def test_shrinking_passes_over_nothing() -> None:
    stripes = np.zeros((64, 64), np.float32)
    stripes[::4] = 1.0
    np.testing.assert_allclose(planes(stripes, (8, 8))[2:-2], 0.25, atol=0.03)


def test_slices_are_those_of_the_whole_volume_whatever_part_is_asked_for() -> None:
    voxels = RNG.normal(size=(10, 6, 8)).astype(np.float32)
    whole = Slices(voxels, (17, 9, 5)).take(0, 17)
    parts = Slices(voxels, (17, 9, 5))
    for start, stop in ((0, 6), (3, 9), (8, 17)):
        np.testing.assert_array_equal(parts.take(start, stop), whole[start:stop])
    same = Slices(voxels, voxels.shape)
    np.testing.assert_array_equal(same.take(2, 7), voxels[2:7])


def test_what_lies_behind_is_forgotten() -> None:
    slices = Slices(RNG.normal(size=(40, 4, 4)).astype(np.float32), (40, 4, 4))
    for start in range(0, 32, 4):
        slices.take(start, start + 8)
        assert len(slices._made) <= 8


def geometry(shape: tuple[int, int, int], spacing: tuple[float, float, float], at: list[float]) -> hd.VolumeGeometry:
    return hd.VolumeGeometry.from_components(
        shape, spacing=spacing, coordinate_system="PATIENT", position=at, patient_orientation="HPL"
    )


def test_a_volume_is_laid_on_another_grid_by_its_place_in_the_patient() -> None:
    own = geometry((8, 10, 12), (2.0, 1.0, 1.0), [0.0, 0.0, 0.0])
    wanted = geometry((4, 5, 6), (4.0, 2.0, 2.0), [2.0, 2.0, 4.0])
    z, y, x = np.mgrid[:8, :10, :12].astype(np.float32)
    laid = on_grid(2 * z + 100 * y + 10000 * x, own, wanted, -1.0)
    z, y, x = np.mgrid[:4, :5, :6]
    inside = (4 * z + 4 <= 14) & (2 * y + 2 <= 9) & (2 * x + 2 <= 11)
    expected = (4 * z + 4) + 100 * (2 * y + 2) + 10000 * (2 * x + 2)
    np.testing.assert_allclose(laid[inside], expected[inside], rtol=1e-5)
    assert (laid[~inside] == -1).any()


def test_a_volume_on_its_own_grid_is_not_touched() -> None:
    voxels = RNG.normal(size=(3, 4, 5)).astype(np.float32)
    place = geometry((3, 4, 5), (1.0, 1.0, 1.0), [0.0, 0.0, 0.0])
    assert on_grid(voxels, place, geometry((3, 4, 5), (1.0, 1.0, 1.0), [0.0, 0.0, 0.0]), 0.0) is voxels
