"""Every kind of object on every kind of source before programs that no one here wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread

from orthanc_plugin.deliver.profile import Kind, Profile
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import Result, encode
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.encode import making, outlined
from tests.encode.nrrd import marked_points_lps
from tests.encode.viewed import named, viewed

KINDS = tuple(kind for kind in get_args(Kind) if kind != "STATUS")
SOURCES: dict[str, Callable[[], Imaged]] = {
    "axial CT": making.volume,
    "oblique CT": lambda: making.volume(orientation=making.OBLIQUE),
    "multi-frame CT": making.enhanced_volume,
    "oblique MR": outlined.oblique_mr,
    "PET": outlined.pet,
    **outlined.FLAT,
}
EVERYTHING = Profile().model_copy(update={"objects": KINDS, "binary_in_whole_words": True})


@pytest.fixture(params=SOURCES, scope="module")
def on(request: pytest.FixtureRequest) -> Imaged:
    return SOURCES[request.param]()


@pytest.fixture(scope="module")
def results(on: Imaged) -> tuple[Result, ...]:
    beside = outlined.laid()
    laid = (beside,) if isinstance(on, Volume) else ()
    return encode(Making(outlined.everything(on), on, making.origin(), EVERYTHING, beside.headers, laid=laid))


@pytest.fixture(scope="module")
def files(results: tuple[Result, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    folder = tmp_path_factory.mktemp("results")
    found = {}
    for number, result in enumerate(results):
        path = folder / f"{number:02}-{result.kind}.dcm"
        path.write_bytes(making.written(result.dataset))
        found[path] = result.kind
    return found


def of(kind: str, files: dict[Path, str]) -> list[Path]:
    return [path for path, of_kind in files.items() if of_kind == kind]


def test_every_kind_is_there(files: dict[Path, str], on: Imaged) -> None:
    """Single images lie in no space that another could be laid on."""
    assert set(files.values()) == set(KINDS) - (set() if isinstance(on, Volume) else {"REG"})


def test_dciodvfy_finds_no_error(files: dict[Path, str]) -> None:
    assert {path.name: judges.dciodvfy(path) for path in files} == {path.name: [] for path in files}


def test_pydicom_finds_no_value_that_the_standard_forbids(files: dict[Path, str]) -> None:
    assert {path.name: judges.strict(path) for path in files} == {path.name: [] for path in files}


def test_dcentvfy_finds_them_of_one_mind(files: dict[Path, str]) -> None:
    assert judges.dcentvfy(files) == []


def test_dcmjs_reads_and_writes_them(files: dict[Path, str], results: tuple[Result, ...]) -> None:
    for path, result in zip(files, results, strict=True):
        assert judges.dcmjs(path)["SOPInstanceUID"] == result.dataset.SOPInstanceUID


@pytest.mark.parametrize("kind", ["SR", "KO"])
def test_dsrdump_reads_the_documents(kind: str, files: dict[Path, str]) -> None:
    assert of(kind, files)
    for path in of(kind, files):
        assert judges.dsrdump(path)


def test_dcmqi_reads_the_groups_of_the_report(files: dict[Path, str], tmp_path: Path) -> None:
    [report] = of("SR", files)

    assert judges.tid1500reader(report, tmp_path)["Measurements"]


def test_dcmqi_reads_every_outline(files: dict[Path, str], on: Imaged, tmp_path: Path) -> None:
    read = [nrrd for path in of("SEG", files) for nrrd in judges.segimage2itkimage(path, tmp_path / path.stem)]

    voxels = sum(len(marked_points_lps(nrrd)) for nrrd in read)
    assert voxels == sum(int(segment.mask_zyx.sum()) for segment in outlined.segments(on))


def test_the_viewers_adapter_lays_every_outline_over_its_images(files: dict[Path, str], on: Imaged) -> None:
    laid = {name: marked for path in of("SEG", files) for name, marked in outlines_laid(path, on)}

    expected = {
        (segment.label, index): segment.mask_zyx[index][: on.shape_yx(index)[0], : on.shape_yx(index)[1]]
        for segment in outlined.segments(on)
        for index in np.flatnonzero(segment.mask_zyx.any(axis=(1, 2)))
    }
    assert laid.keys() == expected.keys()
    assert all(np.array_equal(laid[name], expected[name].ravel()) for name in expected)


def test_the_viewers_adapter_lays_every_map_over_its_images(files: dict[Path, str], on: Imaged) -> None:
    [found] = outlined.everything(on).maps
    [path] = of("PM", files)
    images = viewed(on, named(dcmread(path)))

    for image, laid in zip(images, judges.adapters_map(path, images), strict=True):
        rows, columns = on.shape_yx(image["index"])
        there = image["index"] in found.slices
        expected = found.values_nyx[0, :rows, :columns] if there else np.zeros((rows, columns))
        assert np.array_equal(laid, expected.ravel())


def outlines_laid(path: Path, on: Imaged) -> Iterator[tuple[tuple[str, int], NDArray[np.bool_]]]:
    """Label and image, and the pixels that the adapter marks there; images where it marks none are left out."""
    images = viewed(on, named(dcmread(path)))
    layers, labels = judges.adapters_segmentation(path, images)
    for layer in layers:
        for image, pixels in zip(images, layer, strict=True):
            for number in sorted(set(pixels.tolist()) - {0}):
                yield (labels[number], image["index"]), pixels == number


@pytest.mark.parametrize("report", ["comprehensive-3d", "comprehensive"])
def test_an_exception_is_needed_as_long_as_its_row_stands(
    report: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of dciodvfy, which are all about label maps; those of PixelMed are seen where its reports are judged."""
    on = making.volume()
    profile = EVERYTHING.model_copy(update={"segmentations": ("labelmap",), "report": report})
    written = encode(Making(outlined.everything(on), on, making.origin(), profile))
    paths = {result.kind: tmp_path / f"{result.kind}.dcm" for result in written}
    for result in written:
        paths[result.kind].write_bytes(making.written(result.dataset))
    rows = [row for row in judges.exceptions() if row.judge == judges.DCIODVFY]

    assert {kind: judges.dciodvfy(path) for kind, path in paths.items()} == {kind: [] for kind in paths}

    monkeypatch.setattr(judges, "exceptions", list)
    for kind in ("SEG", "SR"):
        sop_class = dcmread(paths[kind]).SOPClassUID.name
        words = [row.words for row in rows if sop_class in row.sop_class]
        held = judges.dciodvfy(paths[kind])
        assert words
        assert all(any(each in error for error in held) for each in words)
