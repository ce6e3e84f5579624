"""Phantoms of FDG PET of old heads: what each group loses and where, what gives nobody away, what scanners write."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from export.evaluation.statistics import auc_alone
from export.phantoms.metabolism import GROUPS, Group
from export.phantoms.metabolism.case import USUAL_AGES, Case, Seen, coarser, draw_case, draw_person, simple_numbers
from export.phantoms.metabolism.dicom import write_study
from export.phantoms.metabolism.lowering import HUBS, Metabolism
from export.phantoms.metabolism.scan import Reconstruction, draw_injection, measured
from export.phantoms.metabolism.uptake import AMYLOID
from tests import judges

Floats = NDArray[np.float64]
STEP_MM = 6.0
DRAWN = 300


@cache
def patient(seed: int, group: Group | None = None) -> Case:
    return coarser(draw_case(seed, group=group), STEP_MM)


@cache
def seen(seed: int, group: Group | None = None) -> Seen:
    return patient(seed, group).series()


@cache
def people(group: Group) -> tuple[Metabolism, ...]:
    return tuple(draw_person(seed, group=group)[1] for seed in range(DRAWN))


@cache
def points() -> tuple[Floats, Floats]:
    """Of the usual brain (3, …): where the disease begins, and anywhere in the cortex."""
    hubs = [(side * hub.middle[0], *hub.middle[1:]) for hub in HUBS.values() for side in (1, -1)]
    rng = np.random.default_rng(4)
    around = np.concatenate([np.array(hub) + rng.normal(0, 6, (10, 3)) for hub in hubs])
    anywhere = rng.normal(0, 1, (150, 3))
    shell = anywhere / np.linalg.norm(anywhere, axis=1, keepdims=True) * (54, 70, 50)
    return around.T, shell.T


@cache
def left_in(group: Group) -> tuple[Floats, Floats]:
    """Of its people the mean share that is left where the disease begins, and anywhere."""
    hubs, anywhere = ([float(kept(each, at).mean()) for each in people(group)] for at in points())
    return np.array(hubs), np.array(anywhere)


def kept(metabolism: Metabolism, at: Floats) -> Floats:
    """What share of its uptake is left at points, by the disease and by all else."""
    left = np.exp(np.array(metabolism.slope) / (66, 84, 62) @ at)
    for place in (*metabolism.others, *metabolism.impairment):
        away = ((at - np.array(place.middle)[:, None]) ** 2).sum(axis=0)
        left = left * (1 - place.lost * np.exp(-away / place.radius_mm**2))
    return left


def in_front(metabolism: Metabolism) -> float:
    return sum(place.lost for place in metabolism.disease if place.middle[1] < -30)


def test_the_same_seed_is_the_same_head_and_another_generator_another() -> None:
    np.testing.assert_array_equal(seen(5).values, coarser(draw_case(5), STEP_MM).series().values)
    other = draw_case(5, shifted=True)
    assert other.head.size != patient(5).head.size and other.scanner.grid != draw_case(5).scanner.grid


def test_all_groups_are_there_and_all_are_old() -> None:
    drawn = [draw_person(seed) for seed in range(120)]
    counts = [sum(metabolism.group == group for _, metabolism in drawn) for group in GROUPS]
    assert min(counts) >= 12 and counts[1] + counts[2] >= 56
    youngest, oldest = USUAL_AGES
    assert all(youngest <= ageing.age_years <= oldest for ageing, _ in drawn)
    assert not any(youngest <= draw_person(seed, shifted=True)[0].age_years <= oldest for seed in range(20))


def test_grey_matter_takes_up_four_times_as_much_as_white_and_fluid_nothing() -> None:
    for seed in (3, 4):
        case, made = patient(seed), seen(seed)
        assert 3 < case.uptake["grey"] / case.uptake["white"] < 5
        assert case.uptake["csf"] < 0.05 * case.uptake["grey"]
        assert made.values[~made.brain].mean() < 0.25 * made.values[made.brain].mean()


def test_the_disease_lowers_its_places_and_reaches_the_frontal_lobes_late() -> None:
    left = {group: left_in(group)[0].mean() for group in GROUPS}
    assert left["normal"] > left["stable"] > left["converting"] > left["alzheimer"]
    assert not any(each.disease for group in ("normal", "stable") for each in people(group))
    late, early = (np.mean([in_front(each) for each in people(group)]) for group in ("alzheimer", "converting"))
    assert late > 1.5 * early


def test_a_conversion_is_often_one_sided_and_spares_some_places() -> None:
    both = [
        [sum(p.lost for p in each.disease if p.middle[0] * side > 0) for side in (1, -1)]
        for each in people("converting")
    ]
    weaker, stronger = np.sort(np.array(both), axis=1).T
    assert 0.3 < np.mean(weaker < 0.7 * stronger) < 0.9
    places = [len(each.disease) for each in people("converting")]
    assert min(places) < 6 < max(places)


def test_who_stays_as_he_is_loses_as_much_elsewhere() -> None:
    def whole(metabolism: Metabolism) -> float:
        return sum(place.lost * place.radius_mm**3 for place in metabolism.impairment)

    stable, converting = ([whole(each) for each in people(group)] for group in ("stable", "converting"))
    assert auc_alone(converting, stable) < 0.7
    assert np.mean([whole(each) == 0 for each in people("stable")]) == pytest.approx(0.2, abs=0.07)


@pytest.mark.parametrize("groups", [("stable", "converting"), ("normal", "alzheimer")])
def test_no_mean_of_the_disease_s_places_tells_the_groups_apart(groups: tuple[Group, Group]) -> None:
    """Neither as it is nor in parts of the brain's mean: people differ by more than the disease takes away."""
    (healthy, of_healthy), (ill, of_ill) = (left_in(group) for group in groups)
    assert auc_alone(ill, healthy) <= 0.65
    assert auc_alone(ill / of_ill, healthy / of_healthy) <= 0.65


def test_the_disease_acts_at_its_places_and_nowhere_in_others() -> None:
    assert not seen(3, "normal").acted_on.any() and not seen(3, "stable").acted_on.any()
    ill, healthy = seen(3, "alzheimer"), seen(3, "normal")
    assert 0.03 < ill.acted_on[ill.brain].mean() < 0.5
    ratio = ill.values / np.maximum(healthy.values, 1)
    assert ratio[ill.acted_on].mean() < 0.97 * ratio[ill.brain & ~ill.acted_on].mean()


def test_what_is_simple_to_measure_is_that_of_the_values() -> None:
    case, made = patient(4), seen(4)
    numbers, doubled = simple_numbers(case, made.values), simple_numbers(case, 2 * made.values)
    for name, value in numbers.items():
        scaled = name.endswith(("stored", "SUV"))
        assert doubled[name] == pytest.approx((2 if scaled else 1) * value, rel=1e-4)
    assert 2 < numbers["mean of the disease's places, SUV"] < 12


def test_the_scale_differs_by_more_than_the_disease_does() -> None:
    rng = np.random.default_rng(1)
    for shifted in (False, True):
        assert np.log([draw_injection(rng, shifted=shifted).bqml for _ in range(100)]).std() > 0.2


@pytest.mark.parametrize("reconstruction", ["OSEM", "FBP"])
def test_noise_hangs_together_and_only_filtered_images_are_negative(reconstruction: Reconstruction) -> None:
    scanner = replace(patient(4).scanner, reconstruction=reconstruction, grain_mm=15.0, noise=0.1)
    quiet = replace(scanner, noise=0.0)
    uptake = np.zeros(scanner.grid.shape, np.float32)
    uptake[8:-8, 8:-8, 8:-8] = 100
    made, without = (measured(uptake, each, each.grid, np.random.default_rng(6)) for each in (scanner, quiet))
    grain = (made - without)[10:-10, 10:-10, 10:-10]
    assert np.corrcoef(grain[:, :, 1:].ravel(), grain[:, :, :-1].ravel())[0, 1] > 0.4
    assert (made.min() < 0) == (reconstruction == "FBP")


def test_another_tracer_is_the_same_head_seen_otherwise() -> None:
    case = patient(4)
    other = case.seen(case.scanner.grid, AMYLOID)
    np.testing.assert_array_equal(other.brain, seen(4).brain)
    assert np.corrcoef(seen(4).values.ravel(), other.values.ravel())[0, 1] < 0.98


def test_places_of_the_scanner_go_to_those_of_the_usual_brain() -> None:
    case = patient(4)
    grid = replace(case.scanner.grid, shape=(3, 3, 3), step_mm=(20.0, 20.0, 20.0))
    canvas = replace(case.head, warp_mm=0.0).canvas(grid.places(), 1.0)
    mm = np.stack(np.meshgrid(*([-20.0, 0.0, 20.0],) * 3, indexing="ij")).reshape(3, -1)[::-1]
    usual = case.to_usual[:, :3] @ mm + case.to_usual[:, 3:]
    np.testing.assert_allclose(np.stack([canvas.x, canvas.y, canvas.z]), usual, atol=1e-3)


@pytest.mark.parametrize("seed", [3, 4])
def test_its_series_is_what_a_scanner_writes(seed: int, tmp_path: Path) -> None:
    files = write_study(seed, tmp_path, voxel_mm=STEP_MM)
    headers = [pydicom.dcmread(file) for file in files]
    first = headers[0]
    assert (first.SOPClassUID, first.Modality) == ("1.2.840.10008.5.1.4.1.1.128", "PT")
    assert (first.Units, first.DecayCorrection, list(first.SeriesType)) == ("BQML", "START", ["STATIC", "IMAGE"])
    assert "ATTN" in first.CorrectedImage and first.NumberOfSlices == len(files)
    assert len({header.RescaleSlope for header in headers}) > 1
    [injected] = first.RadiopharmaceuticalInformationSequence
    assert injected.RadiopharmaceuticalCodeSequence[0].CodeValue == "35321007"
    values = np.stack([header.pixel_array * float(header.RescaleSlope) for header in headers])
    rising = float(headers[-1].ImagePositionPatient[2]) > float(first.ImagePositionPatient[2])
    ordered = values if rising else values[::-1]
    np.testing.assert_allclose(ordered, seen(seed).values, atol=float(values.max()) * 1e-3)
    assert [judges.dciodvfy(file) for file in files[:1] + files[-1:]] == [[], []]


def test_another_uid_seed_is_another_study_of_the_same_voxels(tmp_path: Path) -> None:
    one, other = (
        pydicom.dcmread(write_study(4, tmp_path / name, voxel_mm=10.0, uid_seed=name)[3]) for name in ("one", "other")
    )
    assert one.StudyInstanceUID != other.StudyInstanceUID
    assert one.PixelData == other.PixelData
