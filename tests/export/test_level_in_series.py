"""The shipped level graph in whole abdomens of the test part, in parts of them, and in series without L3."""

import numpy as np
import pytest

from export.abdominal_muscle_ct.report import held_out_seeds
from export.abdominal_muscle_ct.series import PARTS, WITHOUT_L3, Judged, judge, level_of
from export.phantoms import abdomen
from orthanc_plugin.measure.level import locate


@pytest.fixture(scope="module", params=[0, 1, 2])
def whole(request: pytest.FixtureRequest) -> Judged:
    anatomy = abdomen.draw_anatomy(held_out_seeds()[request.param])
    return judge(anatomy, abdomen.whole_heights(anatomy, 8.0))


def test_l3_is_found_between_the_diaphragm_and_the_pelvis(whole: Judged) -> None:
    found_mm, cautioned = whole.located()
    assert abs(found_mm) <= 18  # half a vertebra
    assert not cautioned


@pytest.mark.parametrize("part", [part for part in PARTS if part != "five slices at L3"])  # too few to be sure of
def test_l3_is_found_in_a_part_of_a_series_that_holds_it(whole: Judged, part: str) -> None:
    assert abs(whole.part(*PARTS[part]).located()[0]) <= 18


@pytest.mark.parametrize("part", WITHOUT_L3)
def test_a_series_without_l3_is_said_to_have_none(whole: Judged, part: str) -> None:
    judged = whole.part(*WITHOUT_L3[part])
    level = locate(judged.offsets_mm, judged.sigmas_mm, judged.heights_mm)
    assert level.slice_index is None
    assert level.caution == "L3 is not in the field of view; nothing was measured at its level."


def test_slices_of_the_abdomen_are_familiar_and_noise_is_strange(whole: Judged) -> None:
    assert np.median(whole.strangeness) < 1
    noise = np.random.default_rng(0).normal(0, 300, (2, 256, 256)).astype(np.float32)
    assert level_of(noise)[2].min() > 1
