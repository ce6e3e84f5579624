"""One stage of a model over all axial slices: batches to the device, its answers checked and handed on one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.preprocess import Axial, Placement, batches, placement
from orthanc_plugin.routing.card import Model, Stage

Answers = dict[str, NDArray[np.float32]]


def run(device: Device, model: Model, stage: Stage, slices: Axial) -> Iterator[tuple[Placement, Answers]]:
    """The stage's answers batch by batch; Broken when they are not what the card says or no numbers."""
    rows, columns = slices.slices_hu.shape[1:]
    place = placement(stage, (rows, columns), slices.pixel_mm)
    for batch in batches(stage, place, slices.slices_hu):
        answers = device.infer(model.graph(stage), model.digest, {stage.input: batch})
        yield place, {name: _checked(answers, name, len(batch), model, stage) for name in stage.outputs}


def _checked(
    answers: dict[str, NDArray[np.generic]], name: str, count: int, model: Model, stage: Stage
) -> NDArray[np.float32]:
    if name not in answers:
        raise Broken(
            f"The graph {stage.file} of {model.card.name} has no output {name}, which its card names; correct it.",
            stage="infer",
        )
    answer = np.asarray(answers[name], np.float32)
    if len(answer) != count:
        raise Broken(
            f"The graph {stage.file} of {model.card.name} answered {len(answer)} times for {count} slices; "
            "its first axis must be the batch.",
            stage="infer",
        )
    if not np.isfinite(answer).all():
        raise Broken(
            f"The graph {stage.file} of {model.card.name} answered values that are not numbers in {name}; "
            "nothing of it was stored.",
            stage="infer",
        )
    return answer
