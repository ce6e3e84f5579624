"""Real parts from the bytes that a scanner sends to the results: imaging, measure, encode."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume
from tests.builders import series
from tests.encode import making

SCAN = series.Scan(rows=40, columns=36)


@pytest.mark.parametrize(
    "arrived",
    [
        series.slices(SCAN),
        series.slices(replace(SCAN, orientation=series.OBLIQUE)),
        series.slices(replace(SCAN, orientation=series.SAGITTAL)),
        series.slices(replace(SCAN, thickness_mm=None)),
        series.slices(replace(SCAN, modality="MR")),
        series.slices(replace(SCAN, slices=1)),
        series.with_duplicate(),
        [series.enhanced()],
    ],
    ids=["axial", "oblique", "sagittal", "no thickness", "MR", "one slice", "duplicate", "enhanced"],
)
def test_what_a_scanner_sends_becomes_checked_results(arrived: list[Dataset]) -> None:
    on = volume(assemble([decode(series.part10(dataset)) for dataset in arrived]))
    findings = making.findings(on)

    results = encode(Making(findings, on, making.origin()))

    assert [result.kind for result in results] == ["SEG", "SR", "SC"]
    assert [result.dataset.Modality for result in results] == ["SEG", "SR", "OT"]
    identity = Identity.of(on, making.origin())
    for result in results:
        assert result.dataset.SOPInstanceUID == identity.instance_uid(result.kind)
        assert result.dataset.SeriesInstanceUID == identity.series_uid(result.kind)
        assert making.read_back(result.dataset).StudyInstanceUID == on.headers[0].StudyInstanceUID


def test_nothing_found_gives_a_report_and_a_picture_but_no_segmentation() -> None:
    on = making.volume()

    results = encode(Making(making.findings(on, np.zeros((3, 6, 64, 80), bool)), on, making.origin()))

    assert [result.kind for result in results] == ["SR", "SC"]


def test_no_private_attribute_is_written() -> None:
    on = making.volume()

    for result in encode(Making(making.findings(on), on, making.origin())):
        private = [element.tag for element in making.read_back(result.dataset).iterall() if element.tag.is_private]
        assert private == []


def test_a_header_that_dicom_can_not_be_written_from_is_told_without_its_values() -> None:
    on = making.volume()
    headers = [making.read_back(header) for header in on.headers]
    del headers[1].StudyInstanceUID
    lacking = replace(on, headers=tuple(headers))

    with pytest.raises(Broken) as refused:
        encode(Making(making.findings(lacking), lacking, making.origin()))
    assert refused.value.sentence == (
        "The results can't be written as DICOM (AttributeError); "
        "the source's header lacks or garbles what they need. See the log."
    )
