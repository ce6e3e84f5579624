"""Even tissue within a sector: windows that lie in it wholly, without vessels, the most even first."""

import numpy as np

from orthanc_plugin.imaging.parenchyma import Box, Windows
from orthanc_plugin.imaging.sector import sector
from tests.builders.ultrasound import Floats, coloured, lettered, speckle


def even(pixels: Floats, side: int = 40) -> tuple[Box, ...]:
    return Windows(sector(pixels), side, side).even()


def test_all_windows_lie_in_the_sector() -> None:
    found = sector(speckle())

    boxes = Windows(found, 40, 40).boxes

    assert len(boxes) > 20
    assert all(found.inside_yx[box.window].all() for box in boxes)


def test_vessels_are_not_even() -> None:
    grey = speckle()
    grey[90:150, 145:155] = 3

    assert even(speckle())
    assert all(grey[box.window].min() > 3 for box in even(grey)[:5])


def test_the_more_even_side_is_taken() -> None:
    """On the left of the middle it is mottled."""
    grey = speckle()
    rows, columns = np.indices(grey.shape)
    mottled = (columns < 150) & ((rows // 20 + columns // 20) % 2 == 0)
    grey = np.where(mottled & (grey > 0), grey * 0.75, grey).astype(np.float32)

    assert even(grey)[0].left >= 145


def test_what_was_written_on_is_not_looked_at() -> None:
    written = lettered(speckle(), (130, 120))

    touched = written != np.floor(speckle())
    assert even(written)
    assert not any(touched[box.window].any() for box in even(written))


def test_what_is_coloured_is_not_looked_at() -> None:
    flow = coloured(speckle())
    flow[60:200, 150:] = np.where(flow[60:200, 150:] > 0, (200, 30, 30), 0)

    assert all(box.left + box.width <= 155 for box in even(flow))


def test_a_window_larger_than_the_sector_is_nowhere() -> None:
    assert even(speckle(), side=230) == ()
    assert even(np.zeros((100, 100), np.float32)) == ()


def test_the_outline_of_a_box_is_closed_around_its_pixels() -> None:
    outline = Box(10, 20, 50, 40).contour_xy

    assert outline.tolist() == [[10, 20], [60, 20], [60, 60], [10, 60], [10, 20]]
