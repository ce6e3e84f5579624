"""Phantoms of MR of the head: what they show, and that scanners' files say so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from export import brain_tumour_mr
from export.phantoms.brain import SERIES, TUMOUR
from export.phantoms.brain.case import draw_case
from export.phantoms.brain.dicom import write_case, write_study
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.headers import Headers, values_of
from orthanc_plugin.routing.roles import Candidate, seat
from tests import judges

CARD = Path(brain_tumour_mr.__file__).with_name("card.json")
STEP_MM = 5.0
COARSE_MM = (12.0, 9.0)
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
    written = write_case(case, tmp_path, names=("t2", "flair"))
    headers = {name: pydicom.dcmread(files[0], stop_before_pixels=True) for name, files in written.items()}
    assert {header.Modality for header in headers.values()} == {"MR"}
    assert len({header.StudyInstanceUID for header in headers.values()}) == 1
    assert len({header.FrameOfReferenceUID for header in headers.values()}) == (2 if moved else 1)
    for files in written.values():
        assert judges.dciodvfy(files[0]) == []


def headers_of(paths: list[Path]) -> dict[str, pydicom.Dataset]:
    """One of each series, by its folder's name."""
    return {path.parent.name: pydicom.dcmread(path, stop_before_pixels=True) for path in paths}


def test_one_series_of_a_study_may_lie_apart_and_a_second_writing_is_another_study(tmp_path: Path) -> None:
    together = headers_of(write_study(4, tmp_path / "one", voxel_mm=COARSE_MM))
    apart = headers_of(write_study(4, tmp_path / "two", voxel_mm=COARSE_MM, apart="flair", uid_seed="again"))
    assert set(together) == set(apart) == set(SERIES)
    assert len({header.FrameOfReferenceUID for header in together.values()}) == 1
    frames = {name: header.FrameOfReferenceUID for name, header in apart.items()}
    assert len({frames[name] for name in ("t1", "t1c", "t2")}) == 1
    assert frames["flair"] != frames["t1c"]
    assert together["t1"].StudyInstanceUID != apart["t1"].StudyInstanceUID


def test_each_series_takes_its_own_role_of_the_card(tmp_path: Path) -> None:
    headers = headers_of(write_study(4, tmp_path, voxel_mm=COARSE_MM))
    card = Card.model_validate_json(CARD.read_bytes())
    seated = seat(card, [Candidate(name, Headers(values_of(header), 20)) for name, header in headers.items()])
    assert {role: candidate.series_uid for role, candidate in seated.filled} == {name: name for name in SERIES}
    assert seated.missing == seated.passed_over == ()
