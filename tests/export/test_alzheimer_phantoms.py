"""Phantoms of old heads: what age and disease do to them, what gives nobody away, and that scanners' files say so."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest

from export.alzheimer_mr.grey import shown
from export.phantoms.ageing import masses
from export.phantoms.ageing.ageing import AGES, Ageing, draw_ageing
from export.phantoms.ageing.case import Case, Seen, coarser, draw_case
from export.phantoms.ageing.dicom import write_study
from export.phantoms.ageing.scan import T1, T2
from tests import judges

STEP_MM = 6.0
PATIENTS = 24
DRAWN = 400


@cache
def patient(seed: int) -> Case:
    return draw_case(seed)


def in_cubes(case: Case, step_mm: float) -> Seen:
    return coarser(case, step_mm).series()


@cache
def seen(seed: int, ill: bool | None = None) -> Seen:
    return in_cubes(draw_case(seed, ill=ill), STEP_MM)


@cache
def people(ill: bool) -> tuple[Ageing, ...]:
    return tuple(draw_ageing(np.random.default_rng([seed, int(ill)]), ill=ill) for seed in range(DRAWN))


def auc(those: list[float], others: list[float]) -> float:
    apart = np.subtract.outer(np.array(those), np.array(others))
    above = float((apart > 0).mean() + 0.5 * (apart == 0).mean())
    return max(above, 1 - above)


def test_the_same_seed_is_the_same_head_and_another_generator_another() -> None:
    again, other = draw_case(5), draw_case(5, shifted=True)
    np.testing.assert_array_equal(seen(5).values, in_cubes(again, STEP_MM).values)
    np.testing.assert_array_equal(seen(5).hippocampi, in_cubes(again, STEP_MM).hippocampi)
    assert other.head.size != again.head.size
    assert other.scanner.bright != again.scanner.bright


def test_about_half_of_the_patients_are_ill_and_all_are_old() -> None:
    ill = [patient(seed).ill for seed in range(PATIENTS)]
    assert 0.35 < np.mean(ill) < 0.65
    ages = [patient(seed).head.ageing.age_years for seed in range(PATIENTS)]
    assert AGES[0] <= min(ages) < 65 and 80 < max(ages) <= AGES[1]


def test_the_disease_shrinks_and_age_does_too() -> None:
    healthy, ill = ([sum(t.hippocampus for t in each.temporal) for each in people(who)] for who in (False, True))
    assert 0.65 < np.mean(ill) / np.mean(healthy) < 0.9
    old, young = (
        np.mean([sum(t.hippocampus for t in p.temporal) for p in people(False) if (p.age_years > 75) is later])
        for later in (True, False)
    )
    assert old < 0.96 * young
    assert all(t.hippocampus <= t.cavity for who in (False, True) for p in people(who) for t in p.temporal)


@pytest.mark.parametrize(
    ("what", "most"),
    [
        (lambda p: sum(t.hippocampus for t in p.temporal), 0.95),
        (lambda p: min(t.hippocampus for t in p.temporal), 0.95),
        (lambda p: sum(t.horn_mm for t in p.temporal), 0.9),
        (lambda p: p.ventricles, 0.8),
        (lambda p: p.cortex_mm, 0.8),
        (lambda p: p.age_years, 0.6),
    ],
    ids=("hippocampi", "the smaller hippocampus", "temporal horns", "ventricles", "cortex", "age"),
)
def test_no_size_alone_tells_who_is_ill(what, most: float) -> None:  # type: ignore[no-untyped-def]
    ill, healthy = ([float(what(each)) for each in people(who)] for who in (True, False))
    assert auc(ill, healthy) < most


def test_healthy_people_have_wide_ventricles_small_sides_and_thin_places_too() -> None:
    ventricles = [each.ventricles for each in people(False)]
    assert max(ventricles) > 1.6 * np.median(ventricles)
    sides = [each.temporal[0].cavity / each.temporal[1].cavity for each in people(False)]
    assert min(sides) < 0.8 and max(sides) > 1.2
    assert 0.3 < np.mean([bool(each.thinned) for each in people(False)]) < 0.95
    assert min(len(each.thinned) for each in people(True)) == 0, "in some the cortex is spared"


def test_no_mean_grey_tells_who_is_ill() -> None:
    found: dict[tuple[str, bool], list[float]] = {}
    for seed in range(PATIENTS):
        case, made = patient(seed), seen(seed)
        canvas = case.head.canvas(case.scanner.cubes(STEP_MM).places(), STEP_MM)
        medial = (canvas.box((27, 4, -20), (14, 26, 16)) | canvas.box((-27, 4, -20), (14, 26, 16))).reshape(
            made.values.shape
        )
        brain = (canvas.ball((0, 0, 0), (64, 82, 60)) > 0).reshape(made.values.shape)
        for name, mask in (("medial", medial), ("brain", brain)):
            found.setdefault((f"{name}, stored", case.ill), []).append(float(made.values[mask].mean()))
            found.setdefault((f"{name}, shown", case.ill), []).append(float(shown(made.values)[mask].mean()))
    for name in {name for name, _ in found}:
        assert auc(found[name, True], found[name, False]) <= 0.65, name


def test_hippocampi_measure_what_they_are_drawn_with_and_lie_on_their_sides() -> None:
    for seed in (1, 3):
        case = draw_case(seed, ill=False)
        shares = in_cubes(case, 2.5).hippocampi
        volumes_ml = shares.sum(axis=(1, 2, 3)) * 2.5**3 / 1000
        assert (volumes_ml > 1.5).all() and (volumes_ml < 6.5).all()
        left, right = (np.average(np.arange(shares.shape[3]), weights=side.sum(axis=(0, 1))) for side in shares)
        assert left > right
        drawn = [side.hippocampus for side in case.head.ageing.temporal]
        assert volumes_ml[0] / volumes_ml[1] == pytest.approx(drawn[0] / drawn[1], rel=0.12)


def test_the_disease_acts_on_the_hippocampi_and_nowhere_in_the_healthy() -> None:
    made = seen(3, True)
    inside = (made.hippocampi.sum(axis=0) > 0.5) & made.acted_on
    assert inside.sum() > 0.9 * (made.hippocampi.sum(axis=0) > 0.5).sum()
    assert not seen(3, False).acted_on.any()
    changed = np.abs(shown(made.values) - shown(seen(3, False).values))
    assert changed[made.acted_on].mean() > 2 * changed[~made.acted_on].mean()


def test_another_contrast_is_the_same_head_seen_otherwise() -> None:
    case = coarser(patient(2), STEP_MM)
    one, other = (case.seen(case.scanner.grid, contrast) for contrast in (T1, T2))
    np.testing.assert_array_equal(one.hippocampi, other.hippocampi)
    assert np.corrcoef(one.values.ravel(), other.values.ravel())[0, 1] < 0.9


def test_places_of_the_scanner_go_to_those_of_the_usual_brain() -> None:
    """A point that is nothing but the head's middle, moved as the scanner says."""
    case = patient(4)
    grid = replace(case.scanner.grid, shape=(3, 3, 3), step_mm=(20.0, 20.0, 20.0))
    straight = replace(case.head, warp_mm=0.0)
    canvas = straight.canvas(grid.places(), 1.0)
    mm = np.stack(np.meshgrid(*([-20.0, 0.0, 20.0],) * 3, indexing="ij")).reshape(3, -1)[::-1]
    usual = case.to_usual[:, :3] @ mm + case.to_usual[:, 3:]
    np.testing.assert_allclose(np.stack([canvas.x, canvas.y, canvas.z]), usual, atol=1e-3)


def test_its_series_is_what_a_scanner_writes(tmp_path: Path) -> None:
    for seed, orientation in ((7, [0, 1, 0, 0, 0, -1]), (4, [1, 0, 0, 0, 1, 0])):
        files = write_study(seed, tmp_path / str(seed), voxel_mm=6.0)
        headers = [pydicom.dcmread(file) for file in files]
        first = headers[0]
        assert (first.SOPClassUID.name, first.Modality, first.BodyPartExamined) == ("MR Image Storage", "MR", "BRAIN")
        assert list(first.ImageOrientationPatient) == orientation
        assert first.SeriesDescription.startswith("T1") and 55 <= int(first.PatientAge[:3]) <= 90
        assert len({header.SOPInstanceUID for header in headers}) == len(files)
        assert judges.dciodvfy(files[0]) == []


def test_another_uid_seed_is_another_study_of_the_same_voxels(tmp_path: Path) -> None:
    one, other = (
        pydicom.dcmread(write_study(4, tmp_path / name, voxel_mm=8.0, uid_seed=name)[3]) for name in ("one", "other")
    )
    assert one.StudyInstanceUID != other.StudyInstanceUID
    assert one.PixelData == other.PixelData


@pytest.mark.parametrize("kind", masses.KINDS)
def test_a_mass_is_painted_where_it_lies_and_nowhere_else(kind: str) -> None:
    case = draw_case(4)
    mass = masses.draw_mass(np.random.default_rng(3), kind, 14.0)
    grid = case.scanner.cubes(4.0)
    without, ill = case.painted(grid, T1)[0], masses.harmed(case, mass).painted(grid, T1)[0]
    changed = np.abs(ill.values - without.values) > 1
    away = np.linalg.norm(np.stack([ill.x, ill.y, ill.z], axis=1) - mass.middle, axis=1)
    assert changed.sum() > 60
    assert away[changed].max() < 2.4 * mass.radius_mm
    inside = ill.values[away < 0.3 * mass.radius_mm]
    least, most = {"bleed": (150, 256), "cavity": (0, 60), "tumour": (0, 60)}[kind]
    assert least <= np.median(inside) <= most
