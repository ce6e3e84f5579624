"""Stages and outputs that can't be carried out are refused with the card, each with its sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orthanc_plugin.errors import ConfigurationError
from tests.inference import graphs

CLASSES = {
    "from": {"stage": "only", "output": "probability"},
    "activation": "softmax",
    "exclusive": True,
    "items": [{"label": "A", "code": graphs.concept("A", "A"), "threshold": 0.5}],
}
OUTLINES = graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}])
SMALL = {"step": "remove-small", "segment": "Box"}
OUTPUT = {"stage": "only", "output": "probability"}
MAP = {"label": "Sure", "quantity": graphs.concept("sure", "Sure"), "unit": graphs.concept("1", "no units")}
IMAGE = {"label": "Quiet", "derivation": graphs.concept("q", "Quiet"), "values": "as-input", "from": OUTPUT}
HEAT = {"heat_map": {"stage": "only", "output": "probability"}}


@pytest.mark.parametrize(
    ("stages", "outputs", "said"),
    [
        ([{"orientation": "HFL"}], OUTLINES, "the orientation HFL of the stage only names a direction twice"),
        (
            [{}],
            {"images": [IMAGE | {"channels": 4, "finer": 4}]},
            "the image Quiet has finer slices than the series, so its stage only takes the series' own slices in the "
            "orientation as-acquired",
        ),
        ([{}], {"images": [IMAGE | {"channels": 3, "finer": 4}]}, "Quiet is channel 3 of 3; the first is 0"),
        ([{"kind": "stack", "depth": 4}], OUTLINES, "the stack only has an even depth, so it has no middle slice"),
        ([{"depth": 3}], OUTLINES, "the stage only has a depth, which only stacks and volumes have"),
        (
            [{"kind": "image", "spacing_mm": [1, 1, 1]}],
            {"classes": CLASSES},
            "the stage only takes single images, which have no spacing in three directions",
        ),
        ([{"channels": "rgb"}], OUTLINES, "the stage only takes colours, which only single images have"),
        (
            [{"kind": "image"}],
            graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}, SMALL | {"least_mm3": 3}]),
            "remove-small has least_mm2 on single images, which have no volume",
        ),
        (
            [{}],
            graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}, SMALL]),
            "remove-small has least_mm3 or least_mm2",
        ),
        (
            [{"kind": "image"}],
            OUTLINES | {"measurements": [{"measure": "body-composition", "offset_mm": OUTPUT, "sigma_mm": OUTPUT}]},
            "body-composition is measured in volumes, not on single images",
        ),
        (
            [{}],
            graphs.segments(graphs.segment("Box"), steps=[{"step": "threshold"}], encoding="labelmap"),
            "the step threshold makes segments that may overlap, which a label map can't hold",
        ),
        ([{}], OUTLINES | {"maps": [MAP]}, "the map Sure is made from an output or is that of a segment"),
        ([{}], OUTLINES | {"maps": [MAP | {"segment": "Box", "from": OUTPUT}]}, "is made from an output or is that of"),
        ([{}], OUTLINES | {"maps": [MAP | {"segment": "Bx"}]}, "the map Sure is that of the segment Bx, which is not"),
        (
            [{}],
            OUTLINES | {"maps": [MAP | {"from": OUTPUT, "channel": 2, "channels": 2}]},
            "Sure is channel 2 of 2; the first is 0",
        ),
        (
            [{}],
            {"images": [IMAGE | {"unit": graphs.concept("1", "1")}]},
            "speaks in the source's numbers and so has no",
        ),
        ([{}], {"images": [IMAGE, IMAGE]}, "two images have the name Quiet"),
        (
            [{}, {"name": "other", "roles": ["second"]}],
            OUTLINES | {"images": [IMAGE | {"from": {"stage": "other", "output": "probability"}}]},
            "the output probability of the stage other is about the role second, but results lie on series",
        ),
        (
            [{"kind": "volume", "depth": 8}],
            {"classes": CLASSES | HEAT},
            "a heat map comes from the stage of its classes, of slices or images without a spacing",
        ),
        (
            [{}, {"name": "flat", "kind": "image"}],
            OUTLINES,
            "the role series is taken as single images by one stage and as a volume by another",
        ),
    ],
)
def test_what_no_runtime_could_do_is_refused(
    stages: list[dict[str, Any]], outputs: dict[str, Any], said: str, tmp_path: Path
) -> None:
    graphs.write_doubler(tmp_path / "odd" / "model.onnx")
    with pytest.raises(ConfigurationError) as refusal:
        graphs.model(
            tmp_path / "odd", [graphs.stage(**stage) for stage in stages], outputs, inputs={"series": {}, "second": {}}
        )
    assert said in refusal.value.sentence
    assert refusal.value.sentence.endswith("correct card.json.")
