"""Agatston, volume and mass scores against cases worked out by hand, and the categories at their borders."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.uid import UID

from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure import calcium
from orthanc_plugin.measure.calcium import Score, score
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.outputs import CalciumScore
from tests.encode import making
from tests.inference.graphs import segment

HALF_MM = (3.0, 0.5, 0.5)
WANTED = CalciumScore(measure="calcium-score", mg_per_cm3_per_hu=0.8)


def plaque(
    *parts: tuple[int, int, int, float], shape: tuple[int, int, int] = (4, 24, 24)
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Squares of `side` pixels of one HU on a slice, one below the other, in tissue of 40 HU; all of it is the mask."""
    voxels = np.full(shape, 40, np.float32)
    for slice_index, row, side, hu in parts:
        voxels[slice_index, row : row + side, 2 : 2 + side] = hu
    return voxels, voxels >= 130


def scored(*parts: tuple[int, int, int, float], spacing: tuple[float, float, float] = HALF_MM) -> Score:
    return score(*plaque(*parts), spacing, 0.8)


@pytest.mark.parametrize(
    ("hu", "weight"), [(130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4), (1500, 4)]
)
def test_a_lesion_counts_by_its_densest_voxel(hu: float, weight: int) -> None:
    """Of 4 x 4 pixels of half a millimetre, so of 4 mm2."""
    assert scored((1, 2, 4, hu)).agatston == pytest.approx(4 * weight)


def test_one_dense_voxel_weighs_the_whole_lesion_and_no_other() -> None:
    voxels, mask = plaque((1, 2, 4, 150.0), (1, 12, 4, 150.0))
    voxels[1, 3, 3] = 450
    assert score(voxels, mask, HALF_MM, 0.8).agatston == pytest.approx(4 * 4 + 4 * 1)


def test_voxels_that_touch_at_a_corner_are_one_lesion() -> None:
    voxels, _ = plaque((1, 2, 4, 150.0))
    voxels[1, 6, 6] = 320
    assert score(voxels, voxels >= 130, HALF_MM, 0.8).agatston == pytest.approx(4.25 * 3)


def test_less_than_a_square_millimetre_counts_nowhere() -> None:
    """One pixel less than 2 x 2 of half a millimetre: 0.75 mm2."""
    voxels, _ = plaque((1, 2, 2, 500.0))
    whole = score(voxels, voxels >= 130, HALF_MM, 0.8)
    voxels[1, 2, 2] = 40
    assert (whole.agatston, whole.volume_mm3) == (pytest.approx(1 * 4), pytest.approx(3))
    assert score(voxels, voxels >= 130, HALF_MM, 0.8) == Score(0, 0, 0)


def test_each_slice_is_scored_by_itself_and_the_slices_add_up() -> None:
    assert scored((1, 2, 4, 450.0), (2, 2, 4, 150.0)).agatston == pytest.approx(4 * 4 + 4 * 1)


@pytest.mark.parametrize(("step_mm", "share"), [(3.0, 1.0), (2.5, 2.5 / 3), (1.5, 0.5), (5.0, 5 / 3)])
def test_slices_of_another_thickness_count_as_much_as_they_cover(step_mm: float, share: float) -> None:
    found = scored((1, 2, 4, 250.0), spacing=(step_mm, 0.5, 0.5))
    assert found.agatston == pytest.approx(8 * share)
    assert found.volume_mm3 == pytest.approx(4 * step_mm)


def test_volume_and_mass_are_those_of_the_voxels_that_count() -> None:
    """16 voxels of 0.75 mm3 at 250 HU and 4 at 500: 15 mm3, and (12 x 250 + 3 x 500) x 0.8 / 1000 mg."""
    found = scored((1, 2, 4, 250.0), (2, 12, 2, 500.0))
    assert found.volume_mm3 == pytest.approx(15)
    assert found.mass_mg == pytest.approx(3.6)


def test_what_is_darker_than_130_hu_does_not_count_though_it_was_outlined() -> None:
    voxels, mask = plaque((1, 2, 4, 150.0))
    mask[1, 12:20, 12:20] = True
    assert score(voxels, mask, HALF_MM, 0.8).agatston == pytest.approx(4)


@pytest.mark.parametrize(
    ("agatston", "category"),
    [(0, "none"), (0.4, "none"), (0.6, "minimal"), (10, "minimal"), (10.6, "mild"), (100, "mild"), (101, "moderate"),
     (400, "moderate"), (400.6, "severe"), (5000, "severe")],
)  # fmt: skip
def test_a_score_belongs_to_a_category(agatston: float, category: str) -> None:
    assert Score(agatston, 0, 0).category.value == f"calcium-{category}"


def arteries() -> Card:
    items = [segment(name) for name in ("Left anterior descending artery", "Right coronary artery")]
    outputs: dict[str, Any] = {
        "segments": {"from": {"stage": "tissue", "output": "probability"}, "steps": [{"step": "likeliest"}],
                     "items": items},
        "measurements": [WANTED.model_dump()],
    }  # fmt: skip
    return Card.model_validate(making.card().model_dump(by_alias=True) | {"outputs": outputs, "checks": []})


def track(name: str) -> UID:
    return UID(f"2.25.{1 + sum(name.encode())}")


def found(volume: Volume | None = None) -> Findings:
    """In voxels of 3 x 1.25 x 0.75 mm: 12 of 210 HU in the first artery, nothing in the second."""
    on = making.volume() if volume is None else volume
    voxels = np.full_like(on.voxels_zyx, 40)
    voxels[2, 10:13, 10:14] = 210
    masks = np.stack([voxels > 130, np.zeros_like(voxels, bool)])
    return calcium.findings(arteries(), WANTED, replace(on, voxels_zyx=voxels), masks, track)


def test_each_artery_has_its_scores_and_all_together_have_theirs_with_a_category() -> None:
    findings = found()
    agatston = 12 * 1.25 * 0.75 * 2

    [outlined], [conclusion] = findings.segments, findings.conclusions
    assert outlined.label == "Left anterior descending artery"
    for measured in (outlined.measurements, conclusion.measurements):
        assert [(each.method.meaning if each.method else "", each.value) for each in measured] == [
            ("Agatston scoring method", pytest.approx(agatston)),
            ("Volume scoring method", pytest.approx(12 * 1.25 * 0.75 * 3)),
            ("Mass scoring method", pytest.approx(12 * 1.25 * 0.75 * 3 * 210 * 0.8 / 1000)),
        ]
    assert conclusion.evaluations == ((calcium.CATEGORY, calcium.CATEGORIES[2][1]),)
    assert findings.headline == "Agatston score 22: mild coronary calcium"
    assert [absence.label for absence in findings.absent] == ["Right coronary artery"]
    assert not findings.cautions
    assert ("Right coronary artery, Agatston score", "0") in [(each.name, each.value) for each in findings.figures]


def test_other_values_than_hounsfield_units_have_no_score() -> None:
    on = making.volume()
    for header in on.headers:
        header.Modality = "MR"
    with pytest.raises(Broken, match="on values that are not Hounsfield units"):
        found(on)
