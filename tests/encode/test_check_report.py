"""A report is held against its sources and SEGs before it is stored: what would not be found or shown is caught."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode import check_report
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.seg import segmentations
from orthanc_plugin.encode.sr import report
from orthanc_plugin.errors import Broken
from tests.encode import making

ON = making.volume()
WHAT = Making(making.findings(ON), ON, making.origin())
SEGS = segmentations(WHAT)
SR = report(WHAT, SEGS)
NOTHING_STORED = " Nothing was stored; report this as an error of the node."


def test_a_sound_report_passes() -> None:
    check_report.report(SR, SEGS, WHAT)


def groups(document: Dataset) -> Dataset:
    return next(
        item
        for item in document.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    )


def without_contours(document: Dataset) -> None:
    measured = groups(document)
    measured.ContentSequence = [
        group
        for group in measured.ContentSequence
        if not any(item.ValueType == "SCOORD" for item in group.ContentSequence)
    ]


def without_tracking(document: Dataset) -> None:
    group = groups(document).ContentSequence[0]
    group.ContentSequence = [item for item in group.ContentSequence if item.ValueType != "UIDREF"]


def with_a_contour_outside(document: Dataset) -> None:
    region = next(item for item in groups(document).ContentSequence[1].ContentSequence if item.ValueType == "SCOORD")
    region.GraphicData = [*region.GraphicData[:-2], 80.5, 10.0]


def with_a_frame_and_a_segment(document: Dataset) -> None:
    image = next(item for item in groups(document).ContentSequence[0].ContentSequence if item.ValueType == "IMAGE")
    image.ReferencedSOPSequence[0].ReferencedFrameNumber = 1


def with_an_image_beyond_its_evidence(document: Dataset) -> None:
    [study] = document.CurrentRequestedProcedureEvidenceSequence
    del study.ReferencedSeriesSequence[0].ReferencedSOPSequence[2]


def with_a_contour_in_space(document: Dataset) -> None:
    region = next(item for item in groups(document).ContentSequence[1].ContentSequence if item.ValueType == "SCOORD")
    region.ValueType = "SCOORD3D"


def with_a_contour_on_nothing(document: Dataset) -> None:
    region = next(item for item in groups(document).ContentSequence[1].ContentSequence if item.ValueType == "SCOORD")
    region.ContentSequence = []


def with_another_title(document: Dataset) -> None:
    document.ConceptNameCodeSequence[0].CodeValue = "126001"


def without_its_template(document: Dataset) -> None:
    del document.ContentTemplateSequence


def without_a_device(document: Dataset) -> None:
    document.ContentSequence = [item for item in document.ContentSequence if item.ValueType != "UIDREF"]


def of_another_class(document: Dataset) -> None:
    document.SOPClassUID = ComprehensiveSRStorage


def without_groups(document: Dataset) -> None:
    groups(document).ContentSequence = []


NOT_ITS_OWN = "The report's title and template are not those of its class."


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (with_a_contour_on_nothing, "A contour of the report lies on no image that the findings lie on."),
        (with_another_title, NOT_ITS_OWN),
        (without_its_template, NOT_ITS_OWN),
        (without_a_device, "The report does not say which device observed."),
        (of_another_class, "The report is not of the class that the destination takes."),
        (without_groups, "The report measures nothing."),
        (
            without_contours,
            "A measurement group of the report has no place on an image, "
            "nor has another under its tracking identifier.",
        ),
        (without_tracking, "A measurement group of the report has no tracking identifier."),
        (with_a_contour_outside, "A contour of the report leaves its image."),
        (with_a_frame_and_a_segment, "The report names a frame and a segment in one reference."),
        (with_an_image_beyond_its_evidence, "The report names an image that its evidence leaves out."),
    ],
)
def test_a_spoiled_report_is_caught(spoil: Callable[[Dataset], None], sentence: str) -> None:
    spoiled = deepcopy(making.read_back(SR))
    spoil(spoiled)

    with pytest.raises(Broken) as caught:
        check_report.report(spoiled, SEGS, WHAT)
    assert caught.value.sentence == sentence + NOTHING_STORED


def test_a_report_that_names_another_segmentation_is_caught() -> None:
    other = deepcopy(making.read_back(SEGS[0]))
    other.SOPInstanceUID = "1.2.3"

    with pytest.raises(Broken) as caught:
        check_report.report(SR, (other,), WHAT)
    assert caught.value.sentence == "The report names an image that is neither a source nor a result." + NOTHING_STORED


def test_coordinates_in_space_are_caught_in_a_class_without() -> None:
    flat = replace(WHAT, profile=Profile(Objects=("SEG", "SR"), Report="comprehensive"))
    spoiled = deepcopy(making.read_back(report(flat, SEGS)))
    with_a_contour_in_space(spoiled)

    with pytest.raises(Broken) as caught:
        check_report.report(spoiled, SEGS, flat)
    assert caught.value.sentence == (
        "The report has coordinates in space, which its class does not allow." + NOTHING_STORED
    )
