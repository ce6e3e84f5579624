"""Windows cover the grid, weights favour their middle, and blending what was cut gives the whole again."""

import numpy as np
import pytest

from orthanc_plugin.inference.patches import Back, Blend, Windows, gaussian, patch_shape
from orthanc_plugin.routing.network import Stage
from tests.inference.graphs import stage


@pytest.mark.parametrize(
    ("grid", "patch", "overlap", "starts"),
    [
        (10, 4, 0.5, (0, 2, 4, 6)),
        (10, 4, 0.0, (0, 3, 6)),
        (4, 4, 0.5, (0,)),
        (3, 4, 0.5, (0,)),
        (5, 4, 0.5, (0, 1)),
        (9, 2, 0.9, (0, 1, 2, 3, 4, 5, 6, 7)),
    ],
)
def test_windows_cover_the_grid_evenly(grid: int, patch: int, overlap: float, starts: tuple[int, ...]) -> None:
    windows = Windows((grid, 4, 4), (patch, 4, 4), overlap)
    assert windows.starts(0) == starts
    covered = {start + place for start in starts for place in range(patch)}
    assert covered == set(range(max(grid, patch)))


def test_the_middle_of_a_patch_counts_most_and_its_corners_still_count() -> None:
    weights = gaussian((8, 16, 16))
    assert weights[3:5, 7:9, 7:9].min() == weights.max()
    assert 0 < weights.min() == weights[0, 0, 0] < weights.max() / 100
    np.testing.assert_allclose(weights, weights[::-1, ::-1, ::-1])


@pytest.mark.parametrize("grid", [(11, 9, 14), (3, 20, 6)])
def test_blending_cut_patches_gives_the_whole_again(grid: tuple[int, int, int]) -> None:
    whole = np.random.default_rng(1).normal(size=(2, *grid)).astype(np.float32)
    windows = Windows(grid, (4, 8, 8), 0.5)
    (above, top, left), (depth, rows, columns) = windows.corner, windows.patch
    padded = np.zeros((2, *windows.padded), np.float32)
    padded[:, above : above + grid[0], top : top + grid[1], left : left + grid[2]] = whole
    blend, found = Blend(2, windows), []
    starts = windows.starts(0)
    for start, following in zip(starts, (*starts[1:], windows.padded[0]), strict=True):
        for y in windows.starts(1):
            for x in windows.starts(2):
                blend.add(padded[:, start : start + depth, y : y + rows, x : x + columns], y, x)
        found += blend.finish(following)
    assert [index for index, _ in found] == list(range(grid[0]))
    np.testing.assert_allclose(np.stack([maps for _, maps in found], axis=1), whole, atol=1e-5)


@pytest.mark.parametrize(
    ("grid", "without", "multiples"),
    [
        ((9, 66, 81), (8, 96, 96), (8, 66, 82)),
        ((3, 200, 64), (8, 96, 96), (3, 96, 64)),
        ((8, 96, 96), (8, 96, 96), (8, 96, 96)),
    ],
)
def test_a_patch_is_no_larger_than_a_grid_needs_where_the_network_takes_smaller_ones(
    grid: tuple[int, int, int], without: tuple[int, int, int], multiples: tuple[int, int, int]
) -> None:
    fixed = Stage.model_validate(stage(kind="volume", depth=8, rows=96, columns=96))
    assert patch_shape(fixed, grid) == without
    assert patch_shape(fixed.model_copy(update={"multiples": (1, 2, 2)}), grid) == multiples


class Taken:
    name, channels = "maps", 1

    def __init__(self) -> None:
        self.slices: list[tuple[int, float]] = []

    def take(self, start: int, maps_ncyx: np.ndarray) -> None:  # type: ignore[type-arg]
        self.slices.append((start, round(float(maps_ncyx[0, 0, 0, 0]), 4)))


@pytest.mark.parametrize("count", [3, 5, 8, 20])
def test_slices_come_back_at_their_places_between_those_of_the_grid(count: int) -> None:
    """A ramp along five slices of the grid, from 0.5 on, is the same ramp on any number of slices of the series."""
    taken = Taken()
    back = Back((5, 2, 2), (count, 2, 2), taken)
    for index in range(5):
        back.take(index, np.full((1, 2, 2), index + 0.5, np.float32))
    wanted = np.clip((np.arange(count) + 0.5) * 5 / count, 0.5, 4.5)
    assert [index for index, _ in taken.slices] == list(range(count))
    np.testing.assert_allclose([value for _, value in taken.slices], wanted, atol=1e-3)
