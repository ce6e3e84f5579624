"""The plane that parts a head's left from its right, wherever the head lies and whatever else is in the scan."""

import time
from dataclasses import replace

import highdicom as hd
import numpy as np
import pytest
from numpy.typing import NDArray

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.midplane import HARDLY_SCANNED, Cells, Midplane, Mirror, coarse, largest, midplane
from tests.measure.heads import (
    AXIAL,
    CORONAL,
    FLIPPED,
    OBLIQUE,
    SAGITTAL,
    STRAIGHT,
    UPSIDE_DOWN,
    Lie,
    ball,
    darkened,
    scan,
)

TURNED = Lie(turn=15, shift_mm=(20, 0, 0))
TILTED = Lie(nod=10, tilt=-15, turn=-15, shift_mm=(-20, 8, 5))


def found(volume: Volume) -> Midplane:
    plane = midplane(volume)
    assert plane is not None
    return plane


def off(plane: Midplane, lie: Lie) -> tuple[float, float]:
    """Degrees between the two normals, and mm between the plane and the middle of the brain."""
    cosine = float(plane.left @ lie.axes[:, 0])
    [middle_mm] = lie.in_lps(np.array([[0.0, 17.0, 10.0]]))
    return float(np.degrees(np.arccos(min(cosine, 1.0)))), abs(float((middle_mm - plane.on_it_mm) @ plane.left))


@pytest.mark.parametrize(
    ("lie", "orientation"),
    [
        (STRAIGHT, AXIAL),
        (STRAIGHT, OBLIQUE),
        (TURNED, AXIAL),
        (TURNED, FLIPPED),
        (TURNED, UPSIDE_DOWN),
        (TILTED, SAGITTAL),
        (TILTED, CORONAL),
        (TILTED, OBLIQUE),
        (Lie(tilt=28, turn=28), AXIAL),
    ],
)
def test_it_lies_as_the_head_does_and_its_left_is_the_patient_s(lie: Lie, orientation: tuple[float, ...]) -> None:
    degrees, mm = off(found(scan(lie, orientation)), lie)
    assert degrees < 2 and mm < 2


def test_noise_an_infarct_and_a_headrest_move_it_by_little() -> None:
    plain = scan(TILTED, noise_hu=20)
    large = darkened(plain, ball(plain, TILTED, (40, 0, 10), 32), 20)
    degrees, mm = off(found(with_headrest(large)), TILTED)
    assert degrees < 2 and mm < 2


def test_a_swollen_scalp_moves_it_by_little_since_the_brain_counts() -> None:
    on = scan(TURNED)
    swollen = (ball(on, TURNED, (70, 20, 30), 38) | ball(on, TURNED, (60, 50, 50), 38)) & (on.voxels_zyx < -500)
    degrees, mm = off(found(replace(on, voxels_zyx=np.where(swollen, np.float32(50), on.voxels_zyx))), TURNED)
    assert degrees < 2 and mm < 2


def test_shoulders_in_the_scan_are_no_part_of_the_head() -> None:
    """They lie straight and are larger than the head."""
    on = scan(TURNED)
    rows, columns = np.ogrid[:76, :76]
    shoulders = np.where(np.hypot((rows - 40) / 20, (columns - 38) / 34) < 1, np.float32(50), np.float32(-1000))
    lower = 12
    voxels = np.concatenate([np.repeat(shoulders[None], 60, axis=0), on.voxels_zyx[lower:]])
    affine = np.array(on.geometry.affine)
    affine[2, 3] -= 3.0 * (60 - lower)
    geometry = hd.VolumeGeometry(affine, voxels.shape, "PATIENT", on.geometry.frame_of_reference_uid)
    degrees, mm = off(found(replace(on, voxels_zyx=voxels, geometry=geometry)), TURNED)
    assert degrees < 2 and mm < 2


def with_headrest(on: Volume) -> Volume:
    """A shell that lies straight however the head does, with a pillow in it."""
    indices = np.argwhere(np.ones(on.voxels_zyx.shape, bool))
    x, y, z = on.geometry.map_indices_to_reference(indices).T
    away = np.hypot(x, y - 10).reshape(on.voxels_zyx.shape)
    under = ((y > 45) & (z < 60)).reshape(on.voxels_zyx.shape) & (on.voxels_zyx < -500)
    hu = np.where(under & (away < 118), np.float32(-920), on.voxels_zyx)
    return replace(on, voxels_zyx=np.where(under & (away >= 118) & (away < 124), np.float32(150), hu))


def test_slices_of_five_millimetres_are_enough() -> None:
    fine = scan(TURNED, step_mm=2.5, cells=(90, 92, 92), noise_hu=20)
    affine = np.array(fine.geometry.affine)
    affine[:3, 3] += affine[:3, 0] / 2
    affine[:3, 0] *= 2
    thick = fine.voxels_zyx.reshape(45, 2, 92, 92).mean(axis=1)
    geometry = hd.VolumeGeometry(affine, thick.shape, "PATIENT", fine.geometry.frame_of_reference_uid)
    degrees, mm = off(found(replace(fine, voxels_zyx=thick, geometry=geometry)), TURNED)
    assert degrees < 2 and mm < 2


def test_the_same_scan_has_the_same_plane() -> None:
    first, second = (found(scan(TURNED, OBLIQUE)) for _ in range(2))
    np.testing.assert_array_equal(first.left, second.left)
    np.testing.assert_array_equal(first.on_it_mm, second.on_it_mm)


def test_200_slices_of_512_x_512_take_less_than_a_second() -> None:
    """By the processor's time, the least of three, as the machine has other work."""
    small = scan(TURNED, step_mm=2.0, cells=(100, 128, 128))
    affine = np.array(small.geometry.affine)
    affine[:3, :3] @= np.diag([0.5, 0.25, 0.25])
    voxels = np.repeat(np.repeat(np.repeat(small.voxels_zyx, 2, 0), 4, 1), 4, 2)
    geometry = hd.VolumeGeometry(affine, voxels.shape, "PATIENT", small.geometry.frame_of_reference_uid)
    large = replace(small, voxels_zyx=voxels, geometry=geometry)
    assert large.voxels_zyx.shape == (200, 512, 512)
    assert min(seconds(large) for _ in range(3)) < 1


def seconds(volume: Volume) -> float:
    before = time.process_time()
    assert midplane(volume) is not None
    return time.process_time() - before


@pytest.mark.parametrize("hu", [-1000, -80, 1200], ids=["air", "fat", "bone"])
def test_where_nothing_soft_is_there_is_none(hu: float) -> None:
    air = scan(noise_hu=0)
    assert midplane(replace(air, voxels_zyx=np.full_like(air.voxels_zyx, hu))) is None


def test_cells_are_means_that_lie_in_the_middle_of_their_voxels() -> None:
    """Cubes of 1.5 mm: three by three by three of them are a cell."""
    on = scan(TILTED, OBLIQUE, step_mm=1.5, cells=(10, 12, 9))
    indices = np.argwhere(np.ones(on.voxels_zyx.shape, bool))
    x = on.geometry.map_indices_to_reference(indices)[:, 0].reshape(on.voxels_zyx.shape)
    cells = coarse(replace(on, voxels_zyx=x.astype(np.float32)))
    assert cells.hu_zyx.shape == (3, 4, 3)
    assert cells.spacing_mm == pytest.approx([4.5, 4.5, 4.5])
    places = cells.places_mm(np.ones((3, 4, 3), bool))
    assert places[:, 0] == pytest.approx(np.clip(cells.hu_zyx.ravel(), -100, 400), abs=1e-3)
    assert cells.indices(places) == pytest.approx(np.argwhere(np.ones((3, 4, 3))), abs=1e-9)


def test_a_cell_is_scanned_as_far_as_its_voxels_reach() -> None:
    cells = Cells(np.zeros((2, 3, 4), np.float32), np.eye(4))
    assert cells.scanned(np.array([[-0.4, 0, 0], [1.4, 2.4, 3.4]])).all()
    assert not cells.scanned(np.array([[1.6, 0, 0], [0, -0.6, 0]])).any()


def test_a_plane_that_mirrors_most_of_the_head_out_of_the_scan_is_the_last_to_be_taken() -> None:
    """However alike the little is that still lies within it."""
    cells = Cells(np.zeros((4, 4, 8), np.float32), np.eye(4)[[2, 1, 0, 3]])
    mirror = Mirror.of(cells, np.ones((4, 4, 8), bool))
    assert [mirror.unlikeness((0, 0, mm)) for mm in (0, 1.5, 2.5, 90)] == [0, 0, HARDLY_SCANNED, HARDLY_SCANNED]


def test_of_parts_the_largest_is_kept_and_of_nothing_nothing() -> None:
    mask: NDArray[np.bool_] = np.zeros((1, 3, 6), bool)
    assert not largest(mask).any()
    mask[0, 0, :2] = mask[0, 2, 3:] = True
    assert np.argwhere(largest(mask)).tolist() == [[0, 2, 3], [0, 2, 4], [0, 2, 5]]
