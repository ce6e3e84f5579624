"""Regions that one stage finds on a whole image and another outlines, on images whose answers are known by hand."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.model import infer
from orthanc_plugin.inference.preprocess import Placement
from orthanc_plugin.inference.regions import Region, found, squared
from orthanc_plugin.routing.folder import Model
from tests.inference import graphs
from tests.inference.test_model import images

FINDS = {"name": "find", "files": ["find.onnx"], "kind": "image", "outputs": ["candidates"], "rows": 32, "columns": 24}


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


def finder(folder: Path, factors: list[float] | None = None, within: dict[str, Any] | None = None) -> Model:
    """What is bright on the image shrunk to 32 x 24 is a candidate, what is bright in its region is outlined."""
    graphs.write_channels(folder / "find.onnx", factors or [1.0], output="candidates")
    graphs.write_channels(folder / "model.onnx", [1.0])
    looks = {"stage": "find", "output": "candidates", "threshold": 0.3, "margin": 0.25} | (within or {})
    stages = [graphs.stage(**FINDS), graphs.stage(kind="regions", within=looks, rows=20, columns=20, batch=2)]
    return graphs.model(folder, stages, graphs.segments(graphs.segment("Mass"), steps=[{"step": "threshold"}]))


def picture(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (320, 240)) -> NDArray[np.float32]:
    """Bright boxes (top, left, bottom, right) on a dark image, each in the shade that its number gives."""
    pixels = np.random.default_rng(3).uniform(0, 0.1, shape).astype(np.float32)
    for number, (top, left, bottom, right) in enumerate(boxes):
        pixels[top:bottom, left:right] = 1.0 - 0.1 * number
    return pixels


def masks(device: Device, model: Model, *pixels: NDArray[np.float32]) -> NDArray[np.bool_]:
    drawn = infer(device, model, {"series": images(*pixels)}, 10, lambda: None).drawn
    assert drawn.masks_szyx is not None
    return drawn.masks_szyx[0]


def test_what_is_found_on_the_small_image_is_outlined_on_the_large_one(device: Device, tmp_path: Path) -> None:
    pixels = picture((40, 30, 75, 80), (200, 150, 221, 171))
    [mask] = masks(device, finder(tmp_path / "mass"), pixels)
    assert (mask != (pixels > 0.5)).mean() < 0.0005  # corners that the matrix of a region rounds off


def test_something_at_the_edge_of_the_image_is_outlined_to_the_edge(device: Device, tmp_path: Path) -> None:
    pixels = picture((0, 0, 40, 25), (290, 200, 320, 240))
    [mask] = masks(device, finder(tmp_path / "mass"), pixels)
    assert (mask != (pixels > 0.5)).mean() < 0.002
    assert mask[0, 0] and mask[-1, -1]


def test_each_image_has_its_own_regions_and_one_without_has_none(device: Device, tmp_path: Path) -> None:
    pixels = (picture((40, 30, 80, 70)), picture(), picture((10, 100, 60, 150), shape=(160, 200)))
    found_on = masks(device, finder(tmp_path / "mass"), *pixels)
    assert found_on.shape == (3, 320, 240)
    assert [int(mask.sum()) for mask in found_on] == pytest.approx([1600, 0, 2500], rel=0.06)


def test_of_more_regions_than_are_wanted_the_plainest_are_looked_at(device: Device, tmp_path: Path) -> None:
    pixels = picture((20, 20, 50, 50), (200, 30, 230, 60), (100, 160, 130, 190))
    [mask] = masks(device, finder(tmp_path / "mass", within={"most": 2}), pixels)
    assert mask[35, 35] and mask[215, 45] and not mask[115, 175]


def test_where_regions_overlap_the_larger_answer_counts(device: Device, tmp_path: Path) -> None:
    """Two parts so near that the region of the one cuts through the other."""
    pixels = picture((40, 40, 80, 80), (40, 100, 80, 140))
    [mask] = masks(device, finder(tmp_path / "mass", within={"margin": 0.8}), pixels)
    assert (mask != (pixels > 0.5)).mean() < 0.01


def test_a_mammogram_of_full_resolution_takes_bounded_memory(device: Device, tmp_path: Path) -> None:
    """4000 x 3000 pixels, 48 MB: the answers of the whole image, its mask, and what the steps on masks need."""
    pixels = picture((400, 300, 750, 800), (3800, 2700, 4000, 3000), shape=(4000, 3000))
    model = finder(tmp_path / "mass")
    tracemalloc.start()
    try:
        [mask] = masks(device, model, pixels)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (mask != (pixels > 0.5)).mean() < 0.001
    assert peak_bytes < 3 * pixels.nbytes


def test_candidates_are_one_map(device: Device, tmp_path: Path) -> None:
    with pytest.raises(Broken) as failure:
        masks(device, finder(tmp_path / "mass", factors=[1.0, 0.5]), picture((40, 30, 75, 80)))
    assert failure.value.sentence == (
        "The network find.onnx of mass answered the shape (1, 2, 32, 24) in candidates, where each has one map of "
        "candidates; its card and its graph must agree."
    )


WHOLE = Placement((400, 300), (40, 30), (0, 0), (40, 30))


def test_a_region_is_a_square_with_its_margin_and_stays_on_the_image() -> None:
    assert squared(Region(100, 100, 150, 120), 0.1, (400, 300)) == Region(95, 80, 155, 140)
    assert squared(Region(0, 280, 40, 300), 0.1, (400, 300)) == Region(0, 252, 48, 300)
    assert squared(Region(0, 0, 400, 300), 0.1, (400, 300)) == Region(0, 0, 400, 300)


def test_a_map_coarser_than_the_matrix_leads_to_the_same_place() -> None:
    fine = np.zeros((40, 30), np.float32)
    fine[10:14, 20:24] = 0.9
    coarse = np.zeros((20, 15), np.float32)
    coarse[5:7, 10:12] = 0.9
    regions = [found(each, WHOLE, 0.5, 0.0, 8) for each in (fine, coarse)]
    assert regions[0] == regions[1]
    assert [(each.region, each.probability) for each in regions[0]] == [
        (Region(100, 200, 140, 240), pytest.approx(0.9))
    ]


def test_what_lies_in_the_padding_is_no_region() -> None:
    """A narrow image in the middle of the matrix: the network may answer anything beside it."""
    place = Placement((400, 100), (40, 10), (0, 10), (40, 30))
    beside = np.zeros((40, 30), np.float32)
    beside[5:9, 1:4] = 0.9
    assert found(beside, place, 0.5, 0.1, 8) == ()
