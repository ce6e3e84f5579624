"""A network's maps of one grid in, piece by piece; what the card wants drawn of them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.inference import postprocess, soft
from orthanc_plugin.inference.drawn import Drawn, Floats
from orthanc_plugin.inference.intensity import Scaling
from orthanc_plugin.inference.network import Network
from orthanc_plugin.routing.outputs import ImageOutput, MapOutput, Outputs, Segments

Shape = tuple[int, int, int]
Millimetres = tuple[float, float, float]


class Sink(Protocol):
    """Takes the maps (n, channels, row, column) of one output, on the slices from `start` on."""

    name: str
    channels: int

    def take(self, start: int, maps_ncyx: Floats) -> None: ...


@dataclass(frozen=True)
class Wanted:
    """What a card wants drawn by one stage; `soft` asks for the probabilities around the masks."""

    segments: Segments | None
    maps: tuple[MapOutput, ...]
    images: tuple[ImageOutput, ...]
    soft: bool

    @classmethod
    def of(cls, outputs: Outputs, stage: str, soft: bool) -> Wanted:
        """A map of a segment belongs to the stage of the segments."""
        outlining = outputs.segments.source if outputs.segments is not None else None
        return cls(
            outputs.segments if outlining is not None and outlining.stage == stage else None,
            tuple(each for each in outputs.maps if (source := each.source or outlining) and source.stage == stage),
            tuple(each for each in outputs.images if each.source.stage == stage),
            soft,
        )

    def __bool__(self) -> bool:
        return self.segments is not None or bool(self.maps or self.images)

    @property
    def probabilities(self) -> bool:
        return self.soft or any(each.segment is not None for each in self.maps)


class Easel:
    """The sinks of one stage on one grid; `scaling` is what the network was fed with."""

    def __init__(self, wanted: Wanted, shape: Shape, scaling: Scaling, network: Network) -> None:
        self._wanted = wanted
        self._outlines: Outlines | None = None
        if wanted.segments is not None:
            self._outlines = Outlines(wanted.segments, shape, wanted.probabilities, network)
        self._maps = {each.label: Numbers(each, shape) for each in wanted.maps if each.source is not None}
        self._images = {each.label: Numbers(each, shape, scaling) for each in wanted.images}

    @property
    def sinks(self) -> tuple[Sink, ...]:
        outlines = () if self._outlines is None else (self._outlines,)
        return (*outlines, *self._maps.values(), *self._images.values())

    def done(self, voxels_zyx: Floats, spacing_mm: Millimetres | None) -> Drawn:
        """`voxels_zyx` are what the steps on masks look at; where no spacing is known, no part is too small."""
        maps = {label: numbers.values_zyx for label, numbers in self._maps.items()}
        images = {label: numbers.values_zyx for label, numbers in self._images.items()}
        if self._outlines is None:
            return Drawn(maps=maps, images=images)
        for wanted in self._wanted.maps:
            if wanted.segment is not None:
                maps[wanted.label] = _shifted(wanted, self._outlines.probability_zyx(wanted.segment))
        masks = self._outlines.refined(voxels_zyx, spacing_mm)
        around = self._outlines.boundaries(masks, voxels_zyx, spacing_mm) if self._wanted.soft else None
        return Drawn(masks, around, maps, images)


class Outlines:
    """The segments' maps in, masks out, and where asked for the probabilities that they were made of."""

    def __init__(self, segments: Segments, shape: Shape, probabilities: bool, network: Network) -> None:
        self.name = segments.source.output
        self.channels = postprocess.channels(segments)
        self._segments = segments
        self._network = network
        self._masks = np.zeros((len(segments.items), *shape), bool)
        self._probabilities = np.zeros(self._masks.shape if probabilities else (0, 0, 0, 0), np.float32)

    def take(self, start: int, maps_ncyx: Floats) -> None:
        slices = slice(start, start + len(maps_ncyx))
        activated = postprocess.activated(self._segments, maps_ncyx)
        self._masks[:, slices] = postprocess.masks(self._segments, activated)
        if self._probabilities.size:
            self._probabilities[:, slices] = soft.probabilities(self._segments, activated, self._network)

    def probability_zyx(self, label: str) -> Floats:
        """As the network gave it, everywhere."""
        number = [item.label for item in self._segments.items].index(label)
        probability_zyx: Floats = self._probabilities[number]
        return probability_zyx

    def refined(self, voxels_zyx: Floats, spacing_mm: Millimetres | None) -> NDArray[np.bool_]:
        """After all steps."""
        return postprocess.refined(self._segments, self._masks, voxels_zyx, spacing_mm)

    def boundaries(self, refined_szyx: NDArray[np.bool_], voxels_zyx: Floats, spacing_mm: Millimetres | None) -> Floats:
        """The probabilities around the refined masks."""
        made = [
            soft.boundary(probability_zyx, decided_zyx, refined_zyx, spacing_mm)
            for probability_zyx, decided_zyx, refined_zyx in zip(
                self._probabilities, self._masks, refined_szyx, strict=True
            )
        ]
        for item, boundary_zyx, refined_zyx in zip(self._segments.items, made, refined_szyx, strict=True):
            boundary_zyx[soft.outside(self._segments, item.label, voxels_zyx) & ~refined_zyx] = 0
        return np.stack(made)


class Numbers:
    """One channel of an output as numbers on the grid; of an image with finer slices several, one behind the other."""

    def __init__(self, wanted: MapOutput | ImageOutput, shape: Shape, fed: Scaling | None = None) -> None:
        self.name = "" if wanted.source is None else wanted.source.output
        self.channels = wanted.channels
        self._wanted = wanted
        self._undo = fed if isinstance(wanted, ImageOutput) and wanted.values == "as-input" else None
        self._finer = wanted.finer if isinstance(wanted, ImageOutput) else 1
        slices, rows, columns = shape
        self.values_zyx = np.zeros((slices * self._finer, rows, columns), np.float32)

    def take(self, start: int, maps_ncyx: Floats) -> None:
        maps = maps_ncyx
        if isinstance(self._wanted, MapOutput) and self._wanted.activation != "none":
            maps = postprocess.ACTIVATIONS[self._wanted.activation](maps)
        first = self._wanted.channel
        slices = maps[:, first : first + self._finer].reshape(-1, *maps.shape[2:])
        values, at = _shifted(self._wanted, slices), start * self._finer
        self.values_zyx[at : at + len(values)] = values if self._undo is None else self._undo.undone(values)


def _shifted(wanted: MapOutput | ImageOutput, values: Floats) -> Floats:
    return values * np.float32(wanted.factor) + np.float32(wanted.shift)
