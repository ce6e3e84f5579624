"""A model and its inputs in, what its networks say out: pictures on the source's grid, numbers by slice or image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.roi import GivenRegion
from orthanc_plugin.inference import classes, items, stages, texture
from orthanc_plugin.inference.classes import Classification
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.drawing import Wanted
from orthanc_plugin.inference.drawn import Drawn
from orthanc_plugin.inference.regions import Candidate
from orthanc_plugin.inference.slots import Views
from orthanc_plugin.inference.stages import Bench, Maps, Series
from orthanc_plugin.inference.texture import Region
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.network import Stage
from orthanc_plugin.routing.outputs import BodyComposition, Classes, Output


@dataclass(frozen=True, eq=False)
class RawOutput:
    """`drawn` lies on the grid of the source of the card's main role, single images laid out as `drawn.laid_out` does.

    `said` holds by stage the outputs that are numbers, one row an item; of the stage of classes those items that count.
    `regions` are those whose texture was looked at, `candidates` by image those that were outlined. `views` are the
    images that took the slots of the stage of classes, of which there is then no classification image by image.
    """

    drawn: Drawn
    classification: Classification | None
    said: Mapping[str, Series]
    regions: tuple[Region, ...] = ()
    candidates: tuple[tuple[Candidate, ...], ...] = ()
    views: Views | None = None


def infer(
    device: Device,
    model: Model,
    inputs: Mapping[str, Imaged],
    priority: int,
    check: Callable[[], None],
    *,
    soft: bool = False,
    clinical: Mapping[str, float] | None = None,
    given: GivenRegion | None = None,
) -> RawOutput:
    """`inputs` by role; `check` is called between batches and patches and may raise to stop.

    `soft` asks for the probabilities around the masks: four bytes a voxel and segment. `clinical` are values by name.
    `given` is the region whose texture is looked at, which is found where none is given.
    """
    bench = Bench(device, model, inputs, priority, check, clinical or {}, given)
    outputs = model.card.outputs
    drawn = Drawn()
    said: dict[str, Series] = {}
    looked_at: list[Region] = []
    candidates: list[tuple[Candidate, ...]] = []
    maps: Maps = {}
    views: Views | None = None
    withins = [stage.within for stage in model.card.stages if stage.within is not None]
    for stage in model.card.stages:
        numbers, wanted = _numbers_of(model, stage), Wanted.of(outputs, stage.name, soft)
        kept = [within.output for within in withins if within.stage == stage.name]
        if stage.kind == "texture" and numbers:
            said[stage.name], found_there = stages.of_texture(bench, stage, numbers)
            looked_at += found_there
        elif stage.slots and outputs.classes is not None:
            said[stage.name], views = stages.of_slots(bench, stage, numbers, outputs.classes)
        elif stage.within is not None:
            if wanted:
                outlined, candidates = stages.of_regions(bench, stage, stage.within, maps, wanted)
                drawn = drawn.joined(outlined)
        elif numbers or wanted or kept:
            run = stages.of_images if stage.kind == "image" else stages.of_volume
            series, found = run(bench, stage, numbers, wanted, kept)
            said[stage.name] = _counting(bench, stage, series)
            drawn = drawn.joined(found.drawn)
            maps |= {(stage.name, name): each for name, each in found.maps.items()}
    classification = None
    if outputs.classes is not None and views is None:
        classification = _classified(bench, outputs.classes, said[outputs.classes.source.stage])
    return RawOutput(drawn, classification, said, tuple(looked_at), tuple(candidates), views)


def _numbers_of(model: Model, stage: Stage) -> tuple[str, ...]:
    """The outputs of the stage that the card uses as numbers of each slice or image."""
    outputs = model.card.outputs
    wanted: list[Output] = []
    if outputs.classes is not None:
        wanted += [outputs.classes.source, *([outputs.classes.where] if outputs.classes.where is not None else [])]
    for measure in outputs.measurements:
        if isinstance(measure, BodyComposition):
            wanted += [measure.offset_mm, measure.sigma_mm]
    wanted += [check.source for check in model.card.output_checks]
    return tuple(dict.fromkeys(each.output for each in wanted if each.stage == stage.name))


def _counting(bench: Bench, stage: Stage, said: Series) -> Series:
    """The items that the card's classes are about; Unsuitable when there are none."""
    classes = bench.model.card.outputs.classes
    if classes is None or classes.where is None or classes.where.stage != stage.name:
        return said
    numbers = said.answers[classes.where.output]
    if numbers.shape[1] != 1:
        raise bench.network(stage).broken(
            f"answers {numbers.shape[1]} numbers in {classes.where.output} instead of one"
        )
    counted = numbers[:, 0] >= classes.where.least
    if not counted.any():
        raise Unsuitable(classes.where.says, stage="infer")
    return said.only(counted)


def _classified(bench: Bench, wanted: Classes, said: Series) -> Classification:
    stage = bench.model.card.stage(wanted.source.stage)
    network = bench.network(stage)
    probabilities = classes.probabilities(wanted, said.answers[wanted.source.output], network)
    item, shown = classes.shown(wanted, probabilities)
    looked = _looked(bench, wanted, said, int(said.slices[item]), shown)
    return classes.classification(wanted, probabilities, said.slices, said.turned, item, shown, looked)


def _looked(bench: Bench, wanted: Classes, said: Series, number: int, shown: int) -> classes.Looked | None:
    """On the item of that number."""
    if wanted.heat_map is None:
        return None
    stage = bench.model.card.stage(wanted.source.stage)
    if stage.kind == "texture":
        images = items.images(stage, bench.inputs)[stage.roles[0]]
        heat = texture.heat(bench.network(stage), images.pixels[number], wanted.heat_map.output, shown)
        return classes.looked_all_over(heat, len(wanted.items))
    if said.heats is None or said.fitted is None:
        return None
    return classes.looked(said.heats.of(said.fitted, number), said.fitted.places[number], shown)
