"""Phantoms of CT angiography of the head: what they show and hide, and that scanners' files say so."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest

from export.phantoms.brain.anatomy import Lesion
from export.phantoms.brain.scan import Grid
from export.phantoms.stroke import SIDES, TERRITORIES
from export.phantoms.stroke.case import Case, Seen, draw_case, phantom, write_study
from export.phantoms.stroke.head import CHALK, CSF, GREY, OLD, PARENCHYMA, WHITE
from export.phantoms.stroke.scan import perfused
from tests import judges

STEP_MM = 5.0
PATIENTS = 44
BRAIN_HU = (10, 80)


@cache
def patient(seed: int) -> Case:
    return draw_case(seed)


@cache
def ill(seed: int) -> Case:
    return draw_case(seed, ill=True)


@cache
def seen(seed: int) -> Seen:
    return ill(seed).in_cubes(STEP_MM)


def grid(case: Case, step_mm: float) -> Grid:
    shape = (round(160 / step_mm), round(216 / step_mm), round(184 / step_mm))
    return case.acquisition.grid(shape, (step_mm,) * 3, step_mm)


def test_the_same_seed_is_the_same_head_and_another_generator_another() -> None:
    again, other = draw_case(5, ill=True), draw_case(5, ill=True, shifted=True)
    np.testing.assert_array_equal(seen(5).hu_zyx, again.in_cubes(STEP_MM).hu_zyx)
    np.testing.assert_array_equal(seen(5).infarct_zyx, again.in_cubes(STEP_MM).infarct_zyx)
    assert other.head.half_zyx != again.head.half_zyx
    assert (again.acquisition.scan.kernel, other.acquisition.scan.kernel) == ("soft", "sharp")


def test_about_half_of_the_patients_have_an_infarct() -> None:
    there = [patient(seed).infarct is not None for seed in range(PATIENTS)]
    assert 0.35 < np.mean(there) < 0.65


@pytest.mark.parametrize("seed", range(8))
def test_an_infarct_lies_in_its_territory_and_on_its_side(seed: int) -> None:
    case, mask = ill(seed), seen(seed).infarct_zyx
    assert case.side in SIDES and case.territory in TERRITORIES
    where = case.head.warped(grid(case, STEP_MM).places())
    top, left = ((whole - own) // 2 for whole, own in zip(mask.shape[1:], where.shape[2:], strict=True))
    inner = mask[:, top : top + where.shape[2], left : left + where.shape[3]]
    assert inner.sum() == mask.sum() > 0
    assert set(np.unique(case.head.territory(where)[inner])) == {TERRITORIES.index(case.territory) + 1}
    assert (np.sign(where[2][inner]) == (1 if case.side == "left" else -1)).all()


def test_infarcts_measure_5_to_150_ml() -> None:
    volumes = [seen(seed).infarct_zyx.sum() * STEP_MM**3 / 1000 for seed in range(14)]
    assert min(volumes) > 3 and max(volumes) < 165
    assert min(volumes) < 15 and max(volumes) > 50


def test_an_infarct_is_a_little_darker_than_the_same_tissue_without_it_and_its_vessels_are_emptier() -> None:
    for seed in (1, 3, 6):
        with_it = ill(seed)
        without = replace(with_it, infarct=None)
        one, other = seen(seed), without.in_cubes(STEP_MM)
        at = one.infarct_zyx
        difference = other.hu_zyx[at].astype(float) - one.hu_zyx[at]
        assert 2 < np.median(difference) < 15
        filled, usual = (sum(float((hu * (not v.vein)).sum()) for v, hu in c._filled()) for c in (with_it, without))
        assert filled < usual


def test_tissue_whose_arteries_are_empty_lacks_their_contrast_too_grey_matter_most() -> None:
    case = ill(1)
    assert case.infarct is not None
    water = replace(case.infarct, darker_hu=4.0, left_filled=1.0)
    depth, even = np.full((2, 1), 30, np.float32), np.zeros((2, 1), np.float32)
    tissues = np.array([[GREY], [WHITE]], np.uint8)
    contrast_hu = perfused(tissues, case.acquisition.contrast)
    np.testing.assert_allclose(water.lost_hu(depth, tissues, contrast_hu, even), 4)
    [grey], [white] = replace(water, left_filled=0.25).lost_hu(depth, tissues, contrast_hu, even) - 4
    np.testing.assert_allclose([grey, white], 0.75 * contrast_hu.ravel())
    assert grey > white > 0


def test_old_infarcts_and_pale_white_matter_are_not_in_the_truth() -> None:
    case = draw_case(2, ill=False)
    scarred = replace(case.head, old=(Lesion((10.0, 0.0, 44.0), 14.0, 2.0),), pale_mm=(14.0, 14.0))
    old = replace(case, head=scarred).in_cubes(STEP_MM)
    assert not old.infarct_zyx.any()
    assert (old.hu_zyx.astype(float) < case.in_cubes(STEP_MM).hu_zyx - 8).sum() > 20

    places = scarred.warped(grid(case, STEP_MM).places())
    tissues = scarred.tissue(places, np.zeros(places.shape[1:], np.float32), 0.0)
    assert (tissues == OLD).any() and OLD not in PARENCHYMA
    assert scarred.pale(places, tissues).max() > 0.5


def test_there_are_ventricles_of_two_sizes_vessels_and_what_is_calcified() -> None:
    cases = [patient(seed) for seed in range(20)]
    assert max(abs(left / right - 1) for left, right in (case.head.ventricles for case in cases)) > 0.15
    assert any(case.late[1] < 1 for case in cases), "one side fills later without an infarct"
    assert any(case.head.chalk for case in cases) and CHALK != CSF
    arteries = [vessel for vessel in cases[0].vessels if not vessel.vein]
    assert {vessel.territory for vessel in arteries} == set(range(len(TERRITORIES) + 1))
    assert {vessel.side for vessel in arteries} == {-1, 0, 1}


def test_the_mean_grey_of_the_brain_does_not_tell_who_is_ill() -> None:
    means: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(PATIENTS):
        case = patient(seed)
        hu = case.in_cubes(2 * STEP_MM).hu_zyx
        means[case.infarct is not None].append(float(hu[(hu > BRAIN_HU[0]) & (hu < BRAIN_HU[1])].mean()))
    away = np.subtract.outer(means[True], means[False])
    auc = float((away > 0).mean())
    assert max(auc, 1 - auc) <= 0.65


def test_its_series_is_what_a_scanner_writes_and_has_the_same_hu(tmp_path: Path) -> None:
    files = write_study(7, tmp_path, ill=True, rows=64)
    headers = [pydicom.dcmread(file) for file in files]
    first = headers[0]
    assert (first.SOPClassUID.name, first.BodyPartExamined, first.Modality) == ("CT Image Storage", "HEAD", "CT")
    assert first.ContrastBolusAgent and first.SeriesDescription.startswith("CTA head")
    assert (first.ConvolutionKernel, list(first.ImageOrientationPatient)) == ("SOFT", [1, 0, 0, 0, 1, 0])
    assert len({header.FrameOfReferenceUID for header in headers}) == 1
    made, truth = phantom(ill(7), rows=64)
    read = np.stack([h.pixel_array * h.RescaleSlope + h.RescaleIntercept for h in headers])[::-1]  # from the head down
    np.testing.assert_array_equal(read, truth.hu_zyx)
    np.testing.assert_array_equal(made.labels_zyx > 0, truth.infarct_zyx)
    heights = [float(header.ImagePositionPatient[2]) for header in headers]
    np.testing.assert_allclose(-np.diff(heights), first.SliceThickness, atol=1e-3)
    assert judges.dciodvfy(files[0]) == []


def test_another_uid_seed_is_another_study_of_the_same_voxels(tmp_path: Path) -> None:
    one, other = (
        pydicom.dcmread(write_study(4, tmp_path / name, rows=32, uid_seed=name)[0]) for name in ("one", "other")
    )
    assert one.StudyInstanceUID != other.StudyInstanceUID
    assert one.PixelData == other.PixelData


def test_noise_in_cubes_is_about_that_of_the_series_brought_to_cubes() -> None:
    """A network that learns on cubes meets the node's."""
    case = draw_case(2, ill=False)
    quiet = replace(case.acquisition.scan, noise_hu=0.0)
    still = replace(case, acquisition=replace(case.acquisition, scan=quiet))
    cubes = case.in_cubes(2.0).hu_zyx.astype(float) - still.in_cubes(2.0).hu_zyx
    inside = np.s_[40:60, 45:70, 45:70]
    rows = 128
    pixel_mm = case.acquisition.scan.field_of_view_mm / rows
    series = case.series(rows).hu_zyx.astype(np.float32) - still.series(rows).hu_zyx
    thickness = case.acquisition.scan.slice_thickness_mm
    slices = series[: len(series) // 2 * 2].reshape(-1, 2, rows, rows).mean(axis=1) if thickness <= 1.25 else series
    middle = slices[len(slices) // 3 : 2 * len(slices) // 3, 45:85, 45:85]
    assert pixel_mm < 2.1
    assert 0.6 < cubes[inside].std() / middle.std() < 1.6
