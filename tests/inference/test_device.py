"""The device process gives right numbers, says what is wrong, and can be killed while a graph hangs."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from orthanc_plugin.errors import Broken, ConfigurationError, Temporary
from orthanc_plugin.inference.device import Device
from tests.inference.graphs import write_doubler, write_endless
from tests.waiting import eventually


@pytest.fixture
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


def test_tensors_go_and_come_whole_while_sizes_change(device: Device, tmp_path: Path) -> None:
    doubler = write_doubler(tmp_path / "model.onnx")
    numbers = np.random.default_rng(2)
    for batch in (1, 5, 2, 9):
        hu = numbers.normal(size=(batch, 1, 33, 17)).astype(np.float32)
        np.testing.assert_array_equal(device.infer(doubler, "v1", {"hu": hu})["probability"], hu * 2)


def test_answers_of_two_threads_do_not_mix(device: Device, tmp_path: Path) -> None:
    doubler = write_doubler(tmp_path / "model.onnx")
    wrong: list[int] = []

    def ask(value: int) -> None:
        for _ in range(50):
            hu = np.full((1, 1, 8, 8), value, np.float32)
            if not (device.infer(doubler, "v1", {"hu": hu})["probability"] == 2 * value).all():
                wrong.append(value)

    threads = [threading.Thread(target=ask, args=(value,)) for value in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_graph_that_gets_the_wrong_input_is_broken(device: Device, tmp_path: Path) -> None:
    folder = tmp_path / "some-model"
    folder.mkdir()
    doubler = write_doubler(folder / "model.onnx")
    with pytest.raises(Broken) as failure:
        device.infer(doubler, "v1", {"other": np.zeros((1, 1, 2, 2), np.float32)})
    assert failure.value.sentence == (
        "The graph model.onnx of some-model does not run (ValueError); its inputs must match its card."
    )
    assert device.infer(doubler, "v1", {"hu": np.ones((1, 1, 2, 2), np.float32)})["probability"].sum() == 8


def test_a_hanging_graph_can_be_killed_and_the_next_one_runs(device: Device, tmp_path: Path) -> None:
    endless = write_endless(tmp_path / "endless.onnx")
    ended: list[Exception] = []

    def hang() -> None:
        try:
            device.infer(endless, "v1", {"hu": np.zeros((1, 1, 2, 2), np.float32)})
        except Temporary as error:
            ended.append(error)

    device.start()
    thread = threading.Thread(target=hang)
    thread.start()
    eventually(lambda: device._turns.taken, what="the endless graph's start")
    device.kill()
    thread.join(10)
    assert [str(error) for error in ended] == [
        f"The device process ended while it ran endless.onnx of {tmp_path.name}; it is tried again."
    ]
    doubler = write_doubler(tmp_path / "model.onnx")
    assert device.infer(doubler, "v1", {"hu": np.ones((1, 1, 2, 2), np.float32)})["probability"].sum() == 8


def test_the_device_process_ends_when_the_worker_is_gone(device: Device, tmp_path: Path) -> None:
    device.start()
    process = device._process
    assert process is not None
    os.close(device._lifeline)
    device._lifeline = -1
    eventually(lambda: process.poll() is not None, within_s=10, what="the device process's end")


def test_a_device_that_is_not_there_is_refused_with_the_mend() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        Device("cuda:7").start()
    assert refusal.value.sentence == (
        "The device cuda:7 was asked for, but the installed ONNX Runtime has no CUDAExecutionProvider; "
        "install the extra for it (INFERENCE_EXTRA) or set INFERENCE_DEVICE to cpu."
    )
    with pytest.raises(ConfigurationError) as unknown:
        Device("quantum").start()
    assert unknown.value.sentence == "The device quantum is not known; use auto, cpu, cuda, openvino or cuda:1."


def test_the_most_urgent_goes_next_and_equals_keep_their_order(device: Device, tmp_path: Path) -> None:
    """A stat case that comes during a long one waits for the patch that runs, and for no other."""
    doubler = write_doubler(tmp_path / "model.onnx")
    patch = np.ones((1, 1, 256, 256), np.float32)
    done: list[str] = []
    begun, come = threading.Event(), threading.Event()

    def long_case() -> None:
        for _ in range(15):
            device.infer(doubler, "v1", {"hu": patch}, priority=10)
            done.append("patch")
            begun.set()

    def stat_case() -> None:
        begun.wait(30)
        come.set()
        before = len(done)
        device.infer(doubler, "v1", {"hu": patch}, priority=1)
        done.append(f"stat after {len(done) - before}")

    device.start()
    threads = [threading.Thread(target=case) for case in (*[long_case] * 6, stat_case)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    [stat] = [each for each in done if each.startswith("stat")]
    assert done.index(stat) < len(done) - 1
    assert int(stat.removeprefix("stat after ")) <= 2


def test_a_graph_that_takes_too_long_is_stopped_where_nobody_else_watches(device: Device, tmp_path: Path) -> None:
    folder = tmp_path / "some-model"
    folder.mkdir()
    endless = write_endless(folder / "endless.onnx")
    with pytest.raises(Broken) as stopped:
        device.infer(endless, "v1", {"hu": np.zeros((1, 1, 2, 2), np.float32)}, limit_s=1.5)
    assert stopped.value.sentence == (
        "The graph endless.onnx of some-model did not end within 1.5 s; "
        "look at its loops, or raise the limit in its card."
    )


def test_a_graph_is_described_across_the_processes(device: Device, tmp_path: Path) -> None:
    described = device.describe(write_doubler(tmp_path / "model.onnx"), "v1")
    assert [(given.name, given.type, given.shape) for given in described.inputs] == [
        ("hu", "tensor(float)", (None, None, None, None))
    ]
    assert [given.name for given in described.outputs] == ["probability"]


def test_a_device_that_stands_in_for_another_says_so() -> None:
    device = Device("cuda:1,cpu")
    try:
        assert device.start() == "cpu"
        assert device.fallback == (
            "The graphs run on cpu and not on cuda:1, which was asked for: "
            "the installed ONNX Runtime has no CUDAExecutionProvider."
        )
    finally:
        device.close()


def test_the_first_choice_is_no_fallback(device: Device) -> None:
    assert (device.start(), device.fallback) == ("cpu", "")


def test_what_it_runs_on_is_told_while_others_use_it(device: Device) -> None:
    """Not as a turn of its own: an urgent job would wait behind all others for it."""
    device.start()
    with device._turns.turn(10):
        assert device.start() == "cpu"
