"""What of an ultrasound screen is an echo: the fan, without what the machine wrote around and into it."""

import numpy as np

from orthanc_plugin.imaging.sector import sector
from tests.builders.ultrasound import COLUMNS, ROWS, coloured, fan, lettered, speckle


def test_the_fan_is_found() -> None:
    found = sector(speckle()).inside_yx

    overlap = (found & fan()).sum() / (found | fan()).sum()
    assert overlap > 0.95


def test_text_beside_the_fan_is_outside() -> None:
    found = sector(lettered(speckle(), (4, 6))).inside_yx

    assert not found[:30, :60].any()


def test_text_on_the_fan_is_cut_out_and_speckle_is_not() -> None:
    plain, written = speckle(), lettered(speckle(), (130, 120))
    strokes = (written - plain) > 20

    found = sector(written).inside_yx

    # The soft edges of the letters may be left.
    assert (found & strokes).sum() < 0.3 * strokes.sum()
    assert found[180:200, 130:170].all()


def test_colours_are_cut_out() -> None:
    flow = coloured(speckle())
    flow[100:130, 130:160] = (200, 40, 30)

    found = sector(flow).inside_yx

    assert not found[105:125, 135:155].any()
    assert found[160:190, 135:155].all()


def test_a_vessel_belongs_to_the_sector() -> None:
    grey = speckle()
    grey[120:150, 120:180] = 0

    assert sector(grey).inside_yx[125:145, 125:175].all()


def test_a_page_of_text_has_no_sector() -> None:
    page = lettered(np.zeros((ROWS, COLUMNS), np.float32), (20, 20), "Distance 4.2 cm")

    assert not sector(page).inside_yx.any()
    assert sector(page).rows == (0, 0)


def test_a_blank_image_has_no_sector() -> None:
    assert not sector(np.full((ROWS, COLUMNS), 7, np.float32)).inside_yx.any()
