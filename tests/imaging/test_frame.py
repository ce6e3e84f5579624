"""One frame of a volume or of images: the same pixels in the same place, and nothing of the others."""

import numpy as np
import pytest

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.frame import only_frame
from orthanc_plugin.imaging.image import Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import Volume, volume
from tests.builders.series import enhanced, part10, slices


def test_a_frame_of_a_volume_stays_where_it_is() -> None:
    whole = volume(assemble([decode(part10(enhanced()))]))
    index = next(place for place, source in enumerate(whole.sources) if source.frame_number == 3)

    one = only_frame(whole, 3)

    assert isinstance(one, Volume)
    assert np.array_equal(one.voxels_zyx, whole.voxels_zyx[index : index + 1])
    assert one.sources == (whole.sources[index],)
    assert one.headers == whole.headers
    ours, theirs = (
        each.geometry.map_indices_to_reference(np.array([[at, 2, 1]])) for each, at in ((one, 0), (whole, index))
    )
    assert ours == pytest.approx(theirs)


def test_a_frame_of_images() -> None:
    whole = images(assemble([decode(part10(enhanced()))]))

    one = only_frame(whole, 2)

    assert isinstance(one, Images) and len(one) == len(one.spacings_mm) == 1
    assert np.array_equal(one.pixels[0], whole.pixels[1])
    assert one.sources[0].frame_number == 2


def test_a_single_image_is_its_own_first_frame() -> None:
    whole = images(assemble([decode(part10(slices()[0]))]))

    assert only_frame(whole, 1).sources == whole.sources


def test_a_frame_that_is_not_there() -> None:
    whole = images(assemble([decode(part10(enhanced()))]))
    count = len(whole)

    with pytest.raises(Unsuitable) as caught:
        only_frame(whole, count + 1)

    assert caught.value.sentence == (
        f"The instance has no frame {count + 1} that a model could run on; it has {count}, counted from 1."
    )
