"""What no validator sees: results that are mirrored, shifted, or that name what is not there."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits

from orthanc_plugin.encode import check
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.sc import capture
from orthanc_plugin.encode.seg import segmentation
from orthanc_plugin.encode.sr import report
from orthanc_plugin.errors import Broken
from tests import judges
from tests.encode import making

ON = making.volume()
FINDINGS = making.findings(ON)
SEG = segmentation(Making(FINDINGS, ON, making.origin()), ON)
SR = report(Making(FINDINGS, ON, making.origin()), SEG)
NOTHING_STORED = " Nothing was stored; report this as an error of the node."


def frames(result: Dataset) -> list[Dataset]:
    return list(result.PerFrameFunctionalGroupsSequence)


def mirrored_along_z(result: Dataset) -> None:
    """Positions in the opposite order: the outline of the feet lies at the head."""
    positions = [frame.PlanePositionSequence for frame in frames(result)]
    slices = len(ON.sources)
    for number, frame in enumerate(frames(result)):
        segment, index = divmod(number, slices)
        frame.PlanePositionSequence = deepcopy(positions[segment * slices + slices - 1 - index])


def mirrored_in_the_plane(result: Dataset) -> None:
    pixels = np.unpackbits(np.frombuffer(result.PixelData, np.uint8), bitorder="little")
    size = result.NumberOfFrames * result.Rows * result.Columns
    turned = pixels[:size].reshape(-1, result.Rows, result.Columns)[:, :, ::-1]
    result.PixelData = pack_bits(turned.ravel())


def references_mirrored_with_positions(result: Dataset) -> None:
    """As consistent as can be in itself: only the outlines tell that head and feet changed places."""
    mirrored_along_z(result)
    named = [frame.DerivationImageSequence for frame in frames(result)]
    slices = len(ON.sources)
    for number, frame in enumerate(frames(result)):
        segment, index = divmod(number, slices)
        frame.DerivationImageSequence = deepcopy(named[segment * slices + slices - 1 - index])


def shifted_by_a_slice(result: Dataset) -> None:
    for frame in frames(result):
        x, y, z = frame.PlanePositionSequence[0].ImagePositionPatient
        frame.PlanePositionSequence[0].ImagePositionPatient = [x, y, float(z) + making.BETWEEN_MM]


def shifted_by_a_pixel(result: Dataset) -> None:
    for frame in frames(result):
        x, y, z = frame.PlanePositionSequence[0].ImagePositionPatient
        frame.PlanePositionSequence[0].ImagePositionPatient = [float(x) + making.SPACING_MM[1], y, z]


def turned(result: Dataset) -> None:
    result.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [0, 1, 0, 1, 0, 0]


def spaced_otherwise(result: Dataset) -> None:
    result.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = list(making.SPACING_MM[::-1])


def of_another_space(result: Dataset) -> None:
    result.FrameOfReferenceUID = "1.2.3"


def naming_a_foreign_image(result: Dataset) -> None:
    frames(result)[4].DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"


def naming_no_image(result: Dataset) -> None:
    frames(result)[0].DerivationImageSequence = []


def without_its_last_frame(result: Dataset) -> None:
    result.PerFrameFunctionalGroupsSequence = frames(result)[:-1]
    result.NumberOfFrames = len(frames(result))


ELSEWHERE = "Frame 1 of the segmentation lies elsewhere than the image that it names."
OTHERWISE = "Frame 1 of the segmentation holds another outline than the model gave for its image."


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (mirrored_along_z, ELSEWHERE),
        (mirrored_in_the_plane, OTHERWISE),
        (references_mirrored_with_positions, OTHERWISE),
        (shifted_by_a_slice, ELSEWHERE),
        (shifted_by_a_pixel, ELSEWHERE),
        (turned, ELSEWHERE),
        (spaced_otherwise, ELSEWHERE),
        (of_another_space, "The segmentation is of another patient, study or space."),
        (naming_a_foreign_image, "Frame 5 of the segmentation names an image that is not among its sources."),
        (naming_no_image, "Frame 1 of the segmentation does not name one image."),
        (without_its_last_frame, "The segmentation lacks frames of an outline, or repeats them."),
    ],
)
def test_a_spoiled_segmentation_is_caught(spoil: Callable[[Dataset], None], sentence: str) -> None:
    spoiled = deepcopy(making.read_back(SEG))
    spoil(spoiled)

    with pytest.raises(Broken) as caught:
        check.segmentation(spoiled, FINDINGS, ON)
    assert caught.value.sentence == sentence + NOTHING_STORED


@pytest.mark.parametrize("spoil", [mirrored_along_z, shifted_by_a_slice])
def test_the_validators_see_nothing_of_it(spoil: Callable[[Dataset], None], tmp_path: Path) -> None:
    """Should this fail one day, a judge has learned to see, and the check has company."""
    spoiled = deepcopy(making.read_back(SEG))
    spoil(spoiled)
    path = tmp_path / "seg.dcm"
    path.write_bytes(making.written(spoiled))

    assert judges.dciodvfy(path) == []


def test_a_volume_that_runs_the_other_way_than_its_images_is_caught() -> None:
    reversed_volume = replace(ON, geometry=ON.geometry.flip_spatial(0))

    with pytest.raises(Broken) as caught:
        check.segmentation(SEG, FINDINGS, reversed_volume)
    assert caught.value.sentence == "Slice 1 of the volume lies elsewhere than its image." + NOTHING_STORED


def test_sound_results_pass() -> None:
    check.segmentation(SEG, FINDINGS, ON)
    check.report(SR, SEG, ON)
    check.capture(capture(Making(FINDINGS, ON, making.origin())), ON)


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


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
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
        check.report(spoiled, SEG, ON)
    assert caught.value.sentence == sentence + NOTHING_STORED


def test_a_report_that_names_another_segmentation_is_caught() -> None:
    other = deepcopy(making.read_back(SEG))
    other.SOPInstanceUID = "1.2.3"

    with pytest.raises(Broken) as caught:
        check.report(SR, other, ON)
    assert caught.value.sentence == "The report names an image that is neither a source nor a result." + NOTHING_STORED


def test_a_picture_of_a_foreign_image_is_caught() -> None:
    picture = capture(Making(FINDINGS, ON, making.origin()))
    picture.SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"

    with pytest.raises(Broken) as caught:
        check.capture(picture, ON)
    assert caught.value.sentence == "The picture names an image that is not among its sources." + NOTHING_STORED
