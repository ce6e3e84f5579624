"""The four numbers of a texture, against matrices that were worked out by hand."""

import numpy as np
import pytest

from orthanc_plugin.imaging import texture


def test_neighbours_are_counted_in_four_directions() -> None:
    """Beside one another 0 and 1, above one another the same, across 1 and 0: three of four pairs are unlike."""
    levels = np.array([[0, 1], [0, 1]], np.uint8)

    matrix = texture.cooccurrence(levels, 2, 1)

    np.testing.assert_allclose(matrix, [[0.125, 0.375], [0.375, 0.125]])


def test_the_distance_is_that_of_the_neighbours() -> None:
    """At 2 all pairs in a row are unlike, none in a column; across, 1.41 pixels are one, a third of those pairs is."""
    levels = np.array([[0, 0, 1, 1]] * 4, np.uint8)

    matrix = texture.cooccurrence(levels, 2, 2)

    unlike = (1 + 0 + 1 / 3 + 1 / 3) / 4
    np.testing.assert_allclose(matrix, np.array([[1 - unlike, unlike], [unlike, 1 - unlike]]) / 2)


@pytest.mark.parametrize(
    ("matrix", "numbers"),
    [
        ([[0.125, 0.375], [0.375, 0.125]], (2.125, 0.25, 3.0, 0.25)),
        ([[2 / 12, 1 / 12, 0], [1 / 12, 4 / 12, 1 / 12], [0, 1 / 12, 2 / 12]], (52 / 12, 0.5, 4.0, 20 / 12)),
        # All pixels of the first level: i = j = 1.
        ([[1.0, 0.0], [0.0, 0.0]], (1.0, 0.0, 2.0, 0.0)),
        # A chessboard: every neighbour is the other one, so that all sums are 5.
        ([[0, 0, 0, 0.5], [0, 0, 0, 0], [0, 0, 0, 0], [0.5, 0, 0, 0]], (4.0, 2.25, 5.0, 0.0)),
    ],
)
def test_the_features_of_a_matrix(matrix: list[list[float]], numbers: tuple[float, ...]) -> None:
    found = texture.features(np.array(matrix))

    assert list(found) == ["autocorrelation", "sum-of-squares", "sum-average", "sum-variance"]
    np.testing.assert_allclose(list(found.values()), numbers)


def test_levels_are_of_one_width() -> None:
    values = np.array([0.0, 0.124, 0.125, 0.5, 0.999, 1.0])

    assert texture.levels(values, 8).tolist() == [0, 0, 1, 4, 7, 7]


def test_the_range_is_that_of_the_square_around() -> None:
    values = np.zeros((5, 5))
    values[2, 2] = 0.75

    found = texture.local_range(values, 3)

    expected = np.zeros((5, 5))
    expected[1:4, 1:4] = 0.75
    np.testing.assert_array_equal(found, expected)


class TestEqualised:
    grey = np.random.default_rng(3).gamma(2.0, 30.0, (64, 64)).astype(np.float32)
    inside = np.ones((64, 64), bool)

    def test_each_value_becomes_its_share_of_the_pixels(self) -> None:
        spread = texture.equalised(self.grey, self.inside)

        assert spread.min() >= 0 and spread.max() == 1
        assert abs(float((spread < 0.5).mean()) - 0.5) < 0.02

    def test_gain_changes_nothing(self) -> None:
        louder = texture.equalised(self.grey * 1.5 + 20, self.inside)

        np.testing.assert_allclose(louder, texture.equalised(self.grey, self.inside), atol=0.02)

    def test_what_is_outside_does_not_count(self) -> None:
        """Else the black around a fan would push all of it into the brighter half."""
        wide = np.zeros((64, 160), np.float32)
        wide[:, :64] = self.grey
        inside = np.zeros(wide.shape, bool)
        inside[:, :64] = True

        spread = texture.equalised(wide, inside)

        np.testing.assert_allclose(spread[:, :64], texture.equalised(self.grey, self.inside), atol=0.02)
        assert not spread[:, 64:].any()

    def test_nothing_inside_is_nothing(self) -> None:
        assert not texture.equalised(self.grey, np.zeros((64, 64), bool)).any()
