"""Probabilities against operating thresholds, and the place that shows them."""

from typing import Any

import numpy as np
import pytest
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from orthanc_plugin.inference.classes import Classification
from orthanc_plugin.measure import classes
from orthanc_plugin.measure.findings import Findings, ValueMap
from orthanc_plugin.routing.outputs import Classes
from tests.encode import making
from tests.inference.graphs import concept


def track(name: str) -> UID:
    return UID(f"2.25.{1 + sum(name.encode())}")


def wanted(**more: Any) -> Classes:
    items = [
        {"label": "One", "code": concept("1", "One"), "threshold": 0.3},
        {"label": "Two", "code": concept("2", "Two"), "threshold": 0.6},
    ]
    source = {"stage": "only", "output": "logits"}
    return Classes.model_validate({"from": source, "activation": "sigmoid", "exclusive": False, "items": items} | more)


def found(
    *probabilities: float,
    index: int | None = 4,
    heat: np.ndarray | None = None,  # type: ignore[type-arg]
    peaks: tuple[tuple[float, float], ...] = (),
    shown: int = 0,
    drawn: tuple[ValueMap, ...] = (),
    **more: Any,
) -> Findings:
    said = Classification(probabilities, index, heat, shown, peaks_yx=peaks)
    return classes.findings(wanted(**more), making.volume(), said, track, ("The slices are thick.",), drawn)


def test_each_class_is_present_above_its_own_threshold() -> None:
    findings = found(0.5, 0.55)
    assert [each.verdict for each in findings.classes] == ["present", "absent"]
    assert findings.headline == "Present: One (0.50)"
    assert [(figure.name, figure.value, figure.unit) for figure in findings.figures] == [
        ("One: present", "0.50", "> 0.30"),
        ("Two: absent", "0.55", "> 0.60"),
    ]
    assert found(0.1, 0.1).headline == "None of the classes is present"


def test_the_headline_of_one_class_says_how_probable_it_is_when_it_is_absent() -> None:
    one = [{"label": "One", "code": concept("1", "One"), "threshold": 0.3}]
    assert found(0.1, items=one).headline == "Absent: One (0.10)"


def test_of_classes_that_exclude_one_another_the_likeliest_alone_is_present() -> None:
    assert [each.verdict for each in found(0.5, 0.7, exclusive=True).classes] == ["absent", "present"]
    assert [each.verdict for each in found(0.4, 0.55, exclusive=True).classes] == ["absent", "absent"]


def banded(*probabilities: float, **more: Any) -> Findings:
    items = [
        {"label": "One", "code": concept("1", "One"), "threshold": 0.3, "undetermined": [0.2, 0.4]},
        {"label": "Two", "code": concept("2", "Two"), "threshold": 0.6},
    ]
    return found(*probabilities, items=items, **more)


def test_within_its_band_a_class_is_neither_present_nor_absent() -> None:
    findings = banded(0.35, 0.7)
    assert [each.verdict for each in findings.classes] == ["undetermined", "present"]
    assert findings.headline == "Present: Two (0.70); Undetermined: One (0.35)"
    assert [(figure.name, figure.unit) for figure in findings.figures] == [
        ("One: undetermined", "0.20 to 0.40"),
        ("Two: present", "> 0.60"),
    ]
    assert [banded(share, 0.1).classes[0].verdict for share in (0.19, 0.41)] == ["absent", "present"]


def test_a_class_that_excludes_the_others_leaves_them_no_band() -> None:
    assert [each.verdict for each in banded(0.35, 0.7, exclusive=True).classes] == ["absent", "present"]
    assert [each.verdict for each in banded(0.35, 0.5, exclusive=True).classes] == ["undetermined", "absent"]


def test_without_a_heat_map_the_place_is_the_whole_image() -> None:
    [one, _] = found(0.5, 0.1).classes
    assert one.slice_index == 4
    assert one.contour_xy.tolist() == [[0, 0], [80, 0], [80, 64], [0, 64], [0, 0]]


@pytest.mark.parametrize(
    ("peak", "corners"), [((30.5, 40.5), (35.7, 25.7, 45.3, 35.3)), ((0.5, 79.5), (74.7, 0, 80, 5.3))]
)
def test_with_a_heat_map_the_place_is_around_its_peak(peak: tuple[float, float], corners: tuple[float, ...]) -> None:
    contour = found(0.5, 0.1, peaks=(peak, (1.0, 1.0))).classes[0].contour_xy
    assert (*contour.min(axis=0), *contour.max(axis=0)) == pytest.approx(corners)
    assert contour[0].tolist() == contour[-1].tolist()


def test_each_class_that_is_present_has_its_own_place_and_an_absent_one_the_whole_image() -> None:
    peaks = ((10.0, 20.0), (50.0, 60.0))
    one, two = (each.contour_xy.mean(axis=0)[::-1] for each in found(0.9, 0.9, peaks=peaks).classes)
    assert [one[0] < 20, one[1] < 40, two[0] > 40, two[1] > 40] == [True] * 4
    _, absent = found(0.9, 0.1, peaks=peaks).classes
    assert absent.contour_xy.tolist() == [[0, 0], [80, 0], [80, 64], [0, 64], [0, 0]]


def test_a_heat_map_is_a_map_of_what_it_measures_on_the_image_that_it_shows() -> None:
    heat = np.linspace(0, 1, 64 * 80, dtype=np.float32).reshape(64, 80)
    heat_map = {"stage": "only", "output": "heat", "quantity": "saliency"}
    [shown] = found(0.5, 0.1, heat=4 * heat - 3, heat_map=heat_map).maps
    assert (shown.label, shown.quantity.value, shown.unit.value) == ("Heat map: One", "130404", "1")
    assert shown.slices == (4,)
    np.testing.assert_allclose(shown.values_nyx, [np.maximum(2 * heat - 1, 0)], atol=1e-6)
    assert found(0.5, 0.1, heat_map=heat_map).maps == ()


def test_a_map_of_probabilities_stays_as_it_is() -> None:
    heat = np.linspace(0.2, 0.7, 64 * 80, dtype=np.float32).reshape(64, 80)
    heat_map = {"stage": "only", "output": "heat", "quantity": "probability"}
    said = found(0.5, 0.1, heat=heat, heat_map=heat_map)
    np.testing.assert_array_equal(said.maps[0].values_nyx, [heat])
    np.testing.assert_array_equal(said.heat_yx, heat)


def test_a_map_that_is_alike_everywhere_shows_nothing() -> None:
    heat = np.full((64, 80), -2, np.float32)
    said = found(0.5, 0.1, heat=heat, heat_map={"stage": "only", "output": "heat"})
    assert said.heat_yx is not None
    assert not said.heat_yx.any()


def test_a_series_seen_from_another_side_shows_its_middle_and_says_so() -> None:
    findings = found(0.5, 0.1, index=None)
    assert findings.key_slice == 3
    assert findings.cautions == (
        "The slices are thick.",
        "The network saw the series in another orientation than it was acquired in; the middle image is shown.",
    )


def own_map(label: str, peak_zyx: tuple[int, int, int], value: float = 2.0) -> ValueMap:
    values = np.full((6, 64, 80), -1, np.float32)
    values[peak_zyx] = value
    return ValueMap(f"Heat map: {label}", codes.DCM.ClassActivation, codes.UCUM.NoUnits, tuple(range(6)), values)


def test_classes_with_maps_of_their_own_are_where_these_say_most() -> None:
    drawn = (own_map("One", (1, 20, 30)), own_map("Two", (5, 40, 50)))
    findings = found(0.5, 0.1, index=None, drawn=drawn)
    one, two = findings.classes
    assert (findings.key_slice, findings.worth_opening) == (1, (1,))
    assert one.slice_index == 1
    assert one.contour_xy[:4].mean(axis=0) == pytest.approx((30.5, 20.5))
    assert (two.slice_index, two.contour_xy.max(axis=0).tolist()) == (5, [80, 64])
    assert findings.cautions == ("The slices are thick.",)
    assert findings.heat_yx is not None and findings.heat_yx[20, 30] == findings.heat_yx.max() == 1


def test_nothing_is_marked_for_a_class_that_is_absent_and_a_map_that_is_empty_says_no_slice() -> None:
    absent = found(0.1, 0.1, shown=1, drawn=(own_map("Two", (5, 40, 50)),))
    assert (absent.key_slice, absent.heat_yx) == (5, None)
    assert [each.slice_index for each in absent.classes] == [5, 5]
    empty = found(0.5, 0.1, drawn=(own_map("One", (1, 2, 3), -1),))
    assert (empty.key_slice, empty.classes[0].slice_index, empty.heat_yx) == (4, 4, None)


def test_outlines_and_classes_together_keep_the_slice_of_the_outlines() -> None:
    on = making.volume()
    outlined = making.findings(on)
    heat_map = {"stage": "only", "output": "heat"}
    both = classes.joined(outlined, found(0.5, 0.1, index=0, heat=np.zeros((64, 80), np.float32), heat_map=heat_map))
    assert both.key_slice == outlined.key_slice
    assert both.heat_yx is None
    assert [each.slices for each in both.maps] == [(0,)]
    assert both.worth_opening[:2] == (outlined.key_slice, 0)
    assert both.headline == f"Present: One (0.50). {outlined.headline}"
    assert len(both.classes) == 2 and both.segments == outlined.segments


def test_the_slices_that_a_class_is_made_of_say_so_themselves_and_the_most_telling_are_worth_opening() -> None:
    by_slice = tuple((index, (share, 0.1)) for index, share in ((1, 0.2), (2, 0.8), (3, 0.6), (4, 0.4)))
    said = Classification((0.5, 0.1), 2, None, 0, by_slice)
    findings = classes.findings(wanted(), making.volume(), said, track, ())
    one, two = findings.classes
    assert [(score.slice_index, score.probability) for score in one.by_slice] == [
        (1, 0.2),
        (2, 0.8),
        (3, 0.6),
        (4, 0.4),
    ]
    assert [score.slice_index for score in one.telling] == [2, 3, 4, 1]
    assert one.by_slice[0].tracking_uid == track("One on image 2")
    assert {score.probability for score in two.by_slice} == {0.1}
    assert findings.worth_opening == (2, 3, 4, 1)
