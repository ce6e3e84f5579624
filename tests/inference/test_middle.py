"""A volume that a network sees in one patch: what that holds comes back to its voxels; nothing is said beyond it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.middle import Middle
from orthanc_plugin.inference.preprocess import turn
from orthanc_plugin.routing.network import Stage
from tests.inference import graphs
from tests.inference.test_model import boxed, masks, outliner, volume

SHAPE = (6, 16, 16)
ONE_PATCH: dict[str, Any] = {"kind": "volume", "whole": True}


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


@pytest.mark.parametrize("orientation", ["HPL", "FAR", "LHP"])
@pytest.mark.parametrize("patch", [(12, 32, 20), (4, 10, 40), (4, 5, 6)])
def test_one_patch_lies_around_the_middle(
    patch: tuple[int, int, int], orientation: str, device: Device, tmp_path: Path
) -> None:
    depth, rows, columns = patch
    model = outliner(tmp_path / "box", depth=depth, rows=rows, columns=columns, **ONE_PATCH)
    on = volume(SHAPE, orientation)
    [stage] = model.card.stages
    turned = turn(on)
    middle = Middle.of(stage, turned)
    seen = turned.to_source(middle.put_back(np.ones(middle.cut(turned).voxels_zyx.shape, bool)))

    np.testing.assert_array_equal(masks(device, model, series=on)[0], boxed(SHAPE) & seen)
    lengths = turned.voxels_zyx.shape
    assert seen.sum() == np.prod([min(own, most) for own, most in zip(lengths, patch, strict=True)])
    for part, own in zip(middle.part, lengths, strict=True):
        assert abs(part.start - (own - part.stop)) <= 1


def test_at_a_spacing_of_its_own_a_patch_holds_as_much_as_that_takes(device: Device, tmp_path: Path) -> None:
    """Twelve slices of 2 mm are six of 4 mm, of which a patch of four holds eight."""
    stage = Stage(name="one", files=("m.onnx",), input="hu", outputs=("p",), depth=4, rows=20, columns=20,
                  spacing_mm=(4.0, 1.0, 1.0), **ONE_PATCH)  # fmt: skip
    middle = Middle.of(stage, turn(volume((12, 16, 16))))
    assert middle.part == (slice(2, 10), slice(0, 16), slice(0, 16))
    assert middle.first_slice == 2
    model = outliner(tmp_path / "box", depth=4, rows=20, columns=20, spacing_mm=[4.0, 1.0, 1.0], **ONE_PATCH)
    found = masks(device, model, series=volume((12, 16, 16)))[0]
    assert found.any() and not found[:2].any() and not found[10:].any()


def test_a_network_that_judges_a_volume_is_asked_once(device: Device, tmp_path: Path) -> None:
    """With two patches there would be two answers, each about half of it."""
    wide = {"kind": "volume", "depth": 4, "rows": 16, "columns": 16}
    on = volume((8, 16, 16))
    for whole, count in ((False, 3), (True, 1)):
        model = outliner(tmp_path / f"box-{int(whole)}", **wide, whole=whole)
        asked = []
        real = device.infer

        def counting(*given: Any, _asked: list[int] = asked, _real: Any = real, **more: Any) -> Any:
            _asked.append(1)
            return _real(*given, **more)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(device, "infer", counting)
            masks(device, model, series=on)
        assert len(asked) == count


def test_only_volumes_are_seen_whole(tmp_path: Path) -> None:
    outputs = graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}])
    graphs.write_channels(tmp_path / "box" / "model.onnx", [1.0])
    with pytest.raises(ConfigurationError) as refusal:
        graphs.model(tmp_path / "box", [graphs.stage(whole=True)], outputs)
    assert "the stage only sees the whole in one patch, which only volumes are seen in" in str(refusal.value)
