"""What no validator sees: results that are mirrored, shifted, or that name what is not there."""

import pytest

from orthanc_plugin.encode import check
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.sc import capture
from orthanc_plugin.errors import Broken
from tests.encode import making

ON = making.volume()
FINDINGS = making.findings(ON)
NOTHING_STORED = " Nothing was stored; report this as an error of the node."


def test_sound_results_pass() -> None:
    check.capture(capture(Making(FINDINGS, ON, making.origin())), ON)


def test_a_picture_of_a_foreign_image_is_caught() -> None:
    picture = capture(Making(FINDINGS, ON, making.origin()))
    picture.SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"

    with pytest.raises(Broken) as caught:
        check.capture(picture, ON)
    assert caught.value.sentence == "The picture names an image that is not among its sources." + NOTHING_STORED
