"""Real parts from the bytes that a scanner sends to the results: imaging, measure, encode."""

import gc
from dataclasses import replace
from time import process_time

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGLSLossless

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode import results as room
from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume
from tests.builders import series
from tests.encode import making, outlined

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


def test_several_of_one_kind_are_several_results_in_series_of_their_own() -> None:
    on = outlined.flat(outlined.mammogram(1), outlined.mammogram(2))
    everything = outlined.everything(on)
    [found] = everything.maps
    of_both = replace(found, slices=(0, 1), values_nyx=np.repeat(found.values_nyx, 2, axis=0))
    profile = Profile().model_copy(update={"objects": ("SEG", "PM", "IMAGE")})

    results = encode(Making(replace(everything, maps=(of_both,)), on, making.origin(), profile))

    assert [result.kind for result in results] == ["SEG", "PM", "PM", "IMAGE", "IMAGE"]
    assert len({result.dataset.SOPInstanceUID for result in results}) == 5
    assert len({result.dataset.SeriesInstanceUID for result in results}) == 4


def test_results_are_written_as_small_as_the_destination_reads_them() -> None:
    on = making.volume()
    syntaxes = (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, JPEGLSLossless)
    profile = Profile().model_copy(update={"transfer_syntaxes": syntaxes})

    results = encode(Making(making.findings(on), on, making.origin(), profile))

    chosen = {result.kind: making.read_back(result.dataset).file_meta.TransferSyntaxUID for result in results}
    assert chosen["SEG"] == chosen["SR"] == DeflatedExplicitVRLittleEndian
    assert chosen["SC"] in (DeflatedExplicitVRLittleEndian, JPEGLSLossless)


@pytest.mark.slow
def test_the_check_takes_a_fraction_of_the_encoding() -> None:
    """The figures of docs/conformance.md: `pytest -s -k fraction tests/encode/test_results.py`."""
    on = making.volume((100, 512, 512))
    plain, everything = making.findings(on), outlined.everything(on)
    full = replace(plain, maps=everything.maps, images=everything.images)
    wanted = Profile().model_copy(update={"objects": ("SEG", "SR", "SC", "PM", "IMAGE")})
    for findings, profile in ((plain, Profile()), (full, wanted)):
        made = Making(findings, on, making.origin(), profile)
        gc.collect()  # what other tests left behind is not to be cleared away meanwhile
        began = process_time()
        found = tuple(room._results(made))
        encoded = process_time()
        room._check(made, found)
        checked = process_time()
        print(f"{len(found)} objects: encoded in {encoded - began:.2f} s, checked in {checked - encoded:.2f} s")
        assert checked - encoded < (encoded - began) / 2
