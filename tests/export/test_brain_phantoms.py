"""Phantoms of MR of the head: what they show, and that scanners' files say so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from export.phantoms.brain import SERIES, TUMOUR
from export.phantoms.brain.case import draw_case, write_study
from tests import judges

STEP_MM = 5.0
SMALL = (6, 40, 36)


def test_the_same_seed_is_the_same_head_and_another_generator_another() -> None:
    one, again, other = (draw_case(5, shifted=shifted) for shifted in (False, False, True))
    first, second = one.in_cubes(STEP_MM)[0], again.in_cubes(STEP_MM)[0]
    assert set(first) == set(SERIES)
    for name in SERIES:
        np.testing.assert_array_equal(first[name], second[name])
    assert other.head.half_zyx != one.head.half_zyx


def test_a_tumour_has_its_parts_and_a_sound_head_none() -> None:
    _, parts = draw_case(3, ill=True).in_cubes(STEP_MM)
    assert set(np.unique(parts)) == set(range(len(TUMOUR) + 1))
    _, none = draw_case(3, ill=False).in_cubes(STEP_MM)
    assert not none.any()


def test_contrast_shows_where_the_tumour_enhances_and_oedema_on_flair() -> None:
    seen, parts = draw_case(3, ill=True).in_cubes(3.0)
    brighter = seen["t1c"] / np.median(seen["t1c"]) - seen["t1"] / np.median(seen["t1"])
    assert brighter[parts == 2].mean() > brighter[parts == 0].mean() + 0.3
    brain = seen["flair"][seen["flair"] > np.percentile(seen["flair"], 60)]
    assert seen["flair"][parts == 3].mean() > brain.mean()


@pytest.mark.parametrize("moved", [False, True])
def test_its_series_lie_in_one_space_unless_the_head_had_moved(moved: bool, tmp_path: Path) -> None:
    drawn = draw_case(3, moved=moved)
    case = replace(drawn, grids={name: replace(grid, shape=SMALL) for name, grid in drawn.grids.items()})
    written = write_study(case, tmp_path, names=("t2", "flair"))
    headers = {name: pydicom.dcmread(files[0], stop_before_pixels=True) for name, files in written.items()}
    assert {header.Modality for header in headers.values()} == {"MR"}
    assert len({header.StudyInstanceUID for header in headers.values()}) == 1
    assert len({header.FrameOfReferenceUID for header in headers.values()}) == (2 if moved else 1)
    for files in written.values():
        assert judges.dciodvfy(files[0]) == []
