"""What was looked at, and what is said of it: numbers with their codes, a finding with its severity."""

from typing import Any

import numpy as np
import pytest
from pydicom.uid import UID

from orthanc_plugin.imaging.parenchyma import Box
from orthanc_plugin.inference.texture import Region
from orthanc_plugin.measure.findings import ClassFinding, Findings, Verdict
from orthanc_plugin.measure.texture import with_regions
from orthanc_plugin.routing.outputs import Classes

NUMBERS = {"autocorrelation": 5.0, "sum-of-squares": 0.75, "sum-average": 4.25, "sum-variance": 2.5, "mean-grey": 0.5}


def grade(label: str, code: str) -> dict[str, Any]:
    return {
        "label": label,
        "code": {"value": label.lower(), "scheme": "99TEST", "meaning": label},
        "threshold": 0.25,
        "severity": {"value": code, "scheme": "SCT", "meaning": label},
    }


GRADED = Classes.model_validate(
    {
        "from": {"stage": "grade", "output": "probability"},
        "activation": "none",
        "exclusive": True,
        "items": [grade("None", "260413007"), grade("Mild", "255604002")],
        "finding": {"value": "197321007", "scheme": "SCT", "meaning": "Steatosis of liver"},
        "site": {"value": "10200004", "scheme": "SCT", "meaning": "Liver"},
    }
)


def track(name: str) -> UID:
    return UID(f"2.25.{sum(name.encode())}")


def found(none: Verdict, mild: Verdict) -> Findings:
    square = np.array([(0, 0), (9, 0), (9, 9), (0, 0)], np.float64)
    verdicts = (("None", none), ("Mild", mild))
    classes = tuple(
        ClassFinding(item.label, item.code.code(), 0.5, 0.25, verdict, track(label), 1, square)
        for item, (label, verdict) in zip(GRADED.items, verdicts, strict=True)
    )
    return Findings((), (), 1, "Present", (), (), classes=classes, worth_opening=(1,))


def looked_at(*indices: int) -> list[Region]:
    return [Region(index, Box(10 * index, 20, 50, 50), NUMBERS) for index in indices]


@pytest.mark.parametrize(
    ("none", "mild", "said"),
    [
        ("present", "absent", [("Presence of property", "Absent"), ("Severity", "None")]),
        ("absent", "present", [("Presence of property", "Present"), ("Severity", "Mild")]),
        ("absent", "absent", [("Presence of property", "Undetermined")]),
    ],
)
def test_the_region_that_is_shown_bears_the_finding(none: Verdict, mild: Verdict, said: list[tuple[str, str]]) -> None:
    findings = with_regions(found(none, mild), GRADED, looked_at(0, 1), 2, track)

    other, key = findings.regions
    assert (other.finding.meaning, key.finding.meaning) == ("Region of even tissue", "Steatosis of liver")
    assert other.evaluations == ()
    assert [(what.meaning, how.meaning) for what, how in key.evaluations] == said
    assert (key.slice_index, key.contour_xy[0].tolist()) == (1, [10, 20])
    assert key.site is not None and key.site.meaning == "Liver"
    assert other.tracking_uid != key.tracking_uid


def test_the_four_numbers_have_their_codes_and_stand_on_the_page() -> None:
    findings = with_regions(found("present", "absent"), GRADED, looked_at(1), 1, track)

    (region,) = findings.regions
    assert [(each.name.value, each.value) for each in region.measurements] == [
        ("QWB0", 5.0), ("UR99", 0.75), ("ZGXS", 4.25), ("OEEB", 2.5),
    ]  # fmt: skip
    assert [(figure.name, figure.value) for figure in findings.figures] == [
        ("Texture, autocorrelation", "5.00"),
        ("Texture, sum of squares", "0.75"),
        ("Texture, sum average", "4.25"),
        ("Texture, sum variance", "2.50"),
    ]
    assert findings.cautions == ()


def test_of_several_regions_on_an_image_the_first_bears_the_finding_and_the_page_has_their_mean() -> None:
    one = Region(1, Box(0, 0, 50, 50), NUMBERS)
    other = Region(1, Box(60, 0, 50, 50), NUMBERS | {"autocorrelation": 7.0})

    findings = with_regions(found("absent", "present"), GRADED, [one, other], 2, track)

    assert [region.label for region in findings.regions] == ["Region on image 2", "Region 2 on image 2"]
    assert [bool(region.evaluations) for region in findings.regions] == [True, False]
    assert findings.figures[0].value == "6.00"
    assert findings.cautions == ("Images on which no region was looked at were left out (1).",)


def test_images_that_were_left_out_are_told() -> None:
    findings = with_regions(found("present", "absent"), GRADED, looked_at(1, 3), 5, track)

    assert findings.cautions == ("Images on which no region was looked at were left out (3).",)
    assert findings.worth_opening == (1, 3)


def test_classes_without_a_finding_leave_the_region_without_one() -> None:
    plain = GRADED.model_copy(
        update={"finding": None, "site": None, "items": [i.model_copy(update={"severity": None}) for i in GRADED.items]}
    )
    (region,) = with_regions(found("present", "absent"), plain, looked_at(1), 1, track).regions

    assert (region.finding.meaning, region.evaluations, region.site) == ("Region of even tissue", (), None)
