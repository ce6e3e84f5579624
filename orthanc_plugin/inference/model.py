"""A model and its inputs in, what its networks say out: masks on the grid of the series, numbers by slice or image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.inference import classes, items, patches, postprocess, slices
from orthanc_plugin.inference.classes import Classification
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.network import Answers, Network
from orthanc_plugin.inference.preprocess import Turned, channels, turn
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.network import Stage
from orthanc_plugin.routing.outputs import BodyComposition, Classes, Output, Segments


@dataclass(frozen=True, eq=False)
class Series:
    """What one stage answered about each item; `slices` are theirs in `turned`, or the numbers of single images."""

    answers: Mapping[str, NDArray[np.float32]]
    slices: NDArray[np.int64]
    turned: Turned | None

    def numbers(self, output: Output) -> NDArray[np.float32]:
        """Of an output that gives one number an item."""
        return self.answers[output.output].reshape(-1)

    @property
    def positions_mm(self) -> NDArray[np.float64]:
        """Of the items' slices, in the direction in which they run."""
        return self.slices.astype(np.float64) if self.turned is None else self.turned.positions_mm[self.slices]

    def source_slice(self, item: int) -> int | None:
        """The source's slice or image that an item is, where the source was acquired so."""
        index = int(self.slices[item])
        return index if self.turned is None else self.turned.source_slice(index)


@dataclass(frozen=True, eq=False)
class RawOutput:
    """Masks (segment, z, y, x) lie on the grid of the source of the segments' stage; there are none without segments.

    `said` holds by stage the outputs that are numbers, one row an item.
    """

    masks_szyx: NDArray[np.bool_] | None
    classification: Classification | None
    said: Mapping[str, Series]


@dataclass(frozen=True, eq=False)
class Bench:
    """What all stages of one job share."""

    device: Device
    model: Model
    inputs: Mapping[str, Imaged]
    priority: int
    check: Callable[[], None]

    def network(self, stage: Stage) -> Network:
        return Network(self.device, self.model, stage, self.check, self.priority)


def infer(
    device: Device, model: Model, inputs: Mapping[str, Imaged], priority: int, check: Callable[[], None]
) -> RawOutput:
    """`inputs` by role; `check` is called between batches and patches and may raise to stop."""
    bench = Bench(device, model, inputs, priority, check)
    outputs = model.card.outputs
    masks: NDArray[np.bool_] | None = None
    said: dict[str, Series] = {}
    for stage in model.card.stages:
        numbers = _numbers_of(model, stage)
        drawn = outputs.segments
        if drawn is not None and drawn.source.stage != stage.name:
            drawn = None
        if not numbers and drawn is None:
            continue
        if stage.kind == "image":
            said[stage.name] = _of_images(bench, stage, numbers)
        else:
            said[stage.name], found = _of_volume(bench, stage, numbers, drawn)
            masks = masks if found is None else found
    classification = None
    if outputs.classes is not None:
        classification = _classified(bench, outputs.classes, said[outputs.classes.source.stage])
    return RawOutput(masks, classification, said)


def _numbers_of(model: Model, stage: Stage) -> tuple[str, ...]:
    """The outputs of the stage that the card uses as numbers of each slice or image."""
    outputs = model.card.outputs
    wanted: list[Output] = [outputs.classes.source] if outputs.classes is not None else []
    for measure in outputs.measurements:
        if isinstance(measure, BodyComposition):
            wanted += [measure.offset_mm, measure.sigma_mm]
    return tuple(dict.fromkeys(each.output for each in wanted if each.stage == stage.name))


class Numbers:
    """Collects the rows of some outputs, with the slice or image that each is about."""

    def __init__(self, network: Network, names: tuple[str, ...]) -> None:
        self._network = network
        self._rows: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
        self._slices: list[int] = []

    def add(self, about: range | list[int], answers: Answers) -> None:
        self._slices += about
        for name, rows in self._rows.items():
            answer = answers[name]
            if sum(length > 1 for length in answer.shape[1:]) > 1:
                raise self._network.broken(f"answered the shape {answer.shape} in {name}, where each has one row")
            rows.append(answer.reshape(len(answer), -1))

    def series(self, turned: Turned | None) -> Series:
        answers = {name: np.concatenate(rows) for name, rows in self._rows.items()}
        return Series(answers, np.array(self._slices, np.int64), turned)


def _of_images(bench: Bench, stage: Stage, numbers: tuple[str, ...]) -> Series:
    network = bench.network(stage)
    collected = Numbers(network, numbers)
    fitted = items.of_images(stage, items.images(stage, bench.inputs))
    for start, answers in slices.run(network, fitted):
        collected.add(range(start, start + _count(answers)), answers)
    return collected.series(None)


def _of_volume(
    bench: Bench, stage: Stage, numbers: tuple[str, ...], drawn: Segments | None
) -> tuple[Series, NDArray[np.bool_] | None]:
    volumes = items.volumes(stage, bench.inputs)
    turned = turn(volumes[stage.roles[0]], stage.orientation)
    seen = channels(stage, volumes, turned)
    network = bench.network(stage)
    collected = Numbers(network, numbers)
    drawing = Drawing(drawn, turned) if drawn is not None else None
    if stage.kind == "volume" or stage.spacing_mm is not None:
        grid = patches.Grid.of(stage, seen, turned)
        shape = patches.shape_of(turned)
        for middle, answers in patches.run(network, grid, shape, drawing):
            collected.add([middle] * _count(answers), answers)
    else:
        fitted = items.of_slices(stage, seen, turned)
        for start, answers in slices.run(network, fitted):
            collected.add(range(start, start + _count(answers)), answers)
            if drawing is not None:
                drawing.take(start, slices.maps(network, answers, drawing.name, drawing.channels, fitted.places[0]))
    return collected.series(turned), drawing.done() if drawing is not None else None


class Drawing:
    """Maps on the slices of the series in, piece by piece, masks on the source grid out."""

    def __init__(self, segments: Segments, turned: Turned) -> None:
        self.name = segments.source.output
        self.channels = postprocess.channels(segments)
        self._segments = segments
        self._turned = turned
        self._masks = np.zeros((len(segments.items), *turned.voxels_zyx.shape), bool)

    def take(self, start: int, maps_ncyx: NDArray[np.float32]) -> None:
        self._masks[:, start : start + len(maps_ncyx)] = postprocess.decided(self._segments, maps_ncyx)

    def done(self) -> NDArray[np.bool_]:
        voxel_mm3 = float(np.prod(self._turned.spacing_mm))
        refined = postprocess.refined(self._segments, self._masks, self._turned.voxels_zyx, voxel_mm3)
        return self._turned.to_source(refined)


def _classified(bench: Bench, wanted: Classes, said: Series) -> Classification:
    stage = bench.model.card.stage(wanted.source.stage)
    network = bench.network(stage)
    probabilities = classes.probabilities(wanted, said.answers[wanted.source.output], network)
    item, shown = classes.shown(wanted, probabilities)
    heat = None
    if wanted.heat_map is not None:
        heat = slices.heat(network, _fitted(bench, stage, said), item, wanted.heat_map.output, shown)
    return classes.classification(wanted, probabilities, said.slices, said.turned, item, heat)


def _fitted(bench: Bench, stage: Stage, said: Series) -> slices.Fitted:
    if said.turned is None:
        return items.of_images(stage, items.images(stage, bench.inputs))
    return items.of_slices(stage, channels(stage, items.volumes(stage, bench.inputs), said.turned), said.turned)


def _count(answers: Answers) -> int:
    return len(next(iter(answers.values())))
