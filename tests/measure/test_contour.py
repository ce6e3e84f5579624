from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.measure import approximate_polygon

from orthanc_plugin.measure.contour import POINTS_MOST, edges, largest_part, outline, simplified


def enclosed_area(contour_xy: np.ndarray) -> float:
    x, y = contour_xy.T
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2


def test_a_single_pixel_is_outlined_around_its_centre() -> None:
    mask = np.zeros((6, 8), bool)
    mask[2, 3] = True

    contour = outline(mask)

    assert contour.mean(axis=0)[0] == pytest.approx(3.5, abs=0.2)
    assert sorted(map(tuple, contour[:-1])) == [(3.0, 2.5), (3.5, 2.0), (3.5, 3.0), (4.0, 2.5)]


def test_a_mask_that_fills_the_image_is_outlined_on_the_edge_of_the_image() -> None:
    contour = outline(np.ones((6, 8), bool))

    assert contour.min(axis=0).tolist() == [0, 0]
    assert contour.max(axis=0).tolist() == [8, 6]


def test_the_line_is_closed_and_goes_around_what_lies_outside_holes() -> None:
    mask = np.zeros((40, 50), bool)
    mask[5:35, 10:40] = True
    mask[15:25, 20:30] = False

    contour = outline(mask)

    assert contour[0].tolist() == contour[-1].tolist()
    assert enclosed_area(contour) == pytest.approx(30 * 30, rel=0.01)


def test_of_several_parts_the_one_with_most_pixels_is_outlined() -> None:
    mask = np.zeros((30, 30), bool)
    mask[2:5, 2:5] = True
    mask[10:20, 12:22] = True

    assert largest_part(mask).sum() == 100
    assert outline(mask).min(axis=0).tolist() == [12, 10]


def test_parts_that_touch_at_a_corner_are_one() -> None:
    mask = np.zeros((10, 10), bool)
    mask[1:4, 1:4] = mask[4:7, 4:7] = True

    contour = outline(mask)

    assert (contour.min(axis=0).tolist(), contour.max(axis=0).tolist()) == ([1, 1], [7, 7])


def test_a_ragged_outline_is_thinned_and_stays_close() -> None:
    y, x = np.mgrid[:512, :512]
    angle = np.arctan2(y - 256, x - 256)
    mask = np.hypot(y - 256, x - 256) < 200 + 15 * np.sin(60 * angle)

    contour = outline(mask)

    assert 100 < len(contour) <= POINTS_MOST
    assert enclosed_area(contour) == pytest.approx(float(mask.sum()), rel=0.01)


@pytest.mark.parametrize("tolerance_px", [0.35, 1.4, 6.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_simplified_line_keeps_within_the_tolerance_with_about_as_few_points_as_another_ones(
    seed: int, tolerance_px: float
) -> None:
    """Of points that are as far off as one another, either may be kept."""
    blobs = gaussian_filter(np.random.default_rng(seed).standard_normal((160, 120)), 5) > 0.01

    lines = edges(blobs)
    simple = [simplified(line, tolerance_px) for line in lines]

    for line, fewer in zip(lines, simple, strict=True):
        assert farthest_px(line, fewer) <= tolerance_px + 1e-9
        assert (fewer[0] == line[0]).all() and (fewer[-1] == line[-1]).all()
    theirs = sum(len(approximate_polygon(line, tolerance_px)) for line in lines)
    assert sum(map(len, simple)) == pytest.approx(theirs, rel=0.05)


def farthest_px(points: np.ndarray, line: np.ndarray) -> float:
    """How far off the line the farthest of the points is."""
    off = []
    for start, end in pairwise(line):
        length2 = max(float((end - start) @ (end - start)), 1e-9)
        share = np.clip((points - start) @ (end - start) / length2, 0, 1)
        off.append(np.linalg.norm(points - start - share[:, None] * (end - start), axis=1))
    return float(np.min(off, axis=0).max())
