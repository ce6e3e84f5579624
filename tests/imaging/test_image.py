"""Single images come out bright where more is, with their spacing and sources, or are refused with a sentence."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.image import Images, images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from tests.builders import series, ultrasound
from tests.imaging.radiographs import radiograph


def read(*datasets: Dataset) -> Images:
    return images(assemble([decode(series.part10(dataset)) for dataset in datasets]))


def test_both_ways_of_storing_grey_give_the_same_image() -> None:
    plain, inverted = read(radiograph("DX")), read(radiograph("DX", inverted=True))

    np.testing.assert_array_equal(plain.plane(0), inverted.plane(0))
    assert plain.plane(0)[0, 0] == 0 and plain.plane(0)[-1, 0] == 200


def test_signed_values_are_turned_round_about_their_middle() -> None:
    signed = radiograph("CR", inverted=True)
    signed.PixelRepresentation = 1
    stored = np.frombuffer(signed.PixelData, np.int8).reshape(48, 40)

    np.testing.assert_array_equal(read(signed).plane(0), -1.0 - stored)


def test_values_are_rescaled_where_the_header_says_so() -> None:
    scaled = radiograph("CR")
    scaled.RescaleSlope, scaled.RescaleIntercept = 2, -10

    np.testing.assert_array_equal(read(scaled).plane(0), read(radiograph("CR")).plane(0) * 2 - 10)


def test_colours_stay_colours() -> None:
    picture = read(radiograph("US", colour=True)).plane(0)

    assert picture.shape == (48, 40, 3)
    assert picture[-1, 0].tolist() == [200, 100, 50]


def test_each_image_has_its_size_spacing_and_source() -> None:
    without = radiograph("DX", number=2)
    del without.ImagerPixelSpacing
    found = read(radiograph("DX"), without)

    assert len(found) == 2
    assert [found.shape_yx(index) for index in range(2)] == [(48, 40), (48, 40)]
    assert [found.pixel_mm(index) for index in range(2)] == [(0.5, 0.5), None]
    assert [(source.sop_instance_uid[-3:], source.frame_number) for source in found.sources] == [
        ("9.1", None),
        ("9.2", None),
    ]


def test_an_image_that_counts_itself_as_one_frame_has_none_to_be_named() -> None:
    header = radiograph("CR")
    header.NumberOfFrames = 1

    assert [source.frame_number for source in read(header).sources] == [None]


def test_a_lookup_table_is_refused() -> None:
    dataset = radiograph("CR")
    table = Dataset()
    table.ModalityLUTType, table.LUTDescriptor, table.LUTData = "OD", [2, 0, 16], b"\0\0\t\0"
    dataset.ModalityLUTSequence = [table]

    with pytest.raises(Unsuitable) as refusal:
        read(dataset)
    assert refusal.value.sentence == (
        "The instance 1.2.826.0.1.3680043.8.498.9.1 maps its values by a lookup table, which this node does not read; "
        "send the series with a rescale slope and intercept."
    )


def test_however_an_ultrasound_is_stored_it_is_the_same_image() -> None:
    plain = read(ultrasound.dataset("MONOCHROME2")).plane(0)

    for kind in ("RGB", "PALETTE COLOR"):
        picture = read(ultrasound.dataset(kind)).plane(0)
        np.testing.assert_allclose(picture, ultrasound.coloured(plain), atol=1e-3)
    ybr = read(ultrasound.dataset("YBR_FULL")).plane(0)
    np.testing.assert_allclose(ybr, ultrasound.coloured(plain), atol=2)


def test_every_frame_has_the_colours_of_the_palette() -> None:
    read_frames = read(ultrasound.dataset("PALETTE COLOR", frames=2))

    assert len(read_frames) == 2
    np.testing.assert_allclose(read_frames.plane(1)[..., 0], ultrasound.speckle(1).astype(np.uint8), atol=1e-3)


def test_a_palette_that_is_not_there_is_refused() -> None:
    lacking = ultrasound.dataset("PALETTE COLOR")
    del lacking.GreenPaletteColorLookupTableData

    with pytest.raises(Unsuitable) as caught:
        read(lacking)
    assert caught.value.sentence == (
        f"The instance {lacking.SOPInstanceUID} has a palette of colours that can't be read; send it as RGB or grey."
    )
