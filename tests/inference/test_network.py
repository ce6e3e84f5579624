"""What stands between a stage and the device: smaller batches when the memory runs out, folds, broken answers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from orthanc_plugin.errors import Broken
from orthanc_plugin.inference.check import disagreements, dry_run, input_shape
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.graph import OutOfMemory
from orthanc_plugin.inference.network import Network
from orthanc_plugin.routing.folder import Model
from tests.inference import graphs

OUTPUTS = graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}])


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


def network(device: Device, model: Model, **more: int) -> Network:
    return Network(device, model, model.card.stage("only"), lambda: None, **more)


def test_a_batch_that_does_not_fit_is_halved_until_it_does(
    device: Device, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    graphs.write_hungry(tmp_path / "hungry" / "model.onnx")
    asked = network(device, graphs.model(tmp_path / "hungry", [graphs.stage(batch=4)], OUTPUTS))
    batch = np.arange(6 * 4, dtype=np.float32).reshape(6, 1, 2, 2)
    np.testing.assert_array_equal(asked(batch)["probability"], batch)
    assert asked.batch == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert caplog.messages[-1].endswith("Going on with batches of 1.")


def test_one_item_that_does_not_fit_is_out_of_memory(device: Device, tmp_path: Path) -> None:
    """Twice as long in its first axis, which the graph takes for its batch, and a batch of one for the stage."""
    graphs.write_hungry(tmp_path / "hungry" / "model.onnx")
    asked = network(device, graphs.model(tmp_path / "hungry", [graphs.stage(batch=1)], OUTPUTS))
    with pytest.raises(OutOfMemory) as failure:
        device.infer(tmp_path / "hungry" / "model.onnx", "v", {"hu": np.zeros((3, 1, 2, 2), np.float32)})
    assert failure.value.sentence.startswith(
        "The memory of cpu ran out on the graph model.onnx of hungry with a batch of 3"
    )
    assert asked.batch == 1


def test_the_last_batch_of_a_graph_that_takes_four_at_a_time_may_be_smaller(device: Device, tmp_path: Path) -> None:
    """What it is filled up with is cut off; a blank one, and a single one for a heat map, run as well."""
    graphs.write_channels(tmp_path / "fixed" / "model.onnx", [1.0], [4, 1, 16, 16])
    model = graphs.model(tmp_path / "fixed", [graphs.stage(batch=4)], OUTPUTS)
    batch = np.arange(6 * 256, dtype=np.float32).reshape(6, 1, 16, 16)

    np.testing.assert_array_equal(network(device, model)(batch)["probability"], batch)
    np.testing.assert_array_equal(network(device, model)(batch[:1])["probability"], batch[:1])
    assert disagreements(device, model) == ()
    dry_run(device, model)


def test_it_is_asked_before_each_batch_whether_to_go_on(device: Device, tmp_path: Path) -> None:
    graphs.write_doubler(tmp_path / "plain" / "model.onnx")
    model = graphs.model(tmp_path / "plain", [graphs.stage(batch=2)], OUTPUTS)
    asked: list[bool] = []
    Network(device, model, model.card.stage("only"), lambda: asked.append(True))(np.zeros((5, 1, 2, 2), np.float32))
    assert len(asked) == 3


def test_an_output_that_is_not_there_is_broken(device: Device, tmp_path: Path) -> None:
    graphs.write_doubler(tmp_path / "plain" / "model.onnx")
    stage = graphs.stage(outputs=["probability", "other"])
    with pytest.raises(Broken) as failure:
        network(device, graphs.model(tmp_path / "plain", [stage], OUTPUTS))(np.zeros((1, 1, 2, 2), np.float32))
    assert failure.value.sentence == (
        "The network model.onnx of plain has no output other; its card and its graph must agree."
    )


def test_a_card_and_its_graphs_that_agree_have_nothing_said_about_them(device: Device, tmp_path: Path) -> None:
    graphs.write_channels(tmp_path / "plain" / "model.onnx", [1.0], ["n", 1, 16, 16])
    model = graphs.model(tmp_path / "plain", [graphs.stage()], OUTPUTS)
    assert disagreements(device, model) == ()
    dry_run(device, model)


def test_each_disagreement_is_a_sentence(device: Device, tmp_path: Path) -> None:
    graphs.write_channels(tmp_path / "odd" / "model.onnx", [1.0], ["n", 3, 8, 16])
    stages = [graphs.stage(outputs=["probability", "other"]), graphs.stage(name="second", input="image")]
    assert disagreements(device, graphs.model(tmp_path / "odd", stages, OUTPUTS)) == (
        "The graph model.onnx of odd takes ? x 3 x 8 x 16 in hu, where its card says 4 x 1 x 16 x 16.",
        "The graph model.onnx of odd has no output other, which its card names; it has probability.",
        "The graph model.onnx of odd takes hu, where its card says image.",
    )


@pytest.mark.parametrize(
    ("stage", "shape"),
    [
        ({}, (1, 16, 16)),
        ({"kind": "stack", "depth": 5, "roles": ["a", "b"]}, (10, 16, 16)),
        ({"kind": "volume", "depth": 8, "roles": ["a", "b"]}, (2, 8, 16, 16)),
        ({"kind": "image", "channels": "rgb"}, (3, 16, 16)),
    ],
)
def test_what_a_stage_takes_follows_from_its_card(
    stage: dict[str, object], shape: tuple[int, ...], tmp_path: Path
) -> None:
    graphs.write_doubler(tmp_path / "any" / "model.onnx")
    inputs = {role: {} for role in ("series", "a", "b")}
    flat = stage.get("kind") == "image"
    classes = {
        "from": {"stage": "only", "output": "probability"},
        "activation": "none",
        "exclusive": False,
        "items": [{"label": "A", "code": graphs.concept("A", "A"), "threshold": 0.5}],
    }
    outputs = {"classes": classes} if flat else OUTPUTS
    model = graphs.model(tmp_path / "any", [graphs.stage(**stage)], outputs, inputs=inputs)
    assert input_shape(model.card.stage("only")) == shape


def test_a_graph_of_one_size_takes_no_multiples(device: Device, tmp_path: Path) -> None:
    graphs.write_channels(tmp_path / "fixed" / "model.onnx", [1.0], ["n", 1, 4, "r", 16], kind=3)
    stage = graphs.stage(kind="volume", depth=4, batch=1)
    assert disagreements(device, graphs.model(tmp_path / "fixed", [stage], OUTPUTS)) == ()
    assert disagreements(device, graphs.model(tmp_path / "fixed", [stage | {"multiples": [1, 2, 2]}], OUTPUTS)) == (
        "The graph model.onnx of fixed takes patches of one size in hu, where its card says multiples of 1 x 2 x 2 up "
        "to its own; leave them out of the card, or export the graph with free axes.",
    )
