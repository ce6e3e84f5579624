"""A model that finds bright voxels, a series to find them in, and a device."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.inference.device import Device
from tests.builders.series import Scan, part10, slices
from tests.inference.graphs import model, segment, segments, stage, write_channels


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    opened = Device("cpu")
    yield opened
    opened.close()


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    """The folder of a model whose one segment is where the image is above 0.5 of its window."""
    folder = tmp_path / "made" / "bright"
    write_channels(folder / "model.onnx", [1.0])
    window = {"kind": "window", "lowest": -1000, "highest": 1200}
    steps = [{"step": "threshold"}]
    outputs = segments(segment("Bright"), steps=steps) | {"measurements": [{"measure": "volumes"}]}
    model(folder, [stage(intensity=window)], outputs)
    return folder


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return written(tmp_path / "series", Scan(slices=3))


def written(folder: Path, scan: Scan) -> Path:
    folder.mkdir()
    for number, dataset in enumerate(slices(scan)):
        (folder / f"{number}.dcm").write_bytes(part10(dataset))
    return folder
