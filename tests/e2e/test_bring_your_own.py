"""The walk-through as far as a running node: every command as it stands on the page, from a trained network on."""

import json
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pydicom
import pytest

from tests.e2e.node import PROJECT, Node, configured
from tests.inference.graphs import model, segment, segments, stage, write_channels
from tests.models.walkthrough import until_the_node
from tests.waiting import eventually

FIVE_MINUTES_S = 300
"""From a stranger's file to its results."""

if not (find_spec("torch") and find_spec("monai")):
    pytest.skip("the importers need torch and MONAI", allow_module_level=True)


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """With a folder of models of its own, which holds one that is for nothing: without any, a node is not well."""
    folder = tmp_path_factory.mktemp("bring")
    other = folder / "onnx_models" / "other"
    write_channels(other / "model.onnx", [1.0])
    outputs = segments(segment("Nothing"), steps=[{"step": "threshold"}])
    model(other, [stage()], outputs, applies={"tag": "Modality", "in": ["none"]})
    environment = configured(folder, ModelsFolder=str(folder / "onnx_models"))
    with Node(folder / "state", environment) as running:
        yield running


@pytest.mark.timeout(600)
def test_from_a_trained_network_to_results_in_the_archive(own_node: Node, tmp_path: Path) -> None:
    before, with_node = until_the_node()
    began_s = time.time()

    said = shell(before, own_node, tmp_path)

    assert "MEND  The card leaves licence open (null); state it in card.json.\n" in said
    assert "as was to be expected\n" in said
    assert "Bone 1.0.0 is in; digest " in said
    tried = tmp_path / "results"
    assert sorted(path.name for path in tried.iterdir()) == ["SC.dcm", "SEG.dcm", "SR.dcm", "preview.png"]
    assert (tried / "SEG.dcm").stat().st_mtime - began_s < FIVE_MINUTES_S
    (outlined,) = pydicom.dcmread(tried / "SEG.dcm").SegmentSequence
    assert outlined.SegmentLabel == "Bone"

    eventually(lambda: "bone-ct" in json.dumps(own_node.get("/inference/api/models")), within_s=30, what="the model")
    said = shell(f'export PATH="$PWD/.venv/bin:$PATH"\n{with_node}', own_node, tmp_path)

    source = pydicom.dcmread(next((tmp_path / "phantom").glob("*.dcm")))
    job = own_node.job(source.SeriesInstanceUID, "done")
    assert job["model"] == "bone-ct"
    assert said.startswith("id ")
    assert {result["kind"] for result in job["results"]} == {"SEG", "SR", "SC"}
    found = own_node.dicomweb().search_for_series(source.StudyInstanceUID)
    assert {entry["00080060"]["Value"][0] for entry in found} >= {"CT", "SEG", "SR"}


def shell(commands: str, node: Node, work: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=PROJECT,
        env={**node.environment, "work": str(work)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
