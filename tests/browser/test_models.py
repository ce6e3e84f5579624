"""What a person sees of each model of the catalogue in the viewer that the node serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.routing.folder import read
from tests.browser.browser import Browser
from tests.browser.viewer import OUTLINED, Viewer
from tests.e2e import results
from tests.e2e.node import PROJECT, Node
from tests.waiting import eventually

COLOURFUL = 50
"""Of 255, between the largest and the least of red, green and blue; where a map says little, its tint has less."""
BRIGHT = 100
"""Of 255, in red, green and blue: what is grey there is the image, not the map."""
WHILE_THEY_COME_S = 5
"""OHIF waits a second before it measures what it was told of."""
CATALOGUE = sorted(path.parent.name for path in (PROJECT / "onnx_models").glob("*/card.json"))


@pytest.fixture(scope="module")
def browser(catalogue_node: Node) -> Iterator[Browser]:
    with Browser(catalogue_node.url, *catalogue_node.credentials) as opened:
        yield opened


@pytest.mark.parametrize("model", CATALOGUE)
def test_results_hang_beside_their_source(
    model: str, browser: Browser, catalogue_node: Node, demonstrated: dict[str, dict[str, Any]]
) -> None:
    job, viewer = demonstrated[model], Viewer(browser)
    ours = {result["series_instance_uid"]: result["kind"] for result in job["results"]}

    viewer.open(job, panes=2)

    (source,), (beside,) = viewer.shown()
    assert source in job["series"]
    assert ours[beside] == next(kind for kind in ("IMAGE", "PM", "SC") if kind in ours.values())
    if "SEG" in ours.values():
        outlined = read(PROJECT / "onnx_models" / model).card.segments
        assert set(viewer.outlined(1)) <= {segment.label for segment in outlined}
    told = [each for each in job["results"] if each["series_instance_uid"] == beside or each["kind"] == "SEG"]
    given = results.of_job(catalogue_node.dicomweb(), job | {"results": told})
    if given.keys() & {"PM", "SEG"}:
        stood_for = shown_by(given.get("PM") or given["SEG"])
        viewer.stands_on(stood_for.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)
    if given.keys() >= {"PM"} and given["PM"].NumberOfFrames > 1:
        taken = np.array(viewer.map_means(1))
        means = frames_of(given["PM"]).mean(axis=(1, 2))
        np.testing.assert_allclose(taken, means if near(taken, means) else means[::-1], rtol=1e-3, atol=1e-4)
        eventually(lambda: max(map(min, viewer.colours(1))) > BRIGHT, what="the image beneath the map")
    coloured = [pane for pane, kind in enumerate(("SEG", "PM")) if kind in ours.values()]
    for pane in coloured:
        eventually(lambda pane=pane: max(np.ptp(viewer.colours(pane), axis=1)) > COLOURFUL, what="colours of a result")
    assert browser.complaints == []
    browser.picture(f"model-{model}")


def test_segments_are_measured_once_all_images_are_there(
    browser: Browser, catalogue_node: Node, demonstrated: dict[str, dict[str, Any]]
) -> None:
    job, viewer = demonstrated["abdominal-muscle-ct"], Viewer(browser)
    found = catalogue_node.dicomweb().search_for_instances(job["study"], job["series"][0])
    last = max(map(Dataset.from_json, found), key=lambda each: int(each.InstanceNumber))
    viewer.open(job, panes=2, hold=f"/instances/{last.SOPInstanceUID}/")
    assert not browser.comes(OUTLINED, 1, within_s=WHILE_THEY_COME_S)
    browser.release()
    assert viewer.outlined(1)


def frames_of(result: Dataset) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.frombuffer(result.FloatPixelData, "<f4")
    return values.reshape(result.NumberOfFrames, result.Rows, result.Columns)


def near(one: NDArray[np.float64], other: NDArray[np.float32]) -> bool:
    """Viewers may keep the slices from either end."""
    return bool(np.abs(one - other).sum() <= np.abs(one - other[::-1]).sum())


def shown_by(result: Dataset) -> Dataset:
    """The frame that stands for all."""
    return result.PerFrameFunctionalGroupsSequence[result.RepresentativeFrameNumber - 1]
