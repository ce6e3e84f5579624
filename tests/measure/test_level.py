"""The slice of L3 is found from what all slices say, and its absence is said."""

import numpy as np
import pytest

from orthanc_plugin.measure.level import Level, locate

POSITIONS_MM = np.arange(60) * 5.0


def said(level_mm: float, *, noise_mm: float = 0.0, sigma_mm: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    noise = np.random.default_rng(3).normal(0, noise_mm, len(POSITIONS_MM)) if noise_mm else 0.0
    return (POSITIONS_MM - level_mm + noise).astype(np.float32), np.full(len(POSITIONS_MM), sigma_mm, np.float32)


def test_exact_answers_name_the_nearest_slice() -> None:
    assert locate(*said(151.0), POSITIONS_MM) == Level(30, 0.0, "")


def test_slices_far_away_that_err_do_not_move_the_level() -> None:
    offsets, sigmas = said(150.0, noise_mm=3.0)
    offsets[:20] += 80.0
    sigmas[:20] = 60.0
    assert locate(offsets, sigmas, POSITIONS_MM).slice_index == pytest.approx(30, abs=1)


def test_a_level_outside_the_volume_is_not_measured() -> None:
    level = locate(*said(-40.0), POSITIONS_MM)
    assert level.slice_index is None
    assert level.caution == "L3 is not in the field of view; nothing was measured at its level."


def test_slices_that_disagree_raise_a_caution() -> None:
    level = locate(*said(150.0, noise_mm=30.0), POSITIONS_MM)
    assert level.slice_index is not None
    assert level.caution == (
        f"The level of L3 is uncertain (spread {level.spread_mm:.0f} mm); check the slice before using its figures."
    )


@pytest.mark.parametrize(("offset_mm", "index"), [(6.0, 0), (-9.0, 0), (25.0, None)])
def test_one_slice_alone_counts_when_it_says_that_it_is_near(offset_mm: float, index: int | None) -> None:
    level = locate(np.array([offset_mm], np.float32), np.array([5.0], np.float32), np.array([0.0]))
    assert level.slice_index == index


def test_the_level_is_named_on_the_slices_that_were_acquired() -> None:
    level = locate(*said(151.0), POSITIONS_MM)
    assert level.on(lambda index: 59 - index).slice_index == 29
    sagittal = level.on(lambda index: None)
    assert (sagittal.slice_index, sagittal.caution) == (
        None,
        "The series is not axial; nothing was measured at L3.",
    )
