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
HEAT = {"heat_map": {"stage": "only", "output": "probability"}}


@pytest.mark.parametrize(
    ("stages", "outputs", "said"),
    [
        ([{"orientation": "HFL"}], OUTLINES, "the orientation HFL of the stage only names a direction twice"),
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
            OUTLINES,
            "segments are outlined on slices, stacks or volumes, not on single images",
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
        graphs.model(tmp_path / "odd", [graphs.stage(**stage) for stage in stages], outputs)
    assert said in refusal.value.sentence
    assert refusal.value.sentence.endswith("correct card.json.")
