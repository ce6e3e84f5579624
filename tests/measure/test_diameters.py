"""Axes of shapes whose lengths are known."""

import numpy as np
import pytest

from orthanc_plugin.measure.diameters import axes


def ring(*points: tuple[float, float]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([*points, points[0]], np.float64)


def test_a_rectangle_is_longest_from_corner_to_corner() -> None:
    found = axes(ring((0, 0), (4, 0), (4, 3), (0, 3)), (1.0, 1.0))
    assert found.long == pytest.approx(5)
    assert found.short == pytest.approx(3.75)  # from a corner to the side across


def test_lengths_are_in_millimetres_and_ends_in_pixels() -> None:
    diamond = ring((0, 3), (10, 0), (20, 3), (10, 6))
    found = axes(diamond, (2.0, 0.5))
    assert (found.long, found.short) == pytest.approx((12, 10))
    assert found.ends_xy.tolist() == [[10, 0], [10, 6], [20, 3], [0, 3]]


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, 133])
def test_an_ellipse_has_its_two_axes_however_it_lies(degrees: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 721)[:-1]
    across = np.stack([15 * np.cos(turn), 6 * np.sin(turn)], axis=1)
    angle = np.radians(degrees)
    turned = across @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    found = axes(np.vstack([turned, turned[:1]]), (1.0, 1.0))
    assert (found.long, found.short) == pytest.approx((30, 12), rel=1e-4)
    long, short = np.diff(found.ends_xy, axis=0)[::2]
    assert abs(long @ short) == pytest.approx(0, abs=1e-6)


def test_the_short_axis_stays_within_the_shape() -> None:
    """A C of strokes two wide: nothing is measured across its gap."""
    c = ring((0, 0), (20, 0), (20, 2), (2, 2), (2, 8), (20, 8), (20, 10), (0, 10))
    found = axes(c, (1.0, 1.0))
    assert found.long == pytest.approx(np.hypot(20, 10))
    assert found.short < 9


def test_a_single_pixel_has_axes_of_its_size() -> None:
    found = axes(ring((1, 0.5), (1.5, 0), (2, 0.5), (1.5, 1)), (1.0, 1.0))
    assert (found.long, found.short) == pytest.approx((1, 1))


def test_the_same_shape_gives_the_same_axes_wherever_its_line_begins() -> None:
    box = [(0.0, 0.0), (6.0, 0.0), (6.0, 6.0), (0.0, 6.0)]
    first, *others = [axes(ring(*box[start:], *box[:start]), (1.0, 1.0)) for start in range(4)]
    for other in others:
        np.testing.assert_allclose(other.ends_xy[:2], first.ends_xy[:2])
