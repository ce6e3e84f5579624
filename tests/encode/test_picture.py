import numpy as np
import pytest

from orthanc_plugin.encode.picture import picture
from orthanc_plugin.encode.view import sides, view
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
