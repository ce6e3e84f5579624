"""A volume in overlapping patches in, the networks' maps blended over them out, slice by slice in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.inference.drawing import Sink
from orthanc_plugin.inference.network import Answers, Network
from orthanc_plugin.inference.preprocess import Channel, Turned
from orthanc_plugin.inference.resample import Slices, planes
from orthanc_plugin.routing.network import Stage

Shape = tuple[int, int, int]
# The Gaussian falls to an eighth of the patch at one deviation, as is usual; it never falls to nothing.
DEVIATION = 1 / 8
WEIGHT_LEAST = 1e-3


@dataclass(frozen=True)
class Windows:
    """Where patches begin on a grid: they cover it and overlap; a grid smaller than a patch lies in its middle."""

    grid: Shape
    patch: Shape
    overlap: float

    @property
    def padded(self) -> Shape:
        return _three(max(grid, patch) for grid, patch in zip(self.grid, self.patch, strict=True))

    @property
    def corner(self) -> Shape:
        return _three((padded - grid) // 2 for padded, grid in zip(self.padded, self.grid, strict=True))

    def starts(self, axis: int) -> tuple[int, ...]:
        length, patch = self.padded[axis], self.patch[axis]
        step = max(int(patch * (1 - self.overlap)), 1)
        count = -(-(length - patch) // step) + 1
        return tuple(round(place * (length - patch) / max(count - 1, 1)) for place in range(count))


@lru_cache(maxsize=16)
def gaussian(patch: Shape) -> NDArray[np.float32]:
    """What a patch's voxels count: much in its middle, little at its edges, where the network saw half of what is."""
    lines = []
    for length in patch:
        away = (np.arange(length) - (length - 1) / 2) / (length * DEVIATION)
        lines.append(np.exp(-0.5 * away**2))
    weights: NDArray[np.float32] = np.maximum(np.einsum("i,j,k->ijk", *lines), WEIGHT_LEAST).astype(np.float32)
    weights.setflags(write=False)
    return weights


def shape_of(turned: Turned) -> Shape:
    return _three(iter(turned.voxels_zyx.shape))


def grid_shape(stage: Stage, turned: Turned) -> Shape:
    """The series at the stage's spacing; the same ends, so the spacing is met as nearly as whole voxels allow."""
    wanted_mm = stage.spacing_mm or turned.spacing_mm
    pairs = zip(turned.voxels_zyx.shape, turned.spacing_mm, wanted_mm, strict=True)
    return _three(length if want is None else max(round(length * own / want), 1) for length, own, want in pairs)


def patch_shape(stage: Stage, grid: Shape) -> Shape:
    """No larger than the grid needs, where the network takes patches of several sizes."""
    most = (stage.depth if stage.kind == "volume" else 1, stage.rows, stage.columns)
    if stage.multiples is None:
        return most
    enough = (-(-length // multiple) * multiple for length, multiple in zip(grid, stage.multiples, strict=True))
    return _three(min(each) for each in zip(most, enough, strict=True))


@dataclass(frozen=True, eq=False)
class Grid:
    """What the network sees: the roles' slices at its spacing, and the windows on them."""

    stage: Stage
    seen: tuple[Channel, ...]
    slices: tuple[Slices, ...]
    windows: Windows

    @classmethod
    def of(cls, stage: Stage, seen: Sequence[Channel], turned: Turned) -> Grid:
        shape = grid_shape(stage, turned)
        windows = Windows(shape, patch_shape(stage, shape), stage.overlap)
        return cls(stage, tuple(seen), tuple(Slices(channel.voxels_zyx, shape) for channel in seen), windows)

    def slab(self, start: int) -> NDArray[np.float32]:
        """The padded grid from slice `start` on, as deep as a patch or a stack: (channels, depth, rows, columns)."""
        wing = self.stage.depth // 2 if self.stage.kind == "stack" else 0
        depth = self.windows.patch[0] + 2 * wing
        (above, top, left), count = self.windows.corner, self.windows.grid[0]
        _, rows, columns = self.windows.grid
        whole = np.empty((len(self.seen), depth, *self.windows.padded[1:]), np.float32)
        first = start - above - wing
        for channel, slices, part in zip(self.seen, self.slices, whole, strict=True):
            part[...] = channel.beyond
            wanted = np.arange(first, first + depth)
            inside = np.clip(wanted, 0, count - 1) if wing else wanted[(wanted >= 0) & (wanted < count)]
            taken = slices.take(int(inside[0]), int(inside[-1]) + 1)[inside - inside[0]]
            begin = 0 if wing else int(inside[0]) - first
            part[begin : begin + len(taken), top : top + rows, left : left + columns] = taken
            part[...] = channel.scaling(part)
        return whole

    def patch(self, slab: NDArray[np.float32], top: int, left: int) -> NDArray[np.float32]:
        """One input of the network, without the axis of the batch."""
        _, rows, columns = self.windows.patch
        window = slab[:, :, top : top + rows, left : left + columns]
        return window if self.stage.kind == "volume" else window.reshape(-1, rows, columns)


class Blend:
    """Sums of weighted maps over the slices that patches still come for; finished slices leave in order."""

    def __init__(self, channels: int, windows: Windows) -> None:
        depth, _, _ = windows.patch
        self._windows = windows
        self._weights = gaussian(windows.patch)
        self._sum = np.zeros((channels, depth, *windows.padded[1:]), np.float32)
        self._weight = np.zeros((depth, *windows.padded[1:]), np.float32)
        self._start = 0

    def add(self, maps: NDArray[np.float32], top: int, left: int) -> None:
        _, rows, columns = self._windows.patch
        window = (..., slice(top, top + rows), slice(left, left + columns))
        self._sum[window] += maps * self._weights
        self._weight[window] += self._weights

    def finish(self, next_start: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The slices before `next_start`, as (index on the grid, map (channels, rows, columns)), without padding."""
        (above, top, left), (count, rows, columns) = self._windows.corner, self._windows.grid
        done = min(next_start - self._start, len(self._weight))
        for place in range(done):
            index = self._start + place - above
            if 0 <= index < count:
                blended = self._sum[:, place] / self._weight[place]
                yield index, blended[:, top : top + rows, left : left + columns]
        self._sum = np.concatenate([self._sum[:, done:], np.zeros_like(self._sum[:, :done])], axis=1)
        self._weight = np.concatenate([self._weight[done:], np.zeros_like(self._weight[:done])])
        self._start = next_start


class Back:
    """Takes slices of the network's grid in order, gives those of the series, interpolated between them, to `sink`.

    All sinks get the slices of the series in their order.
    """

    def __init__(self, grid: Shape, shape: Shape, sink: Sink) -> None:
        places = (np.arange(shape[0]) + 0.5) * grid[0] / shape[0] - 0.5
        self._places = np.clip(places, 0, grid[0] - 1)
        self._matrix = shape[1:]
        self._sink = sink
        self._next = 0
        self._before: NDArray[np.float32] | None = None

    def take(self, index: int, maps: NDArray[np.float32]) -> None:
        here = planes(maps, self._matrix)
        while self._next < len(self._places) and self._places[self._next] <= index:
            share = np.float32(index - self._places[self._next])
            between = here if share == 0 or self._before is None else here + share * (self._before - here)
            self._sink.take(self._next, between[np.newaxis])
            self._next += 1
        self._before = here


class Stream:
    """The way of one sink's maps from patches to the slices of the series."""

    def __init__(self, network: Network, windows: Windows, shape: Shape, sink: Sink) -> None:
        self._network = network
        self._sink = sink
        self._patch = windows.patch
        self._blend = Blend(sink.channels, windows)
        self._back = Back(windows.grid, shape, sink)

    def add(self, corners: Sequence[tuple[int, int]], answers: Answers) -> None:
        maps = _maps(self._network, answers, self._sink, self._patch)
        for (top, left), of_patch in zip(corners, maps, strict=True):
            self._blend.add(of_patch, top, left)

    def finish(self, next_start: int) -> None:
        for index, finished in self._blend.finish(next_start):
            self._back.take(index, finished)


def run(network: Network, grid: Grid, shape: Shape, sinks: Sequence[Sink]) -> Iterator[tuple[int, Answers]]:
    """The answers of every batch of patches, with the slice of the series (of `shape`) in their middle."""
    windows = grid.windows
    streams = [Stream(network, windows, shape, sink) for sink in sinks]
    starts = windows.starts(0)
    for start, following in zip(starts, (*starts[1:], windows.padded[0]), strict=True):
        slab = grid.slab(start)
        middle = _series_slice(windows, shape, start)
        for corners, answers in _asked(network, grid, slab):
            for stream in streams:
                stream.add(corners, answers)
            yield middle, answers
        for stream in streams:
            stream.finish(following)


def _asked(network: Network, grid: Grid, slab: NDArray[np.float32]) -> Iterator[tuple[list[tuple[int, int]], Answers]]:
    corners = list(product(grid.windows.starts(1), grid.windows.starts(2)))
    for first in range(0, len(corners), network.stage.batch):
        some = corners[first : first + network.stage.batch]
        yield some, network(np.stack([grid.patch(slab, top, left) for top, left in some]))


def _maps(network: Network, answers: Answers, sink: Sink, patch: Shape) -> NDArray[np.float32]:
    """(n, channels, depth, rows, columns), whether the network knows of a depth or not."""
    answer = answers[sink.name]
    expected = (sink.channels, *(patch if network.stage.kind == "volume" else patch[1:]))
    if answer.shape[1:] != expected:
        raise network.broken(f"answered maps of the shape {answer.shape[1:]} in {sink.name} instead of {expected}")
    return answer.reshape(len(answer), sink.channels, *patch)


def _series_slice(windows: Windows, shape: Shape, start: int) -> int:
    middle = start + windows.patch[0] // 2 - windows.corner[0]
    return min(int((middle + 0.5) * shape[0] / windows.grid[0]), shape[0] - 1)


def _three(lengths: Iterator[int]) -> Shape:
    slices, rows, columns = lengths
    return slices, rows, columns
