"""A graph takes no more memory than its card allows: its batches get smaller, then it is refused with both figures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from orthanc_plugin.errors import Broken
from orthanc_plugin.inference import session
from orthanc_plugin.inference.check import disagreements, dry_run
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.graph import OutOfMemory, OverLimit
from orthanc_plugin.inference.limits import Limits
from orthanc_plugin.inference.network import Network
from orthanc_plugin.inference.providers import PROVIDERS
from orthanc_plugin.inference.session import Sessions
from orthanc_plugin.routing.folder import Model
from tests.inference import graphs

OUTPUTS = graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}])
EACH_MB = 64
TAKES = r"The graph model\.onnx of greedy takes at least (\d+) MB of memory{batch}, more than the {most} MB that its "
RAISE = r"card allows; raise limits\.memory_mb, or make what it is fed smaller\."


def write_greedy(path: Path, blocks: int = 1) -> Path:
    """hu [n, …] -> probability, the same; on the way it holds for each item 64 MB a block, and 64 MB beside them."""
    nodes = [
        helper.make_node("Shape", ["hu"], ["lengths"]),
        graphs.constant("first", np.array([0], np.int64)),
        helper.make_node("Gather", ["lengths", "first"], ["items"], axis=0),
        graphs.constant("each", np.array([EACH_MB << 18], np.int64)),
        helper.make_node("Mul", ["items", "each"], ["length"]),
    ]
    for block in range(blocks):
        value = helper.make_tensor("nought", TensorProto.FLOAT, [1], [0.0])
        nodes.append(helper.make_node("ConstantOfShape", ["length"], [f"much{block}"], value=value))
    nodes += [
        helper.make_node("Sum", [f"much{n}" for n in range(blocks)], ["all"]),
        helper.make_node("ReduceMax", ["all"], ["nothing"], keepdims=0),
        helper.make_node("Add", ["hu", "nothing"], ["probability"]),
    ]
    return graphs.write(path, nodes)


def write_weights(path: Path, megabytes: int) -> Path:
    """hu -> probability, plus one of so many weights: which one shows when it runs, so that none can be left out."""
    nodes = [
        helper.make_node("Shape", ["hu"], ["lengths"]),
        graphs.constant("first", np.array([0], np.int64)),
        helper.make_node("Gather", ["lengths", "first"], ["items"], axis=0),
        helper.make_node("Gather", ["weights", "items"], ["weight"], axis=0),
        helper.make_node("Add", ["hu", "weight"], ["probability"]),
    ]
    return graphs.write(path, nodes, initializers={"weights": np.zeros(megabytes << 18, np.float32)})


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    opened = Device("cpu")
    yield opened
    opened.close()


def model(folder: Path, memory_mb: int, **more: Any) -> Model:
    limits = {"seconds": 60, "memory_mb": memory_mb}
    return graphs.model(folder, [graphs.stage(**more)], OUTPUTS, limits=limits)


def network(device: Device, made: Model) -> Network:
    return Network(device, made, made.card.stage("only"), lambda: None)


def figure(sentence: str, most: int, batch: str) -> int:
    found = re.fullmatch(TAKES.format(batch=batch, most=most) + RAISE, sentence)
    assert found is not None, sentence
    return int(found[1])


def test_a_batch_that_takes_more_than_the_card_allows_is_halved(
    device: Device, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_greedy(tmp_path / "greedy" / "model.onnx")
    asked = network(device, model(tmp_path / "greedy", memory_mb=300, batch=4))
    batch = np.arange(4 * 4, dtype=np.float32).reshape(4, 1, 2, 2)

    np.testing.assert_array_equal(asked(batch)["probability"], batch)

    assert asked.batch == 2
    [said] = caplog.messages
    assert figure(said.removesuffix(" Going on with batches of 2."), 300, " with a batch of 4") > 300


def test_one_item_that_takes_more_is_broken_with_both_figures_and_is_not_tried_again(
    device: Device, tmp_path: Path
) -> None:
    write_greedy(tmp_path / "greedy" / "model.onnx")
    with pytest.raises(Broken) as failure:
        network(device, model(tmp_path / "greedy", memory_mb=40))(np.zeros((1, 1, 2, 2), np.float32))
    assert figure(failure.value.sentence, 40, " with a batch of 1") >= EACH_MB


def test_what_takes_less_runs_as_often_as_one_likes(device: Device, tmp_path: Path) -> None:
    """What arenas keep from run to run is not counted twice."""
    write_greedy(tmp_path / "greedy" / "model.onnx")
    asked = network(device, model(tmp_path / "greedy", memory_mb=300))
    for _ in range(6):
        for count in (1, 2):
            batch = np.ones((count, 1, 2, 2), np.float32)
            np.testing.assert_array_equal(asked(batch)["probability"], batch)
    assert asked.batch == 4


def test_weights_that_are_more_than_the_card_allows_are_refused_when_they_are_loaded(
    device: Device, tmp_path: Path
) -> None:
    write_weights(tmp_path / "greedy" / "model.onnx", megabytes=48)
    [sentence] = disagreements(device, model(tmp_path / "greedy", memory_mb=16, rows=2, columns=2))
    assert figure(sentence, 16, "") >= 40


def test_a_model_that_needs_more_than_it_allows_itself_fails_the_dry_run(device: Device, tmp_path: Path) -> None:
    write_greedy(tmp_path / "greedy" / "model.onnx")
    with pytest.raises(Broken) as failure:
        dry_run(device, model(tmp_path / "greedy", memory_mb=40))
    assert figure(failure.value.sentence, 40, " with a batch of 1") >= EACH_MB


def test_a_run_is_ended_on_the_way_and_its_memory_given_back(tmp_path: Path) -> None:
    write_greedy(tmp_path / "greedy" / "model.onnx", blocks=24)
    sessions = Sessions("cpu", Limits())
    with pytest.raises(OverLimit) as failure:
        sessions.run(tmp_path / "greedy" / "model.onnx", "v", {"hu": np.ones((1, 1, 2, 2), np.float32)}, 100)
    taken = figure(failure.value.sentence, 100, " with a batch of 1")
    assert 100 < taken < 24 * EACH_MB
    assert sessions.warm == 0


@pytest.mark.parametrize(("device_mb", "arena_mb"), [(0, 300), (500, 300), (200, 200)])
def test_on_a_device_of_its_own_the_arena_has_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device_mb: int, arena_mb: int
) -> None:
    """As ONNX Runtime tells of a CUDA arena that is full; the CPU stands in for the device."""
    given: list[int] = []
    full = "BFCArena::AllocateRawInternal(…) Available memory of 1048576 is smaller than requested bytes of 53477376"

    def providers(_device: str, memory_mb: int) -> list[str]:
        given.append(memory_mb)
        return [PROVIDERS["cpu"]]

    def refuse(*_args: object) -> None:
        raise RuntimeError(full)

    monkeypatch.setitem(PROVIDERS, "cuda", PROVIDERS["cpu"])
    monkeypatch.setattr(session, "session_providers", providers)
    monkeypatch.setattr(session, "run", refuse)
    graph = graphs.write_doubler(tmp_path / "greedy" / "model.onnx")
    with pytest.raises(OutOfMemory) as failure:
        Sessions("cuda", Limits(device_mb=device_mb)).run(graph, "v", {"hu": np.ones((3, 1, 2, 2), np.float32)}, 300)

    assert given == [arena_mb]
    if arena_mb == 300:
        assert figure(failure.value.sentence, 300, " with a batch of 3") == 350
    else:
        assert failure.value.sentence.startswith("The memory of cuda ran out on the graph model.onnx of greedy with ")
