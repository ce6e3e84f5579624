"""What a running node gave back, held before programs that no one here wrote."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGLSLossless

from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume
from tests import judges
from tests.e2e import results
from tests.e2e.node import MUSCLE, Node, configured
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries, phantom_series
from tests.encode.viewed import named, viewed

SYNTAXES = (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, JPEGLSLossless)
SQUEEZED = ("SEG", "SR", "SC", "KO", "PR", "PDF")


@pytest.fixture(scope="module")
def retrieved(node: Node, finished: PushedSeries) -> dict[str, Dataset]:
    return results.retrieve(node.dicomweb(), finished.study_uid)


@pytest.fixture(scope="module")
def files(retrieved: dict[str, Dataset], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("retrieved")
    for kind, result in retrieved.items():
        result.save_as(folder / f"{kind}.dcm", enforce_file_format=True)
    return {kind: folder / f"{kind}.dcm" for kind in retrieved}


@pytest.mark.parametrize("kind", ["SEG", "SR", "SC"])
def test_dciodvfy_finds_no_error(files: dict[str, Path], kind: str) -> None:
    assert judges.dciodvfy(files[kind]) == []


def test_dcentvfy_finds_sources_and_results_of_one_mind(files: dict[str, Path], finished: PushedSeries) -> None:
    assert judges.dcentvfy([*finished.files, *files.values()]) == []


def test_dsrdump_reads_the_report(files: dict[str, Path]) -> None:
    text = judges.dsrdump(files["SR"])

    for word in ("Skeletal muscle", "Visceral", "Subcutaneous", "Not for clinical use"):
        assert word in text


def test_dcmqi_reads_the_groups_of_the_report(files: dict[str, Path], tmp_path: Path) -> None:
    groups = judges.tid1500reader(files["SR"], tmp_path)["Measurements"]

    assert len(groups) >= 3
    assert all(group["measurementItems"] for group in groups)


def test_dcmqi_reads_every_segment_of_the_segmentation(
    files: dict[str, Path], retrieved: dict[str, Dataset], tmp_path: Path
) -> None:
    read = judges.segimage2itkimage(files["SEG"], tmp_path)

    segmentation = retrieved["SEG"]
    numbers = [
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        for frame in segmentation.PerFrameFunctionalGroupsSequence
    ]
    masks = segmentation.pixel_array.reshape(len(numbers), -1)
    expected = [
        int(masks[np.array(numbers) == segment.SegmentNumber].sum()) for segment in segmentation.SegmentSequence
    ]
    assert [voxels_in(path) for path in read] == expected


def test_pydicom_and_dcmjs_read_what_came_back(files: dict[str, Path], retrieved: dict[str, Dataset]) -> None:
    for kind, path in files.items():
        assert judges.strict(path) == []
        assert judges.dcmjs(path)["SOPInstanceUID"] == retrieved[kind].SOPInstanceUID


def test_the_viewers_adapter_lays_the_segmentation_over_the_images_that_were_sent(
    files: dict[str, Path], retrieved: dict[str, Dataset], finished: PushedSeries
) -> None:
    on = volume(assemble([decode(path.read_bytes()) for path in finished.files]))
    images = viewed(on, named(retrieved["SEG"]))

    layers, labels = judges.adapters_segmentation(files["SEG"], images)

    frames = retrieved["SEG"].PerFrameFunctionalGroupsSequence
    masks = retrieved["SEG"].pixel_array.reshape(len(frames), -1)
    numbers = np.array([frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber for frame in frames])
    for segment in retrieved["SEG"].SegmentSequence:
        number = labels.index(segment.SegmentLabel)
        laid = sum(int((layer == number).sum()) for layer in layers)
        assert laid == int(masks[numbers == segment.SegmentNumber].sum())


@pytest.fixture(scope="module")
def squeezed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, PushedSeries]]:
    """A node whose archive takes every kind of object that this model can give, in as few bytes as may be."""
    folder = tmp_path_factory.mktemp("squeezed")
    profile = {"Objects": list(SQUEEZED), "Segmentations": ["labelmap"], "TransferSyntaxes": list(SYNTAXES)}
    sent = phantom_series(folder, "squeezed", slices=12)
    with Node(
        folder / "state", configured(folder, Profile="small", Profiles={"small": profile}), models=MUSCLE
    ) as running:
        Scanner(running.dicom_port).send(sent.files)
        running.job(sent.series_uid, "done")
        yield running, sent


def test_every_kind_in_any_syntax_is_stored_as_it_was_written_and_served(
    squeezed: tuple[Node, PushedSeries], tmp_path: Path
) -> None:
    node, sent = squeezed
    job = node.job(sent.series_uid)

    assert {result["kind"] for result in job["results"]} == set(SQUEEZED)
    for result in job["results"]:
        uid = result["sop_instance_uid"]
        file = node.file(uid)
        path = tmp_path / f"{result['kind']}.dcm"
        path.write_bytes(file)
        assert judges.dciodvfy(path) == judges.strict(path) == []
        assert pydicom.dcmread(path).file_meta.TransferSyntaxUID in SYNTAXES[1:]
        served = node.dicomweb().retrieve_instance(sent.study_uid, result["series_instance_uid"], uid)
        assert served.SOPInstanceUID == uid
        if "PixelData" in served:
            assert np.array_equal(served.pixel_array, pydicom.dcmread(path).pixel_array)


def voxels_in(nrrd: Path) -> int:
    """How many are not zero; a header of lines, an empty one, then the values, compressed or not."""
    header, _, values = nrrd.read_bytes().partition(b"\n\n")
    if b"encoding: gz" in header:
        values = zlib.decompress(values, wbits=zlib.MAX_WBITS | 16)
    wide = b"type: short" in header or b"type: unsigned short" in header
    return int(np.count_nonzero(np.frombuffer(values, np.uint16 if wide else np.uint8)))
