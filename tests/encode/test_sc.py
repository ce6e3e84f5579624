from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode import page as layout
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import page
from orthanc_plugin.encode.sc import capture, scrolling
from orthanc_plugin.encode.scrolling import scrolled
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.encode import making, outlined
from tests.imaging.radiographs import radiograph

ON = making.volume()
FINDINGS = making.findings(ON)
MAKING = Making(FINDINGS, ON, making.origin())


def test_the_judges_hold_nothing_against_it(volume: Volume, tmp_path: Path) -> None:
    path = tmp_path / "sc.dcm"
    path.write_bytes(making.written(capture(Making(making.findings(volume), volume, making.origin()))))

    assert judges.dciodvfy(path) == []


@pytest.mark.parametrize("body_part", ["", "ABDOMEN", "KIDNEY", "CHEST_TO_PELVIS"])
def test_the_judges_hold_nothing_against_any_body_part(body_part: str, tmp_path: Path) -> None:
    headers = [making.read_back(header) for header in ON.headers]
    for header in headers:
        header.BodyPartExamined = body_part
    path = tmp_path / "sc.dcm"
    path.write_bytes(making.written(capture(Making(FINDINGS, replace(ON, headers=tuple(headers)), making.origin()))))

    assert judges.dciodvfy(path) == []


def test_the_same_making_gives_the_same_bytes(volume: Volume) -> None:
    once, again = (making.written(capture(Making(making.findings(volume), volume, making.origin()))) for _ in range(2))

    assert once == again


def test_it_is_an_rgb_page_that_names_the_image_it_shows() -> None:
    result = making.read_back(capture(Making(FINDINGS, ON, making.origin())))

    assert (result.PhotometricInterpretation, result.Rows, result.Columns) == ("RGB", layout.HEIGHT, layout.WIDTH)
    assert np.array_equal(result.pixel_array, page(MAKING))
    shown = [source.ReferencedSOPInstanceUID for source in result.SourceImageSequence]
    assert shown == [ON.sources[index].sop_instance_uid for index in layout.shown_slices(FINDINGS)]
    assert shown[0] == ON.sources[FINDINGS.key_slice].sop_instance_uid
    assert result.BurnedInAnnotation == "NO"
    assert result.ImageComments == "Not for clinical use. Trained on synthetic phantoms."
    assert (result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture) == ("20260203", "140506")


def test_a_page_that_names_the_patient_says_so_in_its_header() -> None:
    profile = Profile().model_copy(update={"patient_on_page": True})

    assert capture(replace(MAKING, profile=profile)).BurnedInAnnotation == "YES"


@pytest.mark.parametrize(
    ("modality", "stated", "burned"),
    [("CR", "", "NO"), ("CR", "YES", "YES"), ("US", "", "YES"), ("US", "NO", "NO")],
)
def test_what_is_written_into_the_source_is_on_the_page(modality: str, stated: str, burned: str) -> None:
    header = radiograph(modality)
    if stated:
        header.BurnedInAnnotation = stated

    assert capture(outlined.made(outlined.flat(header))).BurnedInAnnotation == burned


def test_the_judges_hold_nothing_against_slices_to_scroll_through(volume: Volume, tmp_path: Path) -> None:
    path = tmp_path / "scrolling.dcm"
    path.write_bytes(making.written(scrolling(Making(making.findings(volume), volume, making.origin()))))

    assert judges.dciodvfy(path) == []


def test_every_slice_is_a_frame_in_a_series_of_its_own() -> None:
    result = making.read_back(scrolling(MAKING))

    assert result.NumberOfFrames == len(ON) and result.pixel_array.shape[0] == len(ON)
    assert [item.ReferencedSOPInstanceUID for item in result.SourceImageSequence] == [
        source.sop_instance_uid for source in ON.sources
    ]
    assert result.SeriesInstanceUID != capture(MAKING).SeriesInstanceUID
    assert result.SeriesDescription == "Abdominal muscle and fat all slices (not for clinical use)"
    assert not np.array_equal(result.pixel_array[0], result.pixel_array[-1])


def test_of_many_slices_those_around_what_was_found_are_thinned_out() -> None:
    count = 400
    on = making.volume((count, 8, 8))
    found = np.zeros((3, count, 8, 8), bool)
    found[:, 100:300, 2:6, 2:6] = True
    findings = replace(making.findings(on, found), key_slice=151, worth_opening=())

    slices = scrolled(Making(findings, on, making.origin()))

    assert slices == list(range(97, 305, 3)) and 151 in slices and len(slices) <= 72


def test_the_smallest_making_has_one_frame_with_the_key_slice() -> None:
    on = making.volume((1, 16, 16))

    assert scrolled(Making(making.findings(on), on, making.origin())) == [0]
