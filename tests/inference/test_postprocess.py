"""The steps that turn maps into masks, one by one and in their order."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from orthanc_plugin.inference.postprocess import channels, decided, refined
from orthanc_plugin.routing.outputs import Segments
from tests.inference.graphs import segment

VOXELS = np.zeros((3, 8, 8), np.float32)


def segments(
    *steps: dict[str, Any], background: bool = False, thresholds: tuple[float | None, ...] = (None, None)
) -> Segments:
    items = [segment(name, threshold=value) for name, value in zip("AB", thresholds, strict=True)]
    source = {"stage": "only", "output": "maps"}
    return Segments.model_validate({"from": source, "steps": steps, "items": items, "background": background})


def maps(*values: list[float]) -> np.ndarray:  # type: ignore[type-arg]
    """One slice of one row: for each channel its values along the columns."""
    return np.array(values, np.float32)[None, :, None, :]


CUBES = (1.0, 1.0, 1.0)


def after(
    step: dict[str, Any],
    mask: np.ndarray,  # type: ignore[type-arg]
    values: np.ndarray = VOXELS,  # type: ignore[type-arg]
    spacing_mm: tuple[float, float, float] | None = CUBES,
) -> np.ndarray:  # type: ignore[type-arg]
    both = np.stack([mask, mask])
    found = refined(segments({"step": "threshold"}, {"segment": "A"} | step), both, values, spacing_mm)
    assert (found[1] == mask).all()
    return found[0]


def test_the_likeliest_wins_and_must_pass_its_threshold_where_it_has_one() -> None:
    of_two = maps([0.9, 0.4, 0.1, 0.3], [0.1, 0.3, 0.8, 0.3])
    assert decided(segments({"step": "likeliest"}), of_two)[:, 0, 0].tolist() == [
        [True, True, False, True],
        [False, False, True, False],
    ]
    strict = segments({"step": "likeliest"}, thresholds=(0.5, 0.85))
    assert decided(strict, of_two)[:, 0, 0].tolist() == [[True, False, False, False], [False] * 4]


def test_the_background_is_channel_0_where_there_is_one() -> None:
    with_background = segments({"step": "likeliest"}, background=True)
    assert channels(with_background) == 3
    found = decided(with_background, maps([5, 0, 0], [0, 5, 0], [0, 0, 5]))
    assert found[:, 0, 0].tolist() == [[False, True, False], [False, False, True]]


def test_activations_come_before_thresholds() -> None:
    logits = maps([2.0, -2.0], [0.1, -0.1])
    assert decided(segments({"step": "sigmoid"}, {"step": "threshold"}), logits)[:, 0, 0].tolist() == [
        [True, False],
        [True, False],
    ]
    soft = segments({"step": "softmax"}, {"step": "threshold"}, thresholds=(0.8, 0.8))
    assert decided(soft, logits)[:, 0, 0].tolist() == [[True, False], [False, True]]


def test_values_outside_the_range_leave_the_segment() -> None:
    values = np.array([[[-200.0, -190.0, -30.0, -29.0]]], np.float32)
    mask = np.ones((1, 1, 4), bool)
    assert after({"step": "hounsfield", "range": {"least": -190, "most": -30}}, mask, values).tolist() == [
        [[False, True, True, False]]
    ]


def test_the_largest_part_stays_corners_counting_as_touch() -> None:
    mask = np.zeros((3, 8, 8), bool)
    mask[0, 0:2, 0:2] = mask[1, 2, 2] = True  # five voxels, the last one touching at a corner
    mask[2, 5:7, 5:7] = True
    kept = after({"step": "largest-component"}, mask)
    assert kept.sum() == 5 and not kept[2].any()
    assert not after({"step": "largest-component"}, np.zeros((3, 8, 8), bool)).any()


def test_small_parts_leave_by_their_volume() -> None:
    mask = np.zeros((3, 8, 8), bool)
    mask[0, 0, 0:3] = mask[2, 5:7, 5:7] = True
    assert after({"step": "remove-small", "least_mm3": 8}, mask, spacing_mm=(2.0, 1.0, 1.0)).sum() == 4
    assert after({"step": "remove-small", "least_mm3": 6}, mask, spacing_mm=(2.0, 1.0, 1.0)).sum() == 7


def test_holes_are_filled_slice_by_slice() -> None:
    mask = np.zeros((3, 8, 8), bool)
    mask[1, 1:6, 1:6] = True
    mask[1, 3, 3] = False
    assert after({"step": "fill"}, mask).sum() == 25


def test_small_parts_of_slices_leave_however_they_go_on_in_the_next_slice() -> None:
    mask = np.zeros((3, 8, 8), bool)
    mask[:, 1, 1] = True
    mask[1, 4:6, 4:6] = True
    kept = after({"step": "remove-small", "least_mm2": 1.0}, mask, spacing_mm=(9.0, 0.5, 0.5))
    assert np.argwhere(kept).tolist() == [[1, 4, 4], [1, 4, 5], [1, 5, 4], [1, 5, 5]]
    assert (after({"step": "remove-small", "least_mm2": 1.0}, mask, spacing_mm=None) == mask).all()


def test_parts_of_several_segments_that_touch_become_the_larger_one_s_slice_by_slice() -> None:
    masks = np.zeros((2, 3, 8, 8), bool)
    masks[0, 0, 1, 1:5] = masks[1, 0, 1, 5:7] = True
    masks[0, 1, 1, 1] = masks[1, 1, 2, 2:5] = True  # touching at a corner
    masks[1, 2, 6, 6] = masks[0, 2, 1, 1] = True
    first, second = refined(segments({"step": "likeliest"}, {"step": "unite"}), masks, VOXELS, CUBES)
    assert np.argwhere(first).tolist() == [*([0, 1, x] for x in range(1, 7)), [2, 1, 1]]
    assert np.argwhere(second).tolist() == [[1, 1, 1], [1, 2, 2], [1, 2, 3], [1, 2, 4], [2, 6, 6]]


def test_steps_run_in_their_order() -> None:
    mask = np.zeros((2, 3, 8, 8), bool)
    mask[0, 1, 1:6, 1:6] = True
    mask[0, 1, 3, 3] = False
    values = np.zeros((3, 8, 8), np.float32)
    values[1, 3, 3] = 500
    cut = {"step": "hounsfield", "segment": "A", "range": {"most": 100}}
    fill = {"step": "fill", "segment": "A"}
    assert refined(segments({"step": "threshold"}, fill, cut), mask, values, CUBES).sum() == 24
    assert refined(segments({"step": "threshold"}, cut, fill), mask, values, CUBES).sum() == 25


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ([], "the steps hold one of likeliest and threshold, once"),
        ([{"step": "likeliest"}, {"step": "threshold"}], "the steps hold one of likeliest and threshold, once"),
        (
            [{"step": "likeliest"}, {"step": "softmax"}],
            "softmax and sigmoid come before likeliest, all other steps after it",
        ),
        (
            [{"step": "fill", "segment": "A"}, {"step": "threshold"}],
            "softmax and sigmoid come before threshold, all other steps after it",
        ),
    ],
)
def test_steps_that_make_no_sense_are_refused_with_the_card(steps: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        segments(*steps)
    assert sentence in str(refusal.value)
