"""What a running node gave back, held before programs that no one here wrote."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests import judges
from tests.e2e import results
from tests.e2e.node import Node
from tests.e2e.series import PushedSeries


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


def voxels_in(nrrd: Path) -> int:
    """How many are not zero; a header of lines, an empty one, then the values, compressed or not."""
    header, _, values = nrrd.read_bytes().partition(b"\n\n")
    if b"encoding: gz" in header:
        values = zlib.decompress(values, wbits=zlib.MAX_WBITS | 16)
    wide = b"type: short" in header or b"type: unsigned short" in header
    return int(np.count_nonzero(np.frombuffer(values, np.uint16 if wide else np.uint8)))
