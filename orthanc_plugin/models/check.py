"""A model's folder in, what is right and wrong about it out: its card, its files, its graphs on a blank input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import NodeError
from orthanc_plugin.inference.check import disagreements, input_shape
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.network import feeds
from orthanc_plugin.models.card_file import wrongs
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.folder import Model, read
from orthanc_plugin.routing.network import Stage

Answers = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Finding:
    well: bool
    sentence: str


def check(folder: Path, device: Device) -> tuple[Finding, ...]:
    """The first kind of thing that is wrong hides the later ones: graphs are run only for a card that is right."""
    bad = (*links(folder), *wrongs(folder))
    if bad:
        return tuple(Finding(False, sentence) for sentence in bad)
    try:
        model = read(folder)
    except NodeError as error:
        return (Finding(False, error.sentence),)
    card = Finding(True, f"The card of {model.card.title} {model.card.version} is right; digest {model.digest}.")
    try:
        return (card, *graphs(model, device))
    except NodeError as error:
        return card, Finding(False, error.sentence)


def links(folder: Path) -> Iterator[str]:
    """A link could lead out of what is signed, copied and digested."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            yield f"{path.relative_to(folder)} is a link; put the file itself into the folder."


def graphs(model: Model, device: Device) -> Iterator[Finding]:
    """What the graphs say of themselves, then what they answer to zeros of the shape that the card states."""
    bad = disagreements(device, model)
    yield from (Finding(False, sentence) for sentence in bad)
    if bad:
        return
    for stage in model.card.stages:
        for graph in model.graphs(stage):
            blank = feeds(stage, np.zeros((1, *input_shape(stage)), np.float32), {})
            answers = device.infer(graph, model.digest, blank, memory_mb=model.card.limits.memory_mb)
            wrong = tuple(faults(model.card, stage, graph.name, answers))
            yield from (Finding(False, sentence) for sentence in wrong)
            if not wrong:
                yield Finding(True, f"The graph {graph.name} runs on {device.start()} and answers as the card says.")


def faults(card: Card, stage: Stage, graph: str, answers: Answers) -> Iterator[str]:
    for name in stage.outputs:
        if not np.isfinite(answers[name]).all():
            yield f"The output {name} of {graph} is not finite on a blank image; look at how the network was exported."
    segments, classes = card.outputs.segments, card.outputs.classes
    spatial = (stage.rows, stage.columns) if stage.kind != "volume" else (stage.depth, stage.rows, stage.columns)
    if segments is not None and segments.source.stage == stage.name:
        wanted = (1, len(segments.items) + segments.background, *spatial)
        yield from _shape(graph, segments.source.output, answers, wanted)
    for picture in card.outputs.pictures:
        if picture.source is not None and picture.source.stage == stage.name:
            yield from _shape(graph, picture.source.output, answers, (1, picture.channels, *spatial))
    for within in (each.within for each in card.stages if each.within is not None):
        if within.stage == stage.name and (answers[within.output].ndim != 4 or answers[within.output].shape[1] != 1):
            yield (
                f"The output {within.output} of {graph} has the shape {list(answers[within.output].shape)}; a stage "
                "that looks within it needs one map, [1, 1, rows, columns]; correct card.json."
            )
    if classes is not None and classes.source.stage == stage.name:
        yield from _shape(graph, classes.source.output, answers, (1, len(classes.items)))


def _shape(graph: str, output: str, answers: Answers, wanted: tuple[int, ...]) -> Iterator[str]:
    if answers[output].shape != wanted:
        yield (
            f"The output {output} of {graph} has the shape {list(answers[output].shape)}, the card asks for "
            f"{list(wanted)}; correct card.json or export the network anew."
        )
