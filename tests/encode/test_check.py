"""What no validator sees: results that are mirrored, shifted, or that name what is not there."""

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.encode import check
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.sc import capture
from orthanc_plugin.encode.seg import segmentations
from orthanc_plugin.encode.sr import report
from orthanc_plugin.errors import Broken
from tests.encode import making

ON = making.volume()
FINDINGS = making.findings(ON)
SEG = segmentations(Making(FINDINGS, ON, making.origin()))
NOTHING_STORED = " Nothing was stored; report this as an error of the node."


def test_sound_results_pass() -> None:
    check.capture(capture(Making(FINDINGS, ON, making.origin())), ON)


def test_a_picture_of_a_foreign_image_is_caught() -> None:
    picture = capture(Making(FINDINGS, ON, making.origin()))
    picture.SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"

    with pytest.raises(Broken) as caught:
        check.capture(picture, ON)
    assert caught.value.sentence == "The picture names an image that is not among its sources." + NOTHING_STORED


def test_what_the_study_belongs_to_is_no_reference_of_ours() -> None:
    """Information systems leave such names in every header; no one can resolve them, and no one needs to."""
    document = making.read_back(report(Making(FINDINGS, ON, making.origin()), SEG))
    study = Dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", "1.2.3"
    document.ReferencedStudySequence = [study]

    check.references(document, ON, SEG)

    document.PertinentOtherEvidenceSequence = [study]
    with pytest.raises(Broken) as caught:
        check.references(document, ON, SEG)
    assert caught.value.sentence == "The SR object names what is neither a source nor a result." + NOTHING_STORED
