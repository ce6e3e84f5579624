import subprocess
import sys

import numpy as np
import pytest

from export.phantoms import abdomen
from export.phantoms.canvas import MUSCLE, SUBCUTANEOUS_FAT, VISCERAL_FAT
from export.phantoms.scanner import noise

ROWS = 96


def small(seed: int, **more: bool) -> abdomen.Phantom:
    return abdomen.phantom(seed, slices=9, rows=ROWS, spacing_z_mm=25.0, **more)


def test_a_seed_always_gives_the_same_phantom() -> None:
    first, again = small(3), small(3)
    np.testing.assert_array_equal(first.voxels_zyx, again.voxels_zyx)
    np.testing.assert_array_equal(first.labels_zyx, again.labels_zyx)
    assert (first.l3_index, first.geometry, first.patient, first.scan) == (
        again.l3_index, again.geometry, again.patient, again.scan,
    )  # fmt: skip


def test_no_two_seeds_and_no_two_generators_give_the_same_patient() -> None:
    made = [small(1), small(2), small(1, shifted=True)]
    for i, one in enumerate(made):
        for other in made[i + 1 :]:
            assert np.mean(one.labels_zyx != other.labels_zyx) > 0.02


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shifted", [False, True])
def test_labels_lie_on_tissue_of_their_density(seed: int, shifted: bool) -> None:
    made = small(seed, shifted=shifted)
    density = {label: np.median(made.voxels_zyx[made.labels_zyx == label]) for label in (1, 2, 3)}
    assert 0 < density[MUSCLE] < 100
    assert -135 < density[VISCERAL_FAT] < -70
    assert -135 < density[SUBCUTANEOUS_FAT] < -60


def test_every_slice_has_all_tissues_at_the_level_that_is_measured() -> None:
    for seed in range(6):
        made = small(seed)
        assert set(np.unique(made.labels_zyx[made.l3_index])) == {0, 1, 2, 3}


def test_fewer_rows_show_the_same_anatomy_on_the_same_field_of_view() -> None:
    fine = abdomen.phantom(5, slices=3, rows=192)
    coarse = abdomen.phantom(5, slices=3, rows=96)
    assert fine.geometry.row_spacing_mm * 192 == pytest.approx(coarse.geometry.row_spacing_mm * 96)
    shrunk = fine.labels_zyx[:, ::2, ::2]
    assert np.mean(shrunk == coarse.labels_zyx) > 0.93
    means = fine.voxels_zyx.reshape(3, 96, 2, 96, 2).mean(axis=(2, 4))
    assert np.median(np.abs(means - coarse.voxels_zyx)) < 25


def test_noise_has_the_scans_strength_and_wide_pixels_average_it() -> None:
    scan = abdomen.draw_anatomy(5).scan
    fine, coarse = (
        float(noise(rows, spacing_mm, scan, np.random.default_rng(1)).std())
        for rows, spacing_mm in ((256, 0.3), (64, 4.0))
    )
    assert fine == pytest.approx(scan.noise_hu, rel=0.15)
    assert coarse < 0.6 * fine


def test_mid_l3_is_in_the_volume_and_slices_go_towards_the_head() -> None:
    for seed in range(10):
        made = abdomen.phantom(seed, slices=5, rows=32)
        assert 0 <= made.l3_index < 5
    anatomy = abdomen.draw_anatomy(0)
    assert anatomy.build.level(0.0) == pytest.approx(0.0)
    assert anatomy.build.level(40.0) < 0 < anatomy.build.level(-40.0)
    heights = abdomen.slice_heights(anatomy, 60, 5.0)
    assert np.all(np.diff(heights) > 0)
    assert heights[0] < -60
    assert heights[-1] > 60


def test_a_threshold_alone_does_not_find_the_muscle() -> None:
    overlaps = []
    for seed in range(8):
        made = small(seed)
        found = (made.voxels_zyx >= -29) & (made.voxels_zyx <= 150)
        muscle = made.labels_zyx == MUSCLE
        overlaps.append(np.sum(found & muscle) / np.sum(found | muscle))
    assert np.mean(overlaps) < 0.6


def test_height_is_sometimes_unknown() -> None:
    heights = [abdomen.draw_anatomy(seed).patient.height_m for seed in range(30)]
    assert any(height is None for height in heights)
    assert all(1.3 < height < 2.1 for height in heights if height is not None)


def test_a_whole_abdomen_reaches_from_the_lungs_to_the_hips() -> None:
    for seed in range(3):
        made = abdomen.whole_phantom(seed, rows=ROWS, spacing_z_mm=20.0, shifted=seed == 2)
        length_mm = (len(made.voxels_zyx) - 1) * made.geometry.slice_spacing_mm
        assert 350 < length_mm < 520
        lung = np.mean((made.voxels_zyx > -890) & (made.voxels_zyx < -700), axis=(1, 2))
        assert lung[-1] > 3 * lung[made.l3_index]
        cortical = np.mean(made.voxels_zyx > 300, axis=(1, 2))
        assert cortical[2] > cortical[made.l3_index]
        assert 0 < made.l3_index < len(made.voxels_zyx) - 1


def test_a_level_and_its_height_are_one() -> None:
    build = abdomen.draw_anatomy(4).build
    for level in (-7.0, -3.2, 0.0, 4.4, 6.9):
        assert build.level(build.z_mm(level)) == pytest.approx(level)


def test_the_same_anatomy_can_be_scanned_without_l3() -> None:
    anatomy = abdomen.draw_anatomy(3)
    made = abdomen.scanned(anatomy, np.arange(-200.0, -100, 20), rows=32)
    assert made.geometry.slice_spacing_mm == 20.0
    assert made.l3_index == len(made.voxels_zyx) - 1


def test_what_the_demonstration_draws_needs_no_torch() -> None:
    """A node is installed without it."""
    said = "import sys, export.demo, export.phantoms.studies; print({'torch', 'monai'} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
