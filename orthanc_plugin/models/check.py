"""A model's folder in, what is right and wrong about it out: its card, its files, its graphs on a blank input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import NodeError
from orthanc_plugin.inference.device import Device
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
    return (card, *(finding for stage in model.card.stages for finding in graphs(model, stage, device)))


def links(folder: Path) -> Iterator[str]:
    """A link could lead out of what is signed, copied and digested."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            yield f"{path.relative_to(folder)} is a link; put the file itself into the folder."


def graphs(model: Model, stage: Stage, device: Device) -> Iterator[Finding]:
    """Each graph of the stage on zeros of the shape that the card states."""
    for graph in model.graphs(stage):
        feeds: Answers = {stage.input: blank(stage)}
        try:
            answers = device.infer(graph, model.digest, feeds)
        except NodeError as error:
            yield Finding(False, error.sentence)
            continue
        bad = tuple(disagreements(model.card, stage, graph.name, answers))
        yield from (Finding(False, sentence) for sentence in bad)
        if not bad:
            yield Finding(True, f"The graph {graph.name} runs on {device.start()} and answers what the card says.")


def blank(stage: Stage) -> NDArray[np.float32]:
    """One item of what the stage takes: [1, channels, (depth,) rows, columns]."""
    channels = len(stage.roles) * (3 if stage.channels == "rgb" else 1)
    if stage.kind == "volume":
        return np.zeros((1, channels, stage.depth, stage.rows, stage.columns), np.float32)
    if stage.kind == "stack":
        channels *= stage.depth
    return np.zeros((1, channels, stage.rows, stage.columns), np.float32)


def disagreements(card: Card, stage: Stage, graph: str, answers: Answers) -> Iterator[str]:
    for name in stage.outputs:
        if name not in answers:
            there = ", ".join(answers)
            yield f"The graph {graph} has no output {name} as the card says; it has {there}. Correct card.json."
        elif not np.isfinite(answers[name]).all():
            yield f"The output {name} of {graph} is not finite on a blank image; look at the export of the network."
    segments, classes = card.outputs.segments, card.outputs.classes
    if segments is not None and segments.source.stage == stage.name:
        spatial = (stage.rows, stage.columns) if stage.kind != "volume" else (stage.depth, stage.rows, stage.columns)
        wanted = (1, len(segments.items) + segments.background, *spatial)
        yield from _shape(graph, segments.source.output, answers, wanted)
    if classes is not None and classes.source.stage == stage.name:
        yield from _shape(graph, classes.source.output, answers, (1, len(classes.items)))


def _shape(graph: str, output: str, answers: Answers, wanted: tuple[int, ...]) -> Iterator[str]:
    if output in answers and answers[output].shape != wanted:
        yield (
            f"The output {output} of {graph} has the shape {list(answers[output].shape)}, the card asks for "
            f"{list(wanted)}; correct card.json or export the network anew."
        )
