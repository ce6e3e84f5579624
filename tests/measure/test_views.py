"""What a network says that saw several images at once: each class on that image of its own which says most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.sr.codedict import codes

from orthanc_plugin.imaging.image import Images
from orthanc_plugin.imaging.volume import SourceSlice
from orthanc_plugin.inference.slots import View, Views
from orthanc_plugin.measure import views
from orthanc_plugin.measure.classes import around
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.routing.outputs import Classes
from tests.inference.graphs import concept
from tests.measure.test_classes import track

SHAPES = ((20, 16), (20, 16), (24, 16), (20, 16))
NAMES = ("RCC", "LCC", "RMLO", "LMLO")


def wanted(**more: Any) -> Classes:
    items = [
        {"label": f"{word} breast", "code": concept("ill", "Ill"), "threshold": 0.5,
         "slots": [f"{side}CC", f"{side}MLO"], "site": concept("breast", "Breast"), "laterality": concept(side, word)}
        for side, word in (("R", "Right"), ("L", "Left"))
    ]  # fmt: skip
    heat = {"stage": "only", "output": "heat"}
    source = {"from": {"stage": "only", "output": "y"}, "activation": "none", "exclusive": False, "heat_map": heat}
    return Classes.model_validate(source | {"items": items} | more)


def images() -> Images:
    pixels = tuple(np.zeros(shape, np.float32) for shape in SHAPES)
    sources = tuple(SourceSlice("1.2", f"1.2.{number}", None) for number in range(4))
    return Images(pixels, (None,) * 4, sources, (), ("",) * 4, ("Of the images.",))


def found(
    right: float, left: float, heights: dict[str, float], left_out: int = 0, missing: tuple[str, ...] = (), **more: Any
) -> Findings:
    """Each map is even but for its peak in the middle."""
    seen = []
    for name, height in heights.items():
        index = NAMES.index(name)
        heat = np.full(SHAPES[index], 1.0, np.float32)
        heat[10, 8] = 1 + height
        seen.append(View(name, index, heat, (10.5, 8.5)))
    return views.findings(wanted(**more), images(), Views((right, left), tuple(seen), missing, left_out), track)


ALL = {"RCC": 1.0, "LCC": 2.0, "RMLO": 4.0, "LMLO": 3.0}


def test_each_class_lies_on_the_image_that_says_most_of_it() -> None:
    findings = found(0.8, 0.2, ALL)
    right, left = findings.classes
    assert [(each.label, each.verdict, each.slice_index) for each in (right, left)] == [
        ("Right breast", "present", 2),
        ("Left breast", "absent", 3),
    ]
    np.testing.assert_array_equal(right.contour_xy, around((10.5, 8.5), SHAPES[2]))
    assert left.contour_xy.max(axis=0).tolist() == [16, 20]
    assert (findings.key_slice, findings.headline) == (2, "Present: Right breast (0.80)")
    assert findings.worth_opening[:2] == (2, 0)
    assert findings.cautions == ("Of the images.",)


def test_sides_are_told_apart_by_site_and_laterality() -> None:
    right, left = found(0.8, 0.2, ALL).classes
    assert right.site is not None and right.site == left.site
    assert [each.laterality.meaning for each in (right, left) if each.laterality] == ["Right", "Left"]
    assert right.tracking_uid != left.tracking_uid


def test_the_probability_of_cancer_has_a_name_and_is_in_percent() -> None:
    assert found(0.8, 0.2, ALL).classes[0].measured is None
    right = found(0.8, 0.2, ALL, quantity="probability-of-cancer").classes[0]
    assert right.measured is not None
    assert (right.measured.name, right.measured.unit) == (codes.DCM.ProbabilityOfCancer, codes.UCUM.Percent)
    assert right.measured.value == pytest.approx(80)


def test_maps_of_a_study_compare_and_lie_on_every_image() -> None:
    findings = found(0.8, 0.2, ALL)
    right, left = findings.maps
    assert (right.slices, left.slices) == ((0, 2), (1, 3))
    assert right.values_nyx.shape == (2, 24, 16)
    assert right.values_nyx[:, 10, 8].tolist() == pytest.approx([0.25, 1.0])
    assert left.values_nyx[:, 10, 8].tolist() == pytest.approx([0.5, 0.75])
    assert findings.heat_yx is not None and findings.heat_yx.max() == 1
    assert found(0.1, 0.2, ALL).heat_yx is None


def test_of_a_side_without_an_image_nothing_is_said() -> None:
    findings = found(0.8, 0.9, {"RCC": 1.0, "RMLO": 2.0}, left_out=1, missing=("LCC is missing.", "LMLO is missing."))
    assert [each.label for each in findings.classes] == ["Right breast"]
    assert findings.cautions == (
        "Of the images.",
        "LCC is missing.",
        "LMLO is missing.",
        "Nothing is said of Left breast: none of its images is there.",
        "One image was not looked at: not of a view that the model takes, or a later one of the same view is there.",
    )
