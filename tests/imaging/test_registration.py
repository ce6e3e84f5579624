"""Series of one head in different frames of reference: how one was moved is found, and what does not fit is told."""

from __future__ import annotations

import highdicom as hd
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter

from orthanc_plugin.imaging.registration import laid_on, registered
from orthanc_plugin.imaging.volume import Volume

SHAPE, STEP_MM = (46, 56, 46), 4.0
T1 = (0.0, 200.0, 20.0, 40.0, 90.0, 130.0)
T2 = (0.0, 120.0, 20.0, 220.0, 150.0, 100.0)


def head() -> NDArray[np.int64]:
    """Air, fat, bone, fluid, grey and white matter; nothing about it is the same on both sides."""
    z, y, x = (np.arange(count)[:, None, None] * STEP_MM - count * STEP_MM / 2 for count in SHAPE)
    y, x = np.moveaxis(y, 0, 1), np.moveaxis(x, 0, 2)
    radius = np.sqrt((x / 70) ** 2 + (y / 90) ** 2 + (z / 75) ** 2)
    folds = gaussian_filter(np.random.default_rng(3).standard_normal(SHAPE), 2)
    tissue = np.zeros(SHAPE, np.int64)
    for border, kind in ((1.12, 1), (1.05, 2), (0.97, 3), (0.9, 4)):
        tissue[radius < border] = kind
    tissue[(radius < 0.82) & (folds < 0.3 * folds.std())] = 5
    for side in (-1, 1):
        tissue[np.sqrt(((x - side * 14) / 9) ** 2 + ((y + 5) / 30) ** 2 + ((z - 5) / 14) ** 2) < 1] = 3
    return tissue


def volume(voxels: NDArray[np.float64], affine: NDArray[np.float64] | None = None, space: str = "1.2.3") -> Volume:
    """Slices go up, rows to the back, columns to the left."""
    if affine is None:
        affine = np.eye(4)
        affine[:3, :3] = STEP_MM * np.eye(3)[:, ::-1]
        affine[:3, 3] = [-STEP_MM * count / 2 for count in SHAPE[::-1]]
    geometry = hd.VolumeGeometry(
        affine=affine,
        spatial_shape=voxels.shape,
        coordinate_system=hd.CoordinateSystemNames.PATIENT,
        frame_of_reference_uid=space,
    )
    noisy = voxels + np.random.default_rng(1).normal(0, 5, voxels.shape)
    return Volume(noisy.astype(np.float32), geometry, (), (), (), ())


def moved(degrees: float, by_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    angle = np.deg2rad(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = by_mm
    return matrix


def as_seen(tissue: NDArray[np.int64], values: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(values)[tissue]


@pytest.fixture(scope="module")
def pair() -> tuple[Volume, Volume, NDArray[np.float64]]:
    """A T1, a T2 of thicker slices whose patient had turned the head, and what takes points of the one to the other."""
    tissue = head()
    first = volume(as_seen(tissue, T1))
    there = moved(9.0, (8.0, -6.0, 11.0))  # from the first series' space to the second's
    affine, shape = first.geometry.affine.copy(), (23, 56, 46)
    affine[:3, 0] *= 2
    to_first = np.linalg.inv(first.geometry.affine) @ np.linalg.inv(there) @ affine
    seen = affine_transform(as_seen(tissue, T2), to_first[:3, :3], to_first[:3, 3], output_shape=shape, order=1)
    return first, volume(seen, affine, "1.2.4"), there


def farthest(found: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    corners = np.array([[x, y, z, 1] for x in (-60, 60) for y in (-80, 80) for z in (-50, 50)], float)
    return float(np.linalg.norm((corners @ found.T - corners @ truth.T)[:, :3], axis=1).max())


def test_a_t2_is_laid_on_the_t1_of_a_patient_who_had_moved(pair: tuple[Volume, Volume, NDArray[np.float64]]) -> None:
    first, second, there = pair
    found = registered(first, second)
    assert found.sure
    assert farthest(np.linalg.inv(found.matrix), there) < 1.0
    assert found.turned_degrees == pytest.approx(9.0, abs=0.6)
    laid = laid_on(first, second, found)
    assert laid.geometry.frame_of_reference_uid == first.geometry.frame_of_reference_uid
    np.testing.assert_allclose(laid.geometry.affine, found.matrix @ second.geometry.affine)
    assert laid.voxels_zyx is second.voxels_zyx


def test_it_comes_out_the_same_every_time(pair: tuple[Volume, Volume, NDArray[np.float64]]) -> None:
    first, second, _ = pair
    np.testing.assert_array_equal(registered(first, second).matrix, registered(first, second).matrix)


def test_what_shows_something_else_is_told(pair: tuple[Volume, Volume, NDArray[np.float64]]) -> None:
    first, second, _ = pair
    blobs = gaussian_filter(np.random.default_rng(9).standard_normal((23, 56, 46)), 3)
    other = volume(400 * blobs / blobs.std(), second.geometry.affine, "1.2.5")
    assert not registered(first, other).sure


def test_images_without_anything_on_them_are_told(pair: tuple[Volume, Volume, NDArray[np.float64]]) -> None:
    first, second, _ = pair
    assert not registered(first, volume(np.zeros((23, 56, 46)), second.geometry.affine, "1.2.6")).sure
    assert not registered(first, volume(np.zeros((1, 2, 2)), second.geometry.affine, "1.2.7")).sure
