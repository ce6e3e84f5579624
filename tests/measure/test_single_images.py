"""Structures on single images, counted by hand in pixels that are calibrated or are not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from orthanc_plugin.imaging.image import Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.inference.regions import Candidate, Region
from orthanc_plugin.measure import single_images
from orthanc_plugin.measure.findings import Findings
from tests.builders import series
from tests.imaging.radiographs import radiograph
from tests.routing.cards import card, segment, stage

UIDS: dict[str, UID] = {}


def track(name: str) -> UID:
    return UIDS.setdefault(name, UID(f"2.25.{len(UIDS) + 1}"))


def radiographs(count: int, **header: Any) -> Images:
    datasets = [radiograph("DX", number=number) for number in range(1, count + 1)]
    for dataset in datasets:
        for keyword, value in header.items():
            setattr(dataset, keyword, value)
    return images(assemble([decode(series.part10(dataset)) for dataset in datasets]))


def masks(count: int = 3) -> NDArray[np.bool_]:
    """Liver: 40 pixels on the first image, 60 on the last; spleen: nowhere. The sheet is larger than the images."""
    found = np.zeros((2, count, 64, 64), bool)
    found[0, 0, 10:14, 10:20] = True
    found[0, count - 1, 10:16, 10:20] = True
    return found


CALIBRATED = {"PixelSpacing": [0.4, 0.2]}


def found(count: int = 3, measured: bool = True, **header: Any) -> Findings:
    on = radiographs(count, **header)
    return single_images.findings(card(), on, masks(count), track, measured=measured)


def test_every_image_that_shows_a_structure_is_measured_in_its_plane() -> None:
    findings = found(**CALIBRATED)
    assert [(planar.segment_number, planar.slice_index) for planar in findings.planar] == [(1, 2), (1, 0)]
    assert [planar.measurements[0].value for planar in findings.planar] == pytest.approx([0.048, 0.032])
    assert [[each.unit.value for each in planar.measurements] for planar in findings.planar] == [
        ["cm2", "mm", "mm"]
    ] * 2
    _, long, short = (each.value for each in findings.planar[0].measurements)
    assert (long, short) == pytest.approx((np.hypot(9 * 0.2, 6 * 0.4), 2.5))  # between corners that are cut
    assert [segment.measurements for segment in findings.segments] == [()]


def test_on_each_image_it_is_found_anew() -> None:
    """The largest is that of the segment, any other has a tracking identifier of its own."""
    findings = found(**CALIBRATED)
    assert findings.segments[0].tracking_uid == track("Liver")
    assert [planar.tracking_uid for planar in findings.planar] == [None, track("Liver on image 1")]


def test_where_no_one_knows_how_large_pixels_are_sizes_are_in_pixels_and_that_is_said() -> None:
    findings = found()
    assert [(each.name.meaning, each.unit.value) for each in findings.planar[0].measurements] == [
        ("Area", "{pixels}"),
        ("Long Axis", "{pixels}"),
        ("Short Axis", "{pixels}"),
    ]
    assert findings.planar[0].measurements[0].value == 60
    assert findings.cautions == (
        "Images that state no pixel size calibrated for the patient were measured in pixels.",
        "Spleen was not found.",
    )
    assert [(figure.name, figure.value, figure.unit) for figure in findings.figures] == [
        ("Liver, largest area", "60", "pixels"),
        ("Liver, its axes", "11 x 7", "pixels"),
        ("Liver, images that show it", "2", ""),
    ]


def test_the_image_with_most_of_all_is_shown_first() -> None:
    findings = found(**CALIBRATED)
    assert (findings.key_slice, findings.worth_opening) == (2, (2, 0))
    assert findings.headline == "Liver on 2 of 3 images"
    assert found(1).headline == "Liver"


def test_what_was_found_nowhere_is_absent() -> None:
    [absence] = found().absent
    assert (absence.label, absence.tracking_uid) == ("Spleen", track("Spleen"))
    nothing = single_images.findings(card(), radiographs(3), np.zeros((2, 3, 48, 40), bool), track, measured=True)
    assert (nothing.headline, nothing.key_slice, nothing.worth_opening) == ("Nothing was found", 1, (1,))
    assert nothing.cautions == ("Liver was not found.", "Spleen was not found.")


def test_outlines_alone_have_no_numbers_and_no_caution_about_them() -> None:
    findings = found(measured=False)
    assert [planar.measurements for planar in findings.planar] == [(), ()]
    assert (findings.figures, findings.cautions) == ((), ("Spleen was not found.",))


def test_a_contour_lies_within_its_own_image() -> None:
    whole = np.ones((2, 1, 64, 64), bool)
    findings = single_images.findings(card(), radiographs(1), whole, track, measured=True)
    assert findings.planar[0].contour_xy.max(axis=0).tolist() == [40, 48]
    assert findings.planar[0].measurements[0].value == 40 * 48


def parts(candidates: Sequence[Sequence[Candidate]] = ()) -> Findings:
    """Three of them: two on the first image, one on the second."""
    label = segment("Mass", each_part=True)
    source = {"from": {"stage": "only", "output": "y"}, "steps": [{"step": "threshold"}], "items": [label]}
    on = radiographs(2, **CALIBRATED)
    masks_of = np.zeros((1, 2, 64, 64), bool)
    masks_of[0, 0, 4:8, 4:14] = True
    masks_of[0, 0, 20:26, 20:30] = True
    masks_of[0, 1, 30:32, 10:20] = True
    outlines = card(
        stages=[stage(kind="image")], outputs={"segments": source, "measurements": [{"measure": "volumes"}]}
    )
    return single_images.findings(outlines, on, masks_of, track, measured=True, candidates=candidates)


def test_a_part_has_the_probability_of_the_likeliest_region_that_it_was_outlined_in() -> None:
    near, over = Candidate(Region(18, 18, 28, 32), 0.5), Candidate(Region(24, 22, 40, 40), 0.7)
    beside = Candidate(Region(40, 40, 60, 60), 0.9)
    found_parts = parts(((near, over, beside), (Candidate(Region(28, 8, 34, 22), 0.6),)))
    said = [[m.value for m in each.measurements if m.name == codes.DCM.Probability] for each in found_parts.planar]
    assert said == [[0.7], [], [0.6]]
    assert [(f.name, f.value) for f in found_parts.figures if f.name.endswith("probability")] == [
        ("Mass 1, probability", "0.70"),
        ("Mass 3, probability", "0.60"),
    ]


def test_each_part_is_measured_by_itself_where_the_card_says_so() -> None:
    found_parts = parts()
    assert [each.slice_index for each in found_parts.planar] == [0, 0, 1]
    assert [each.measurements[0].value for each in found_parts.planar] == pytest.approx([0.048, 0.032, 0.016])
    assert [each.tracking_uid for each in found_parts.planar] == [
        None,
        track("Mass 2 on image 1"),
        track("Mass 3 on image 2"),
    ]
    assert [tuple(each.contour_xy.min(axis=0)) for each in found_parts.planar] == [(20, 20), (4, 4), (10, 30)]
    assert len(found_parts.segments) == 1


def test_the_page_counts_the_parts() -> None:
    found_parts = parts()
    assert found_parts.headline == "Mass (3 of them) on 2 of 2 images"
    assert [(figure.name, figure.value) for figure in found_parts.figures[::2]] == [
        ("Mass 1, largest area", "0.0"),
        ("Mass 2, largest area", "0.0"),
        ("Mass 3, largest area", "0.0"),
        ("Mass, images that show it", "2"),
    ]
