"""A map of what may be something on a whole image in, square regions of that image outlined around each part of it out.

The map is small; the image is as large as it is, and each region is cut from its own pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label, maximum

from orthanc_plugin.inference.drawing import Sink
from orthanc_plugin.inference.intensity import Scaling
from orthanc_plugin.inference.network import Answers, Network
from orthanc_plugin.inference.preprocess import Placement, placement
from orthanc_plugin.inference.slices import maps as checked

# Pixels that touch at a corner belong together.
TOUCHING = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Region:
    """Pixels of an image from `top` and `left` to before `bottom` and `right`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def holds(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> bool:
        """Whether any of these pixels lies in it."""
        down = (rows >= self.top) & (rows < self.bottom)
        return bool((down & (columns >= self.left) & (columns < self.right)).any())


@dataclass(frozen=True)
class Candidate:
    """A region to be outlined, and the highest value of the map in the part of it that the region is around."""

    region: Region
    probability: float


def squared(box: Region, margin: float, shape: tuple[int, int]) -> Region:
    """A square around the box with `margin` of its longer side on each side; moved where it would leave the image."""
    side = int(np.ceil(max(box.shape) * (1 + 2 * margin)))
    rows, columns = min(side, shape[0]), min(side, shape[1])
    top = int(np.clip((box.top + box.bottom - rows) // 2, 0, shape[0] - rows))
    left = int(np.clip((box.left + box.right - columns) // 2, 0, shape[1] - columns))
    return Region(top, left, top + rows, left + columns)


def found(
    map_yx: NDArray[np.float32], place: Placement, threshold: float, margin: float, most: int
) -> tuple[Candidate, ...]:
    """Around the connected parts of the map that pass the threshold, those with the highest peaks first.

    `map_yx` is of any coarseness and covers the matrix of `place`.
    """
    parts, count = label(map_yx > threshold, TOUCHING)
    if not count:
        return ()
    peaks = maximum(map_yx, parts, np.arange(1, count + 1))
    boxes = find_objects(parts)
    ordered = sorted(range(count), key=lambda number: (-peaks[number], number))
    regions = ((_on_image(boxes[number], map_yx.shape, place), float(peaks[number])) for number in ordered[:most])
    return tuple(Candidate(squared(box, margin, place.shape), peak) for box, peak in regions if min(box.shape) > 0)


def _on_image(box: tuple[slice, slice], coarse: tuple[int, ...], place: Placement) -> Region:
    """The box of some cells of a map, in pixels of the image; what lies in the padding is cut off."""
    edges = []
    for axis, part in enumerate(box):
        cell = place.matrix[axis] / coarse[axis]
        scale = place.shape[axis] / place.scaled[axis]
        first, last = ((edge * cell - place.corner[axis]) * scale for edge in (part.start, part.stop))
        edges.append((int(np.clip(np.floor(first), 0, place.shape[axis])),
                      int(np.clip(np.ceil(last), 0, place.shape[axis]))))  # fmt: skip
    (top, bottom), (left, right) = edges
    return Region(top, left, bottom, right)


def maps(network: Network, answers: Answers, name: str) -> list[NDArray[np.float32]]:
    """One map an item, of probabilities."""
    answer = answers[name]
    if answer.ndim != 4 or answer.shape[1] != 1:
        raise network.broken(f"answered the shape {answer.shape} in {name}, where each has one map of candidates")
    return [layers[0] for layers in answer]


def outlined(
    network: Network,
    cut: Sequence[Region],
    image: NDArray[np.float32],
    scaled: Scaling,
    sinks: Sequence[Sink],
) -> Iterator[tuple[Sink, NDArray[np.float32]]]:
    """For each sink its map (1, channels, rows, columns) of the whole image (channels, rows, columns).

    It is 0 outside of all regions; where they overlap, the largest answer counts.
    """
    stage = network.stage
    wholes = {sink.name: np.zeros((1, sink.channels, *image.shape[-2:]), np.float32) for sink in sinks}
    for first in range(0, len(cut), stage.batch):
        some = cut[first : first + stage.batch]
        places = [placement(stage, region.shape, (1.0, 1.0)) for region in some]
        batch = [_placed(image, region, each) for region, each in zip(some, places, strict=True)]
        answers = network(scaled(np.stack(batch)))
        for number, (region, each) in enumerate(zip(some, places, strict=True)):
            for sink in sinks:
                one = {name: answer[number : number + 1] for name, answer in answers.items()}
                part = wholes[sink.name][(..., *region.window)]
                np.maximum(part, checked(network, one, sink.name, sink.channels, each), out=part)
    for sink in sinks:
        yield sink, wholes[sink.name]


def _placed(image: NDArray[np.float32], region: Region, place: Placement) -> NDArray[np.float32]:
    pixels = image[(..., *region.window)]
    return place.place(pixels, float(pixels.min()))
