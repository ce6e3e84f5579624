"""Each way of scaling, against numbers by hand; a flat image never becomes something that is no number."""

import numpy as np
import pytest

from orthanc_plugin.inference.intensity import UNTOUCHED, scaling
from orthanc_plugin.routing.network import Intensity, Percentile, Scale, Untouched, Window, ZScore

VALUES = np.array([-100.0, 0.0, 10.0, 20.0, 30.0, 400.0], np.float32)


@pytest.mark.parametrize(
    ("intensity", "expected"),
    [
        (Untouched(kind="untouched"), VALUES.tolist()),
        (Window(kind="window", lowest=0, highest=40), [0, 0, 0.25, 0.5, 0.75, 1]),
        (Percentile(kind="percentile", lowest=20, highest=80), [0, 0, 1 / 3, 2 / 3, 1, 1]),
        (Scale(kind="scale", factor=2, shift=1), [-199, 1, 21, 41, 61, 801]),
        (Scale(kind="scale", factor=0.1, shift=-1, lowest=0, highest=20), [-1, -1, 0, 1, 1, 1]),
        (Scale(kind="scale", factor=0, shift=0), [0] * 6),
    ],
    ids=["untouched", "window", "percentile", "scale", "scale within", "nothing"],
)
def test_values_are_scaled_as_the_card_says(intensity: Intensity, expected: list[float]) -> None:
    np.testing.assert_allclose(scaling(intensity, VALUES)(VALUES), expected, atol=1e-5)


def test_z_scores_have_mean_0_and_deviation_1() -> None:
    scored = scaling(ZScore(kind="z-score"), VALUES)(VALUES)
    assert (scored.mean(), scored.std()) == pytest.approx((0, 1), abs=1e-6)


def test_z_scores_of_what_is_above_leave_the_background_out() -> None:
    scored = scaling(ZScore(kind="z-score", above=0), VALUES)(VALUES)
    assert (scored[2:].mean(), scored[2:].std()) == pytest.approx((0, 1), abs=1e-6)


@pytest.mark.parametrize(
    "intensity",
    [ZScore(kind="z-score"), ZScore(kind="z-score", above=9), Percentile(kind="percentile", lowest=1, highest=99)],
)
def test_a_flat_image_becomes_0(intensity: Intensity) -> None:
    flat = np.full((4, 4), 7.0, np.float32)
    assert (scaling(intensity, flat)(flat) == 0).all()


def test_untouched_values_are_not_copied() -> None:
    assert UNTOUCHED(VALUES) is VALUES


def test_what_is_scaled_leaves_the_image_as_it_is() -> None:
    before = VALUES.copy()
    scaling(Window(kind="window", lowest=0, highest=1), VALUES)(VALUES)
    assert (before == VALUES).all()
