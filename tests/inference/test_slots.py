"""A network that sees the images of a study at once: each in the slot that its header tells, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Broken, Unsuitable
from orthanc_plugin.imaging.image import Images
from orthanc_plugin.imaging.volume import SourceSlice
from orthanc_plugin.inference.check import disagreements
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.model import infer
from orthanc_plugin.inference.slots import Views
from orthanc_plugin.routing.folder import Model
from tests.inference import graphs

MG = "1.2.840.10008.5.1.4.1.1.1.2"
SLOTS = [
    {"name": side, "rule": {"tag": "ImageLaterality", "in": [side]}, "meaning_of_missing": f"{side} was not there."}
    for side in ("R", "L")
]


def seen(*views: tuple[str, float, str], shape: tuple[int, int] = (16, 16)) -> Images:
    """Of side, value and the time of acquisition; each brightest in a corner of its own."""
    headers = []
    pixels: list[NDArray[np.float32]] = []
    for number, (side, value, time) in enumerate(views):
        header = Dataset()
        header.SOPInstanceUID, header.ImageLaterality = f"1.2.{number}", side
        header.AcquisitionDate, header.AcquisitionTime = "20260102", time
        headers.append(header)
        picture = np.full(shape, value, np.float32)
        picture[: shape[0] // 4, : shape[1] // 4] = value * 2
        pixels.append(picture if side == "R" else picture[:, ::-1])
    sources = tuple(SourceSlice(MG, header.SOPInstanceUID, None) for header in headers)
    count = len(views)
    return Images(tuple(pixels), (None,) * count, sources, tuple(headers), ("",) * count, ())


def looking(folder: Path, **classes: Any) -> Model:
    """Answers a class a slot, the mean of the first channel and of the second, and those two channels as maps."""
    graphs.write_slots(folder / "model.onnx", 2)
    items = [
        {"label": name, "code": graphs.concept(name, name), "threshold": 0.5, "slots": [slot]}
        for name, slot in (("Right", "R"), ("Left", "L"))
    ]
    said = {"from": {"stage": "only", "output": "means"}, "activation": "none", "exclusive": False, "items": items}
    heat = {"heat_map": {"stage": "only", "output": "heat"}}
    inputs = {"now": {"every": True}, "before": {"from": "prior", "every": True, "required": False,
                                                 "meaning_of_missing": "No earlier study."}}  # fmt: skip
    stage = graphs.stage(kind="image", roles=["now", "before"], slots=SLOTS, outputs=["means", "heat"])
    return graphs.model(folder, [stage], {"classes": said | heat | classes}, inputs=inputs)


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return looking(tmp_path / "sides")


def views(device: Device, model: Model, **inputs: Images) -> Views:
    found = infer(device, model, inputs, 10, lambda: None)
    assert found.views is not None and found.classification is None
    return found.views


def test_graph_and_card_agree_on_the_channels(device: Device, model: Model) -> None:
    assert disagreements(device, model) == ()


def test_each_image_takes_the_slot_that_its_header_tells(device: Device, model: Model) -> None:
    found = views(device, model, now=seen(("L", 0.4, "1000"), ("R", 0.2, "1001")))
    assert [(view.slot, view.index) for view in found.seen] == [("R", 1), ("L", 0)]
    assert found.probabilities == pytest.approx((0.2125, 0.425))
    assert (found.missing, found.left_out) == ((), 0)


def test_maps_lie_on_the_images_of_their_slots(device: Device, model: Model) -> None:
    right, left = views(device, model, now=seen(("L", 0.4, "1000"), ("R", 0.2, "1001"), shape=(32, 32))).seen
    assert right.heat_yx is not None and right.heat_yx.shape == (32, 32)
    assert right.peak_yx is not None and left.peak_yx is not None
    assert max(right.peak_yx) < 9 and left.peak_yx[0] < 9 and left.peak_yx[1] > 23
    assert left.height > right.height


def test_of_several_images_the_last_takes_the_slot(device: Device, model: Model) -> None:
    found = views(device, model, now=seen(("R", 0.2, "1005"), ("R", 0.4, "1001"), ("L", 0.1, "1002")))
    assert [(view.slot, view.index) for view in found.seen] == [("R", 0), ("L", 2)]
    assert found.left_out == 1


def test_where_nobody_takes_a_slot_the_network_sees_zeros(device: Device, model: Model) -> None:
    found = views(device, model, now=seen(("L", 0.4, "1000")))
    assert [view.slot for view in found.seen] == ["L"]
    assert found.probabilities == pytest.approx((0.0, 0.425))
    assert found.missing == ("R was not there.",)


def test_without_an_image_for_any_slot_there_is_no_result(device: Device, model: Model) -> None:
    with pytest.raises(Unsuitable) as caught:
        views(device, model, now=seen(("", 0.4, "1000")))
    assert caught.value.sentence == (
        "None of the images is one that the model sides looks at (R, L); their headers must say which they are."
    )


def test_earlier_images_come_after_those_of_now(device: Device, tmp_path: Path) -> None:
    """The graph adds what the third and fourth channel show, a tenth of it."""
    model = looking(tmp_path / "sides")
    graphs.write_slots(tmp_path / "sides" / "model.onnx", 2, earlier=0.1)
    now, before = seen(("R", 0.2, "1000"), ("L", 0.4, "1000")), seen(("L", 0.8, "1000"))
    assert views(device, model, now=now, before=before).probabilities == pytest.approx((0.2125, 0.425 + 0.085))


def test_an_earlier_study_without_an_image_for_a_slot_is_told(device: Device, model: Model) -> None:
    now = seen(("R", 0.2, "1000"), ("L", 0.4, "1000"))
    assert views(device, model, now=now, before=seen(("L", 0.8, "1000"))).missing == (
        "The images of the role before lack R.",
    )
    assert views(device, model, now=now, before=seen(("", 0.8, "1000"))).missing == (
        "None of the images of the role before is one that the model looks at. No earlier study.",
    )


def test_a_map_for_each_slot_is_asked_for(device: Device, tmp_path: Path) -> None:
    model = looking(tmp_path / "sides", heat_map={"stage": "only", "output": "means"})
    with pytest.raises(Broken) as caught:
        views(device, model, now=seen(("R", 0.2, "1000")))
    assert "answered heat maps of the shape (2,) in means for 2 slots" in caught.value.sentence
