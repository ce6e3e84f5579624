"""Positions: one stack, a hole, or no telling; in any orientation."""

from __future__ import annotations

import math
from random import Random

import pytest

from orthanc_plugin.intake.positions import Plane, contiguous, plane

AXIAL = "1\\0\\0\\0\\1\\0"
TILT = math.radians(20)
OBLIQUE = f"1\\0\\0\\0\\{math.cos(TILT):.6f}\\{math.sin(TILT):.6f}"


def stack(places_mm: list[float], orientation: str = AXIAL) -> list[Plane | None]:
    normal = plane("0\\0\\0", orientation)
    assert normal is not None
    return [plane("\\".join(f"{place_mm * part:.4f}" for part in normal.normal), orientation) for place_mm in places_mm]


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
def test_a_stack_in_any_order_is_contiguous(orientation: str) -> None:
    places_mm = [5.0 * number - 700 for number in range(30)]
    Random(3).shuffle(places_mm)
    assert contiguous(stack(places_mm, orientation)) is True


@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
def test_a_missing_slice_is_a_hole(orientation: str) -> None:
    assert contiguous(stack([0, 5, 10, 20, 25], orientation)) is False


def test_positions_that_jitter_leave_no_hole() -> None:
    assert contiguous(stack([0, 4.9, 10.2, 15, 20.1])) is True


def test_phases_share_their_places() -> None:
    assert contiguous(stack([0, 5, 10, 15] * 2)) is True


@pytest.mark.parametrize("places_mm", [[], [0], [0, 5], [0, 0, 0, 0], [0, 0, 5, 5]])
def test_too_few_places_tell_nothing(places_mm: list[float]) -> None:
    assert contiguous(stack(places_mm)) is None


def test_a_slice_without_a_position_or_of_another_orientation_tells_nothing() -> None:
    assert contiguous([*stack([0, 5, 10, 15]), None]) is None
    assert contiguous([*stack([0, 5, 10, 15]), plane("0\\0\\20", OBLIQUE)]) is None


@pytest.mark.parametrize(
    ("position", "orientation"),
    [("", ""), ("0\\0", AXIAL), ("0\\0\\x", AXIAL), ("0\\0\\0", "1\\0\\0"), ("0\\0\\0\\0", AXIAL)],
)
def test_odd_values_are_no_plane(position: str, orientation: str) -> None:
    assert plane(position, orientation) is None


def test_not_a_number_is_no_position() -> None:
    assert plane("0\\0\\nan", AXIAL) is None
    assert plane("0\\0\\0", "inf\\0\\0\\0\\1\\0") is None
