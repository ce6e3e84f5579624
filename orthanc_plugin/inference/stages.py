"""One stage of a model and a job's images in, what its network says of them out: a way for each kind of stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.imaging.image import Imaged, Images
from orthanc_plugin.imaging.roi import GivenRegion
from orthanc_plugin.inference import items, patches, regions, slices, slots, texture
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.drawing import Easel, Wanted
from orthanc_plugin.inference.drawn import Drawn, laid_out
from orthanc_plugin.inference.intensity import scaling
from orthanc_plugin.inference.middle import Middle
from orthanc_plugin.inference.network import Answers, Network
from orthanc_plugin.inference.preprocess import Channel, Turned, channels, turn
from orthanc_plugin.inference.regions import Candidate
from orthanc_plugin.inference.slices import Fitted, Heats
from orthanc_plugin.inference.texture import Region
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.network import Stage, Within
from orthanc_plugin.routing.outputs import Classes, Output

# By stage and output, those of each image.
Maps = dict[tuple[str, str], list[NDArray[np.float32]]]


@dataclass(frozen=True, eq=False)
class Series:
    """What one stage answered about each item; `slices` are theirs in `turned`, or the numbers of single images.

    `heats` are its heat maps and `fitted` the items, for a stage of slices or single images.
    """

    answers: Mapping[str, NDArray[np.float32]]
    slices: NDArray[np.int64]
    turned: Turned | None
    fitted: Fitted | None = None
    heats: Heats | None = None

    def only(self, counted: NDArray[np.bool_]) -> Series:
        """Of some of the items."""
        answers = {name: rows[counted] for name, rows in self.answers.items()}
        return Series(answers, self.slices[counted], self.turned, self.fitted, self.heats)

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
class Found:
    """What a stage drew, and by output its maps of single images that a later stage looks within, as coarse as came."""

    drawn: Drawn
    maps: Mapping[str, list[NDArray[np.float32]]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Bench:
    """What all stages of one job share."""

    device: Device
    model: Model
    inputs: Mapping[str, Imaged]
    priority: int
    check: Callable[[], None]
    clinical: Mapping[str, float]
    given: GivenRegion | None

    def network(self, stage: Stage) -> Network:
        return Network(self.device, self.model, stage, self.check, self.priority, clinical=self.clinical)


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

    def series(self, turned: Turned | None, fitted: Fitted | None = None, heats: Heats | None = None) -> Series:
        answers = {name: np.concatenate(rows) for name, rows in self._rows.items()}
        return Series(answers, np.array(self._slices, np.int64), turned, fitted, heats)


def of_images(
    bench: Bench, stage: Stage, numbers: tuple[str, ...], wanted: Wanted, kept: Sequence[str]
) -> tuple[Series, Found]:
    given = items.images(stage, bench.inputs)
    first = given[stage.roles[0]]
    network = bench.network(stage)
    collected, heats = Numbers(network, numbers), _heats(bench, network)
    fitted = items.of_images(stage, given)
    sheets: list[Drawn] = []
    maps: dict[str, list[NDArray[np.float32]]] = {name: [] for name in kept}
    for start, answers in slices.run(network, fitted):
        numbered = range(start, start + _count(answers))
        collected.add(numbered, answers)
        if heats is not None:
            heats.take(start, answers)
        for name, those in maps.items():
            those += regions.maps(network, answers, name)
        if wanted:
            sheets += [_sheet(network, wanted, first, fitted, n, _item(answers, n - start)) for n in numbered]
    return collected.series(None, fitted, heats), Found(laid_out(sheets) if sheets else Drawn(), maps)


def of_slots(bench: Bench, stage: Stage, numbers: tuple[str, ...], wanted: Classes) -> tuple[Series, slots.Views]:
    """All images at once."""
    given = items.images(stage, bench.inputs)
    taken = slots.taken_by(bench.model.card, stage, wanted, given)
    network = bench.network(stage)
    answers = network(items.of_slots(stage, given, taken))
    collected = Numbers(network, numbers)
    collected.add([0], answers)
    return collected.series(None), slots.views(network, bench.model.card, wanted, given, taken, answers)


def of_texture(bench: Bench, stage: Stage, numbers: tuple[str, ...]) -> tuple[Series, tuple[Region, ...]]:
    network = bench.network(stage)
    collected = Numbers(network, numbers)
    found = texture.regions(stage, items.images(stage, bench.inputs)[stage.roles[0]], bench.given)
    for about, answers in texture.run(network, found):
        collected.add(about, answers)
    return collected.series(None), found


def of_regions(
    bench: Bench, stage: Stage, within: Within, maps: Maps, wanted: Wanted
) -> tuple[Drawn, list[tuple[Candidate, ...]]]:
    """One image after the other: its regions, outlined and put back into it."""
    [given] = items.images(stage, bench.inputs).values()
    network, finder = bench.network(stage), bench.model.card.stage(within.stage)
    sheets, candidates = [], []
    for number, (map_yx, pixels) in enumerate(zip(maps[within.stage, within.output], given.pixels, strict=True)):
        place = items.place(finder, given, number)
        cut = regions.found(map_yx, place, within.threshold, within.margin, within.most)
        candidates.append(cut)
        fed, pixel_mm = items.fed(stage, pixels), given.pixel_mm(number)
        scaled = scaling(stage.intensity, fed)
        easel = Easel(wanted, (1, *given.shape_yx(number)), scaled, network)
        for sink, whole in regions.outlined(network, [each.region for each in cut], fed, scaled, easel.sinks):
            sink.take(0, whole)
        sheets.append(easel.done(items.grey(pixels), None if pixel_mm is None else (1.0, *pixel_mm)))
    return laid_out(sheets), candidates


def _sheet(network: Network, wanted: Wanted, of: Images, fitted: slices.Fitted, number: int, answers: Answers) -> Drawn:
    """What is drawn on one image, on its own matrix."""
    pixels, pixel_mm = of.pixels[number], of.pixel_mm(number)
    scaled = scaling(network.stage.intensity, items.fed(network.stage, pixels))
    easel = Easel(wanted, (1, *of.shape_yx(number)), scaled, network)
    for sink in easel.sinks:
        sink.take(0, slices.maps(network, answers, sink.name, sink.channels, fitted.places[number]))
    return easel.done(items.grey(pixels), None if pixel_mm is None else (1.0, *pixel_mm))


def of_volume(
    bench: Bench, stage: Stage, numbers: tuple[str, ...], wanted: Wanted, kept: Sequence[str]
) -> tuple[Series, Found]:
    volumes = items.volumes(stage, bench.inputs)
    turned = turn(volumes[stage.roles[0]], stage.orientation)
    seen = channels(stage, volumes, turned)
    if stage.whole:
        return _of_whole(bench, stage, numbers, wanted, turned, seen)
    network = bench.network(stage)
    collected, heats = Numbers(network, numbers), _heats(bench, network)
    fitted = None
    shape = patches.shape_of(turned)
    easel = Easel(wanted, shape, seen[0].scaling, network)
    if stage.kind == "volume" or stage.spacing_mm is not None:
        grid = patches.Grid.of(stage, seen, turned)
        for middle, answers in patches.run(network, grid, shape, easel.sinks):
            collected.add([middle] * _count(answers), answers)
    else:
        fitted = items.of_slices(stage, seen, turned)
        for start, answers in slices.run(network, fitted):
            collected.add(range(start, start + _count(answers)), answers)
            if heats is not None:
                heats.take(start, answers)
            for sink in easel.sinks:
                sink.take(start, slices.maps(network, answers, sink.name, sink.channels, fitted.places[0]))
    drawn = easel.done(turned.voxels_zyx, turned.spacing_mm).moved(turned.to_source)
    return collected.series(turned, fitted, heats), Found(drawn)


def _of_whole(
    bench: Bench, stage: Stage, numbers: tuple[str, ...], wanted: Wanted, turned: Turned, seen: Sequence[Channel]
) -> tuple[Series, Found]:
    """One patch around the middle; what is drawn on it lies in the volume again, and nothing beyond it."""
    network = bench.network(stage)
    collected = Numbers(network, numbers)
    middle = Middle.of(stage, turned)
    cut = middle.cut(turned)
    shape = patches.shape_of(cut)
    easel = Easel(wanted, shape, seen[0].scaling, network)
    grid = patches.Grid.of(stage, [middle.cut_channel(channel) for channel in seen], cut)
    for index, answers in patches.run(network, grid, shape, easel.sinks):
        collected.add([index + middle.first_slice] * _count(answers), answers)
    drawn = easel.done(cut.voxels_zyx, cut.spacing_mm).moved(middle.put_back).moved(turned.to_source)
    return collected.series(turned), Found(drawn)


def _heats(bench: Bench, network: Network) -> Heats | None:
    """Of the stage of the card's classes, where they have a heat map; of any other stage none."""
    wanted = bench.model.card.outputs.classes
    if wanted is None or wanted.heat_map is None or wanted.heat_map.stage != network.stage.name:
        return None
    return Heats(network, wanted.heat_map.output, len(wanted.items))


def _count(answers: Answers) -> int:
    return len(next(iter(answers.values())))


def _item(answers: Answers, number: int) -> Answers:
    """Those of one item of a batch, which is a batch of one."""
    return {name: answer[number : number + 1] for name, answer in answers.items()}
