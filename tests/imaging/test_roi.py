"""The region that an order names, or the sentence on what is wrong with it."""

import pytest

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.parenchyma import Box
from orthanc_plugin.imaging.roi import GivenRegion, given_region
from orthanc_plugin.imaging.volume import SourceSlice


def test_a_region_on_every_image() -> None:
    region = given_region({"roi": "120, 80,50,40", "height_m": 1.7})

    assert region == GivenRegion(Box(120, 80, 50, 40))
    assert region.lies_on(SourceSlice("1.2", "1.2.3", None))
    assert region.lies_on(SourceSlice("1.2", "1.2.4", 7))


def test_a_region_on_one_frame_of_one_instance() -> None:
    region = given_region({"roi": "120,80,50,50", "roi_instance": "1.2.3", "roi_frame": 2.0})

    assert region is not None
    assert region.lies_on(SourceSlice("1.2", "1.2.3", 2))
    assert not region.lies_on(SourceSlice("1.2", "1.2.3", 1))
    assert not region.lies_on(SourceSlice("1.2", "1.2.4", 2))


def test_no_region() -> None:
    assert given_region({"height_m": 1.7}) is None


AS_IT_SHOULD_BE = "give it as left,top,width,height in whole pixels, 16 at least for each side."


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"roi": "120,80,50"}, f'The parameter roi is "120,80,50"; {AS_IT_SHOULD_BE}'),
        ({"roi": "-1,80,50,50"}, f'The parameter roi is "-1,80,50,50"; {AS_IT_SHOULD_BE}'),
        ({"roi": "1,80,50,15"}, f'The parameter roi is "1,80,50,15"; {AS_IT_SHOULD_BE}'),
        ({"roi": 50.0}, f'The parameter roi is "50.0"; {AS_IT_SHOULD_BE}'),
        (
            {"roi": "1,8,50,50", "roi_frame": 0},
            'The parameter roi_frame is "0"; give the number of a frame, from 1.',
        ),
        (
            {"roi": "1,8,50,50", "roi_frame": "second"},
            'The parameter roi_frame is "second"; give the number of a frame, from 1.',
        ),
        ({"roi_frame": 2}, "roi_instance and roi_frame say where a region lies; give roi, too."),
    ],
)
def test_a_wrong_region_is_refused(parameters: dict[str, str | float | int | bool], sentence: str) -> None:
    with pytest.raises(Unsuitable) as caught:
        given_region(parameters)
    assert caught.value.sentence == sentence


def test_a_region_beyond_the_image_is_refused() -> None:
    region = GivenRegion(Box(600, 400, 50, 50))

    assert region.within(450, 650) == region.box
    with pytest.raises(Unsuitable) as caught:
        region.within(449, 650)
    assert caught.value.sentence == (
        "The region 600,400,50,50 leaves the image, which has 449 rows and 650 columns; correct roi."
    )
