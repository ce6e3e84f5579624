from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.encode import page as layout
from orthanc_plugin.encode.status import status_page
from orthanc_plugin.errors import Broken
from tests import judges
from tests.encode import making, outlined
from tests.imaging.radiographs import radiograph

HEADERS = making.volume().headers
ORIGIN = making.origin()
SENTENCE = "1 slice is missing in the series, between 123.0 and 126.0 mm along the stack; send the whole series again."

SOURCES = {
    "CT": HEADERS,
    "multi-frame": making.enhanced_volume().headers,
    "DX": outlined.flat(radiograph("DX")).headers,
    "US": outlined.flat(radiograph("US", colour=True)).headers,
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "sentence", [SENTENCE, "영상이 불완전합니다. " * 3, "long " * 400], ids=["English", "Korean", "long"]
)
def test_the_judges_hold_nothing_against_it(source: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "status.dcm"
    path.write_bytes(making.written(status_page(SOURCES[source], ORIGIN, sentence)))

    assert judges.dciodvfy(path) == []


def test_it_says_why_and_lies_in_the_study() -> None:
    result = making.read_back(status_page(HEADERS, ORIGIN, SENTENCE))

    assert result.ImageComments == f"{ORIGIN.notice}\n{SENTENCE}"
    assert result.SeriesDescription == "Abdominal muscle and fat status (not for clinical use)"
    assert (result.StudyInstanceUID, str(result.PatientName)) == (HEADERS[0].StudyInstanceUID, "Müller^Jürgen")
    assert [item.ReferencedSOPInstanceUID for item in result.SourceImageSequence] == [
        header.SOPInstanceUID for header in HEADERS
    ]
    assert result.pixel_array.shape == (layout.HEIGHT, layout.WIDTH, 3)


def test_another_reason_model_series_or_end_is_another_object() -> None:
    others = [
        status_page(HEADERS, ORIGIN, SENTENCE),
        status_page(HEADERS, ORIGIN, "Another reason."),
        status_page(HEADERS, ORIGIN, SENTENCE, "Failed"),
        status_page(HEADERS[1:], ORIGIN, SENTENCE),
        status_page(HEADERS, replace(ORIGIN, digest="6a" * 32), SENTENCE),
    ]

    assert len({result.SOPInstanceUID for result in others}) == len(others)
    assert making.written(status_page(HEADERS, ORIGIN, SENTENCE)) == making.written(others[0])
    assert not np.array_equal(others[0].pixel_array, others[2].pixel_array)


def test_a_header_that_can_not_carry_it_is_told_in_a_sentence() -> None:
    bare = Dataset()
    bare.SOPInstanceUID, bare.SOPClassUID = "1.2.3", "1.2.840.10008.5.1.4.1.1.2"

    with pytest.raises(Broken) as caught:
        status_page([bare], ORIGIN, SENTENCE)

    assert caught.value.sentence == (
        "The status page can't be written as DICOM (AttributeError); "
        "the source's header lacks or garbles what it needs. See the log."
    )
