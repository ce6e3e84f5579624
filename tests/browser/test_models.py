"""What a person sees of each model of the catalogue in the viewer that the node serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydicom import dcmread

from export.phantoms.studies import STUDIES
from orthanc_plugin.routing.folder import read
from tests.browser.browser import Browser
from tests.browser.viewer import Viewer
from tests.e2e.node import ENDED, PROJECT, Node, configured
from tests.e2e.senders import Scanner
from tests.waiting import eventually

SEED = 7
CATALOGUE = sorted(path.parent.name for path in (PROJECT / "onnx_models").glob("*/card.json"))


@pytest.fixture(scope="module")
def catalogue_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("catalogue")
    with Node(folder / "state", configured(folder, QuietMostSeconds=2)) as running:
        yield running


@pytest.fixture(scope="module")
def jobs(catalogue_node: Node, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By model; all of them have ended."""
    studies = {}
    for model in CATALOGUE:
        files = STUDIES[model](SEED, tmp_path_factory.mktemp(model), "viewer")
        Scanner(catalogue_node.dicom_port).send(files)
        studies[model] = str(dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)

    def newest(model: str, study: str) -> dict[str, Any] | None:
        known = catalogue_node.jobs(study=study, model=model)
        return known[0] if known and all(job["state"] in ENDED for job in known) else None

    return {
        model: eventually(lambda m=model, s=study: newest(m, s), what=f"the end of {model}") or {}
        for model, study in studies.items()
    }


@pytest.fixture(scope="module")
def browser(catalogue_node: Node) -> Iterator[Browser]:
    with Browser(catalogue_node.url, *catalogue_node.credentials) as opened:
        yield opened


@pytest.mark.parametrize("model", CATALOGUE)
def test_results_hang_beside_their_source(model: str, browser: Browser, jobs: dict[str, dict[str, Any]]) -> None:
    job, viewer = jobs[model], Viewer(browser)
    assert (job["state"], job["reason"]) == ("done", None)
    ours = {result["series_instance_uid"]: result["kind"] for result in job["results"]}

    viewer.open(job, panes=2)

    (source,), (beside,) = viewer.shown()
    assert source in job["series"]
    assert ours[beside] in ("PM", "SC")
    if "SEG" in ours.values():
        outlined = read(PROJECT / "onnx_models" / model).card.segments
        assert set(viewer.outlined(1)) <= {segment.label for segment in outlined}
    assert browser.complaints == []
    browser.picture(f"model-{model}")
