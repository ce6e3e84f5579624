"""One model's image is another's input: from a push to outlines on what the first one made, which name both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.series import Scan
from tests.e2e import results
from tests.e2e.node import Node, configured
from tests.e2e.senders import Scanner
from tests.e2e.series import built_series
from tests.inference.graphs import model, segment, segments, stage, write_channels

HALVED = {
    "label": "Half as bright", "derivation": {"value": "113086", "scheme": "DCM", "meaning": "Filtering"},
    "values": "as-input", "from": {"stage": "only", "output": "probability"},
}  # fmt: skip
WINDOW = {"kind": "window", "lowest": -1000, "highest": 1200}


@pytest.fixture
def own_node(tmp_path: Path) -> Iterator[Node]:
    models = tmp_path / "onnx_models"
    for name in ("quieter", "outlines"):
        write_channels(models / name / "model.onnx", [0.5 if name == "quieter" else 1.0])
    model(models / "quieter", [stage(intensity=WINDOW)], {"images": [HALVED]})
    outlined = segments(segment("Bright", threshold=0.2), steps=[{"step": "threshold"}])
    model(models / "outlines", [stage(intensity=WINDOW)], outlined, inputs={"series": {"derived_by": "quieter"}})
    environment = configured(tmp_path, ModelsFolder=str(models), QuietMostSeconds=1)
    with Node(tmp_path / "state", environment) as running:
        yield running


def test_what_one_model_derives_another_outlines_and_the_results_name_both(own_node: Node, tmp_path: Path) -> None:
    pushed = built_series(tmp_path / "series", Scan(slices=4, columns=16, pixel_spacing_mm=(0.8, 0.8), name="chain"))
    Scanner(own_node.dicom_port).send(pushed.files)
    first = own_node.job(pushed.series_uid, "done")
    [image] = {each["series_instance_uid"] for each in results_of(own_node, first) if each["kind"] == "IMAGE"}

    second = own_node.job(image, "done")
    own_node.idle()

    assert (first["model"], second["model"]) == ("quieter", "outlines")
    assert len(own_node.jobs()) == 2, "neither runs on what the other is for"
    made = results.of_job(own_node.dicomweb(), own_node.get(f"/inference/api/jobs/{second['id']}"))
    outlines = made["SEG"]
    names = [item.ManufacturerModelName for item in outlines.ContributingEquipmentSequence
             if item.Manufacturer == "Inference node"]  # fmt: skip
    assert (names[0], names[-1]) == ("quieter", "outlines")
    [about] = {each.SeriesInstanceUID for each in outlines.ReferencedSeriesSequence}
    assert about == image


def results_of(node: Node, job: dict[str, object]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = node.get(f"/inference/api/jobs/{job['id']}")["results"]
    return found
