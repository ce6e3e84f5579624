"""Phantoms of every region: the same seed gives the same image, and no region looks like another."""

import numpy as np
import pytest

from export.phantoms.regions.region import REGIONS, ROWS, VIEWS, phantom
from orthanc_plugin.routing.vocabulary import PARTS


def test_the_regions_are_words_of_routing() -> None:
    assert set(REGIONS) - {"none"} <= set(PARTS)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("shifted", [False, True])
def test_a_seed_always_gives_the_same_image(region: str, shifted: bool) -> None:
    one, again = (phantom(3, region, shifted=shifted) for _ in range(2))
    np.testing.assert_array_equal(one.image, again.image)
    assert (one.region, one.view) == (region, again.view)
    assert one.image.shape == (ROWS, ROWS)
    assert one.image.dtype == np.float32
    assert np.isfinite(one.image).all()


@pytest.mark.parametrize("region", REGIONS)
def test_seeds_and_generators_give_other_images(region: str) -> None:
    images = [phantom(1, region).image, phantom(2, region).image, phantom(1, region, shifted=True).image]
    for i, one in enumerate(images):
        for other in images[i + 1 :]:
            assert np.mean(one != other) > 0.5


@pytest.mark.parametrize("region", [region for region in REGIONS if len(set(VIEWS[region])) > 1])
def test_every_modality_has_its_turn(region: str) -> None:
    assert {phantom(seed, region).view for seed in range(40)} == set(VIEWS[region])
