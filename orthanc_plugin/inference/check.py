"""A model and the device in, the sentences about what its graphs and its card disagree on out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from orthanc_plugin.errors import Broken
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.graph import FLOATS, Graph, Tensor
from orthanc_plugin.inference.network import Network
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.network import Stage


def disagreements(device: Device, model: Model) -> tuple[str, ...]:
    """Empty when every graph loads and takes and gives what the card says."""
    return tuple(sentence for stage in model.card.stages for sentence in _of_stage(device, model, stage))


def dry_run(device: Device, model: Model) -> None:
    """Each stage once on one item of zeros, which also makes its sessions warm; Broken when a graph does not run."""
    for stage in model.card.stages:
        network = Network(device, model, stage, check=lambda: None, limit_s=model.card.limits.seconds)
        network(np.zeros((1, *input_shape(stage)), np.float32))


def input_shape(stage: Stage) -> tuple[int, ...]:
    """One item as the network takes it, without the axis of the batch."""
    if stage.texture is not None:
        return (len(stage.texture.features),)
    if stage.kind == "volume":
        return len(stage.roles), stage.depth, stage.rows, stage.columns
    colours = 3 if stage.channels == "rgb" else 1
    channels = len(stage.roles) * max(len(stage.slots), 1) * stage.depth * colours
    return channels, stage.rows, stage.columns


def _of_stage(device: Device, model: Model, stage: Stage) -> Iterator[str]:
    for path in model.graphs(stage):
        try:
            described = device.describe(path, model.digest, memory_mb=model.card.limits.memory_mb)
        except Broken as error:
            yield error.sentence
            continue
        named = f"The graph {path.name} of {model.card.name}"
        yield from _of_inputs(stage, described, named)
        given = [output.name for output in described.outputs]
        for name in stage.outputs:
            if name not in given:
                yield f"{named} has no output {name}, which its card names; it has {', '.join(given)}."


def _of_inputs(stage: Stage, described: Graph, named: str) -> Iterator[str]:
    names, wanted = [given.name for given in described.inputs], _wanted_inputs(stage)
    if sorted(names) != sorted(wanted):
        yield f"{named} takes {', '.join(names) or 'nothing'}, where its card says {', '.join(wanted)}."
        return
    for given in described.inputs:
        if given.type not in FLOATS:
            yield f"{named} takes {given.type} in {given.name}; only floating-point inputs are fed."
        if not _fits(given, wanted[given.name]):
            shape = " x ".join("?" if length is None else str(length) for length in given.shape)
            said = " x ".join(str(length) for length in wanted[given.name])
            yield f"{named} takes {shape} in {given.name}, where its card says {said}."
        elif stage.multiples is not None and any(length is not None for length in given.shape[2:]):
            yield (
                f"{named} takes patches of one size in {given.name}, where its card says multiples of "
                f"{' x '.join(map(str, stage.multiples))} up to its own; leave them out of the card, or export the "
                "graph with free axes."
            )


def _wanted_inputs(stage: Stage) -> dict[str, tuple[int, ...]]:
    """Names and shapes, with the axis of the batch."""
    wanted: dict[str, tuple[int, ...]] = {stage.input: (stage.batch, *input_shape(stage))}
    if stage.clinical is not None:
        wanted[stage.clinical.input] = (stage.batch, len(stage.clinical.names))
    return wanted


def _fits(given: Tensor, wanted: tuple[int, ...]) -> bool:
    if len(given.shape) != len(wanted):
        return False
    return all(length in (None, want) for length, want in zip(given.shape, wanted, strict=True))
