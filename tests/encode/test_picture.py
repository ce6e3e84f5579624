from dataclasses import replace

import numpy as np
import pytest
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID

from orthanc_plugin.encode.picture import picture
from orthanc_plugin.encode.view import ABDOMEN_WINDOW_HU, derived_view, heat_label, sides, view, window
from orthanc_plugin.measure.findings import ClassFinding, DerivedImage, ValueMap
from tests.encode import making

ON = making.volume()
FINDINGS = making.findings(ON)


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


def test_a_map_is_shown_on_its_slices_when_nothing_else_is_drawn() -> None:
    values = np.stack([np.full((64, 80), share, np.float32) for share in (0, 1)])
    shown = ValueMap("Perfusion", codes.DCM.ClassActivation, codes.UCUM.NoUnits, (2, 3), values)
    mapped = replace(FINDINGS, segments=(), maps=(shown,))

    reds = [np.asarray(picture(view(mapped, ON, index), (80, 80)), int)[40, 10:20] for index in (1, 2, 3)]

    redness = [(red[:, 0] - red[:, 2]).mean() for red in reds]
    assert redness[0] == redness[1] == 0 and redness[2] > 60
    assert heat_label(mapped) == "Perfusion"
    assert heat_label(replace(mapped, segments=FINDINGS.segments)) == ""
    assert view(replace(mapped, segments=FINDINGS.segments), ON, 3).heat_yx is None


@pytest.mark.parametrize(
    ("quantity", "said"),
    [(codes.DCM.ClassActivation, "Where the model looked"), (codes.DCM.Probability, "How probable it is there")],
)
def test_the_red_of_a_page_says_what_it_is(quantity: Code, said: str) -> None:
    heat_yx = np.ones((64, 80), np.float32)
    shown = ValueMap("Heat map: Mass", quantity, codes.UCUM.NoUnits, (2,), heat_yx[np.newaxis])
    assert heat_label(replace(FINDINGS, heat_yx=heat_yx, maps=(shown,))) == said


def test_beside_absent_classes_a_page_shows_the_other_maps() -> None:
    absent = ClassFinding("Mass", codes.SCT.Mass, 0.1, 0.5, "absent", UID("2.25.1"), 2, np.zeros((5, 2)))
    values = np.ones((1, 64, 80), np.float32)
    heat, other = (
        ValueMap(label, codes.DCM.ClassActivation, codes.UCUM.NoUnits, (2,), values)
        for label in (absent.map_label, "Perfusion")
    )
    findings = replace(FINDINGS, segments=(), classes=(absent,))
    assert heat_label(replace(findings, maps=(heat,))) == ""
    assert heat_label(replace(findings, maps=(heat, other))) == "Perfusion"


def test_a_derived_image_in_the_sources_unit_compares_with_it() -> None:
    same = DerivedImage("Smoothed", codes.DCM.ClassActivation, ON.voxels_zyx)

    of_source, derived = view(FINDINGS, ON, 3), derived_view(same, ON, 3)

    assert np.array_equal(of_source.pixels, derived.pixels) and derived.caption == "Smoothed"
    doubled = derived_view(replace(same, values_zyx=ON.voxels_zyx * 2, unit=codes.UCUM.NoUnits), ON, 3)
    assert doubled.pixels.min() == 0 and doubled.pixels.max() == 255


def test_ct_is_shown_in_the_scanners_window_where_that_is_sound() -> None:
    header = making.read_back(ON.headers[0])
    for centre, wide, expected in ((40, 80, (0, 80)), ([300, 40], [600, 80], (0, 600)), (40, 0, ABDOMEN_WINDOW_HU)):
        header.WindowCenter, header.WindowWidth = centre, wide
        assert window(replace(ON, headers=(header, *ON.headers[1:])), 0) == expected
    assert window(ON, 0) == ABDOMEN_WINDOW_HU


def test_of_a_tracer_the_upper_end_is_seen_too() -> None:
    """What takes it up fills a fiftieth of the series, as evenly as from 100 to 200."""
    values = np.zeros((10, 20, 50), np.float32)
    values[:, 0, :20] = np.linspace(100, 200, 200).reshape(10, 20)
    shown = {}
    for modality in ("PT", "MR"):
        header = making.read_back(ON.headers[0])
        header.Modality = modality
        _, shown[modality] = window(replace(ON, voxels_zyx=values, headers=(header, *ON.headers[1:])), 0)
    assert shown["PT"] > 190 and shown["MR"] < 155
