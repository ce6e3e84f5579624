"""Ultrasound images in, a region of even tissue on each and what its texture is in numbers out, for a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging import texture
from orthanc_plugin.imaging.image import Images
from orthanc_plugin.imaging.parenchyma import Box, Windows
from orthanc_plugin.imaging.roi import GivenRegion
from orthanc_plugin.imaging.sector import Sector, sector
from orthanc_plugin.inference.network import Answers, Network
from orthanc_plugin.routing.network import Stage, Texture

# Of the even windows every so manyth is asked for the heat map, so that they are about this many.
ASKED_MOST = 400


@dataclass(frozen=True, eq=False)
class Region:
    """Where texture was looked at on the image number `index`, and the numbers by their names."""

    index: int
    box: Box
    numbers: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Canvas:
    """One image, prepared as the stage wants it."""

    wanted: Texture
    sector: Sector

    @classmethod
    def of(cls, wanted: Texture, pixels: NDArray[np.float32]) -> Canvas:
        return cls(wanted, sector(pixels))

    def numbers(self, box: Box) -> Mapping[str, float]:
        matrix = texture.cooccurrence(self._levels[box.window], self.wanted.grey_levels, self.wanted.distance)
        return {**texture.features(matrix), **self._described(box)}

    def fed(self, boxes: Sequence[Box]) -> NDArray[np.float32]:
        """(boxes, features), as the network takes them."""
        rows = [[self.numbers(box)[name] for name in self.wanted.features] for box in boxes]
        return np.array(rows, np.float32).reshape(-1, len(self.wanted.features))

    @cached_property
    def _levels(self) -> NDArray[np.uint8]:
        inside = self.sector.inside_yx
        values = texture.equalised(self.sector.grey_yx, inside if inside.any() else np.ones_like(inside))
        if self.wanted.range_filter:
            values = texture.local_range(values, self.wanted.range_filter)
        return texture.levels(values, self.wanted.grey_levels)

    @cached_property
    def _brightness(self) -> NDArray[np.float32]:
        """From 0 to about 1, whatever numbers the image is stored in."""
        grey = self.sector.grey_yx
        least, brightest = float(grey.min()), float(np.percentile(grey, 99.8))
        return (grey - np.float32(least)) / np.float32(max(brightest - least, 1e-6))

    @cached_property
    def _whole(self) -> Mapping[str, float]:
        """What the image is like, to tell those that the network has not seen."""
        inside = self.sector.inside_yx
        if not inside.any():
            return {"sector-share": 0.0, "sector-taper": 0.0, "dark-share": 1.0, "image-deviation": 0.0}
        first, last = self.sector.rows
        widths = inside.sum(axis=1)
        echoes = self._brightness[inside]
        return {
            "sector-share": float(inside.mean()),
            "sector-taper": float(widths[first + (last - first) // 8] / max(int(widths.max()), 1)),
            "dark-share": float((echoes < 0.2).mean()),
            "image-deviation": float(echoes.std()),
        }

    def _described(self, box: Box) -> Mapping[str, float]:
        region = self._brightness[box.window]
        return {
            "mean-grey": float(region.mean()),
            "grey-deviation": float(region.std()),
            "grey-skewness": _skewness(region),
            "grain-down": _alike(region[:-2], region[2:]),
            "grain-across": _alike(region[:, :-3], region[:, 3:]),
            **self._whole,
        }


def _skewness(values: NDArray[np.float32]) -> float:
    """Below 0 where few are much darker than the rest, as in speckle; above 0 in its negative."""
    spread = float(values.std())
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread > 1e-6 else 0.0


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """How far neighbours go together: 1 in coarse grain, 0 in the finest."""
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 1e-9 else 0.0


def regions(stage: Stage, images: Images, given: GivenRegion | None) -> tuple[Region, ...]:
    """Those of each image that has any, the most even first; Unsuitable where none has."""
    found = tuple(_found(stage, images, given))
    if not found and given is not None:
        raise Unsuitable(
            "The region that was given lies on no image of the job; correct roi_instance or roi_frame.", stage="infer"
        )
    if not found:
        raise Unsuitable(
            f"No even tissue of {stage.rows} x {stage.columns} pixels was found on any image; name a region by the "
            "parameter roi, or draw one in the viewer.",
            stage="infer",
        )
    return found


def _found(stage: Stage, images: Images, given: GivenRegion | None) -> Iterator[Region]:
    for index, pixels in enumerate(images.pixels):
        if given is not None and not given.lies_on(images.sources[index]):
            continue
        canvas = Canvas.of(wanted(stage), pixels)
        for box in _boxes(stage, canvas.sector) if given is None else (given.within(*images.shape_yx(index)),):
            yield Region(index, box, canvas.numbers(box))


def _boxes(stage: Stage, of: Sector) -> tuple[Box, ...]:
    return Windows(of, stage.rows, stage.columns).apart(wanted(stage).windows)


def run(network: Network, found: Sequence[Region]) -> Iterator[tuple[list[int], Answers]]:
    """The answer about each image, which is the mean over its regions."""
    names = wanted(network.stage).features
    for index, regions_of in groupby(found, key=lambda region: region.index):
        fed = np.array([[each.numbers[name] for name in names] for each in regions_of], np.float32)
        yield [index], {name: said.mean(axis=0, keepdims=True) for name, said in asked(network, fed).items()}


def asked(network: Network, fed: NDArray[np.float32]) -> Answers:
    """A row of numbers each, in batches."""
    batch = network.stage.batch
    parts = [network(fed[start : start + batch]) for start in range(0, len(fed), batch)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def heat(network: Network, pixels: NDArray[np.float32], name: str, channel: int) -> NDArray[np.float32]:
    """What the network says of one class when it looks elsewhere: at even windows all over the sector; 0 beyond."""
    stage = network.stage
    canvas = Canvas.of(wanted(stage), pixels)
    boxes = Windows(canvas.sector, stage.rows, stage.columns).even()
    boxes = boxes[:: -(-len(boxes) // ASKED_MOST)] if boxes else ()
    rows, columns = canvas.sector.grey_yx.shape
    if not boxes:
        return np.zeros((rows, columns), np.float32)
    said = asked(network, canvas.fed(boxes))[name]
    return _spread(boxes, said[:, channel], (rows, columns)) * canvas.sector.inside_yx


def _spread(boxes: Sequence[Box], said: NDArray[np.float32], shape_yx: tuple[int, int]) -> NDArray[np.float32]:
    """Each pixel has the mean of the windows that it lies in, those counting more whose middle is near."""
    total, weight = np.zeros(shape_yx, np.float32), np.full(shape_yx, 1e-6, np.float32)
    for box, share in zip(boxes, said, strict=True):
        bump = np.outer(np.hanning(box.height + 2)[1:-1], np.hanning(box.width + 2)[1:-1]).astype(np.float32)
        total[box.window] += bump * share
        weight[box.window] += bump
    return total / weight


def wanted(stage: Stage) -> Texture:
    if stage.texture is None:
        raise AssertionError(f"the stage {stage.name} takes no texture")
    return stage.texture
