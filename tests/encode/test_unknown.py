"""Sources whose class the standard no longer has, or never had."""

import pytest

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.errors import Unsuitable
from tests.encode import making, outlined

RETIRED_ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6"
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"


def test_an_image_derived_from_one_of_a_retired_class_is_of_its_successor() -> None:
    on = outlined.flat(outlined.of_class(RETIRED_ULTRASOUND))
    profile = Profile().model_copy(update={"objects": ("IMAGE",)})

    [derived] = encode(Making(outlined.everything(on), on, making.origin(), profile))

    assert derived.dataset.SOPClassUID == ULTRASOUND
    assert derived.dataset.SourceImageSequence[0].ReferencedSOPClassUID == RETIRED_ULTRASOUND


def test_nothing_is_written_about_images_of_a_private_class() -> None:
    on = outlined.flat(outlined.of_class("1.2.826.0.1.3680043.10.1.2"))

    with pytest.raises(Unsuitable) as refused:
        encode(Making(outlined.everything(on), on, making.origin()))

    assert str(refused.value) == (
        "The images are of the class 1.2.826.0.1.3680043.10.1.2, which is not one of the standard's, so results can't "
        "refer to them: readers would refuse reports. Have them sent as objects of a standard class."
    )
