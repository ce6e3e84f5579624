"""The process that owns the device, seen from outside: what it holds of the machine's memory while models rotate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.limits import Limits
from tests.inference.graphs import write_doubler, write_heavy

MODELS, MODEL_MB = 10, 12
ROOM_MB = 80
ONE = np.ones((1, 1, 2, 2), np.float32)


@contextmanager
def opened(host_mb: int = 0) -> Iterator[Device]:
    device = Device("cpu", Limits(host_mb=host_mb))
    try:
        yield device
    finally:
        device.close()


def held_mb(device: Device, entry: str) -> int:
    """`VmRSS`, what it holds, or `VmHWM`, the most that it ever held (proc_pid_status(5)); rounded up."""
    assert device._process is not None
    lines = Path(f"/proc/{device._process.pid}/status").read_text("ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(f"{entry}:"))
    return -(-int(kilobytes) // 1024)


def rotate(device: Device, folder: Path) -> list[int]:
    """Each of ten models twice in turn; what the process held after each."""
    graphs = [folder / str(number) / "model.onnx" for number in range(MODELS)]
    held = []
    for graph in [*graphs, *graphs]:
        device.infer(graph, "v1", {"hu": ONE})
        held.append(held_mb(device, "VmRSS"))
    return held


def test_the_process_never_holds_more_than_its_budget_while_ten_models_rotate(tmp_path: Path) -> None:
    """Nor while one of them is loaded: the most that it ever held is what the kernel remembers."""
    for number in range(MODELS):
        write_heavy(tmp_path / str(number) / "model.onnx", MODEL_MB, seed=number)
    small = write_doubler(tmp_path / "small" / "model.onnx")
    with opened() as device:
        device.infer(small, "v1", {"hu": ONE})
        empty_mb = held_mb(device, "VmRSS")
        held = rotate(device, tmp_path)
        assert held[-1] > empty_mb + MODELS * MODEL_MB, "without a budget they all stay, so that there is one to keep"

    budget_mb = empty_mb + ROOM_MB
    with opened(budget_mb) as device:
        held = rotate(device, tmp_path)
        assert held_mb(device, "VmHWM") <= budget_mb
        assert max(held) > empty_mb + 2 * MODEL_MB, "several are warm at a time"
