from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from orthanc_plugin.encode import page as layout
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.page import page
from orthanc_plugin.encode.picture import picture
from orthanc_plugin.encode.sc import capture
from orthanc_plugin.encode.theme import DARK
from orthanc_plugin.encode.view import sides, view
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.encode import making

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
    [source] = result.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == ON.sources[FINDINGS.key_slice].sop_instance_uid
    assert result.BurnedInAnnotation == "NO"
    assert result.ImageComments == "Not for clinical use. Trained on synthetic phantoms."
    assert (result.DateOfSecondaryCapture, result.TimeOfSecondaryCapture) == ("20260203", "140506")


def test_another_moment_of_making_gives_the_same_pixels() -> None:
    later = replace(making.origin(), created_at=making.origin().created_at + timedelta(days=400))

    assert np.array_equal(page(MAKING), page(replace(MAKING, origin=later)))


def test_nobody_is_named_on_the_page() -> None:
    other = making.volume(patient_name="Someone^Else")

    assert np.array_equal(page(MAKING), page(replace(MAKING, imaged=other)))


def colour_at(of: np.ndarray, row: float, column: float, size: int) -> list[int]:
    """The pixel of the square picture where a pixel of the slice was drawn."""
    rows, columns = ON.voxels_zyx.shape[1:]
    per_mm = size / max(rows * making.SPACING_MM[0], columns * making.SPACING_MM[1])
    left = (size - columns * making.SPACING_MM[1] * per_mm) / 2
    top = (size - rows * making.SPACING_MM[0] * per_mm) / 2
    y = top + (row + 0.5) * making.SPACING_MM[0] * per_mm
    x = left + (column + 0.5) * making.SPACING_MM[1] * per_mm
    return [int(value) for value in of[int(y), int(x)]]


def test_overlays_lie_on_their_tissue_in_their_colours_and_leave_the_rest_grey() -> None:
    shown = np.asarray(picture(view(FINDINGS, ON, FINDINGS.key_slice), (600, 600)))
    muscle = FINDINGS.segments[0].mask_zyx[FINDINGS.key_slice]
    rows, columns = np.nonzero(muscle[2:, 2:-2] & muscle[:-2, 2:-2] & muscle[1:-1, 4:] & muscle[1:-1, :-4])
    red, green, blue = np.array(
        [colour_at(shown, row + 1, column + 2, 600) for row, column in zip(rows, columns, strict=True)]
    ).T
    assert (red > green + 10).all() and (red > blue + 10).all()

    nothing = ~np.logical_or.reduce([segment.mask_zyx[FINDINGS.key_slice] for segment in FINDINGS.segments])
    red, green, blue = colour_at(shown, 30, 4, 600)
    assert nothing[30, 4] and red == green == blue


def test_the_picture_keeps_proportions() -> None:
    shown = np.asarray(picture(view(FINDINGS, ON, FINDINGS.key_slice), (600, 600))).max(axis=2)
    body = np.argwhere(shown[45:555, 120:485] > 40)
    height, width = np.ptp(body, axis=0)
    union = np.argwhere(np.logical_or.reduce([s.mask_zyx[FINDINGS.key_slice] for s in FINDINGS.segments]))
    rows, columns = np.ptp(union, axis=0) + 1

    assert height / width == pytest.approx(rows * 1.25 / (columns * 0.75), rel=0.05)


@pytest.mark.parametrize(
    ("orientation", "around"),
    [
        (making.AXIAL, ("R", "L", "A", "P")),
        ((-1.0, 0.0, 0.0, 0.0, -1.0, 0.0), ("L", "R", "P", "A")),
        ((0.0, 1.0, 0.0, 0.0, 0.0, -1.0), ("A", "P", "H", "F")),
        ((1.0, 0.0, 0.0, 0.0, 0.0, -1.0), ("R", "L", "H", "F")),
        (making.OBLIQUE, ("R", "L", "A", "P")),
    ],
    ids=["axial", "turned round", "sagittal", "coronal", "oblique"],
)
def test_letters_tell_what_lies_left_right_top_and_bottom(
    orientation: tuple[float, ...], around: tuple[str, str, str, str]
) -> None:
    place = making.geometry((6, 64, 80), orientation)

    assert sides(place) == around
    assert sides(place.flip_spatial(0)) == around


def test_more_cautions_than_fit_are_counted_not_written_over_the_notice() -> None:
    notice_from = layout.HEIGHT - 62
    few, many = (
        page(
            replace(
                MAKING, findings=replace(FINDINGS, cautions=("The slices are thick, and some of them lean.",) * count)
            )
        )
        for count in (0, 30)
    )

    assert np.array_equal(few[notice_from:], many[notice_from:])
    assert not np.array_equal(few, many)


@pytest.mark.parametrize("notice", ["", "Not for clinical use. " * 12])
def test_a_notice_of_any_length_is_shown_within_the_page(notice: str) -> None:
    shown = page(replace(MAKING, origin=replace(making.origin(), notice=notice)))
    strip = shown[layout.HEIGHT - 62 : layout.HEIGHT - 16, layout.MARGIN : layout.RIGHT]

    assert (strip == DARK.amber).all(axis=2).any() == bool(notice)
    assert (shown[:, : layout.MARGIN] == DARK.background).all()
