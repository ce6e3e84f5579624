"""From pairs to batches: kept on disk, squares that are mirrored and lie elsewhere each time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.kept import kept_in
from export.restoring.settings import Settings

Values = NDArray[np.generic]
_LEAST = 1e-6


@dataclass(frozen=True)
class Pair:
    """Groups of neighbouring slices [group, slice, rows, columns], as they are seen and as they should be; of those
    there may be several for each slice that is seen.
    """

    seen: Values
    good: Values


Number = TypeVar("Number", bound=np.generic)


def grouped(volumes: Sequence[NDArray[Number]], groups: int, depth: int) -> list[NDArray[Number]]:
    """Of each volume the same groups of neighbouring slices, evenly over it; of volumes that have several for each of
    the first one's, all of these.
    """
    length = len(volumes[0])
    count = min(groups, max(length // depth, 1))
    starts = np.linspace(0, max(length - depth, 0), count).round().astype(int)
    finer = [len(volume) // length for volume in volumes]
    return [
        np.stack([volume[start * each : (start + depth) * each] for start in starts])
        for volume, each in zip(volumes, finer, strict=True)
    ]


def own_scale(seen: NDArray[np.float32], good: NDArray[np.float32]) -> Pair:
    """Each group in parts of how bright what is seen of it is."""
    scale = np.array([brightness_of(each) for each in seen], np.float32).reshape(-1, 1, 1, 1)
    return Pair(*((each / scale).astype(np.float16) for each in (seen, good)))


def brightness_of(seen: NDArray[np.float32]) -> float:
    """As `network.brightness` has it."""
    total, squares = float(np.abs(seen).sum()), float(np.square(seen).sum())
    return max(squares / max(total, _LEAST), _LEAST)


def own_scale_of_seen(seen: NDArray[np.float32], good: NDArray[np.float32]) -> Pair:
    """As `own_scale`, where what should be is in numbers that mean something."""
    return Pair(own_scale(seen, seen).seen, np.rint(good).astype(np.int16))


class Entry(Protocol):
    """A pair that is made when it is needed."""

    @property
    def name(self) -> str: ...
    @property
    def patient(self) -> str: ...
    def load(self, groups: int, depth: int) -> Pair: ...


@dataclass(frozen=True)
class Kept:
    """One pair on disk, read as it is needed."""

    folder: Path

    def seen(self) -> Values:
        found: Values = np.load(self.folder / "seen.npy", mmap_mode="r")
        return found

    def good(self) -> Values:
        found: Values = np.load(self.folder / "good.npy", mmap_mode="r")
        return found


def kept(entries: Sequence[Entry], settings: Settings, cache: Path) -> list[Kept]:
    make = partial(_make, groups=settings.groups, depth=settings.depth)
    root = cache / f"{settings.groups}x{settings.depth}"
    return [Kept(folder) for folder in kept_in(root, entries, make, "good.npy")]


def _make(entry: Entry, folder: Path, groups: int, depth: int) -> None:
    """What is good is written last: its file says that the pair is whole."""
    pair = entry.load(groups, depth)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "seen.npy", pair.seen)
    np.save(folder / "good.npy", pair.good)


@dataclass(frozen=True)
class Batch:
    """`seen` [N, slices, rows, rows] is one between its neighbours; `good` [N, finer, rows, rows] how it should be."""

    seen: Tensor
    good: Tensor


def training_batches(scans: Sequence[Kept], settings: Settings, first: int) -> Iterator[Batch]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    for iteration in range(first, settings.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 41])
        pairs = [_square(scans[int(rng.integers(len(scans)))], settings, rng) for _ in range(settings.batch)]
        seen, good = (torch.from_numpy(np.stack(each)) for each in zip(*pairs, strict=True))
        yield Batch(seen.contiguous(memory_format=torch.channels_last), good)


def _square(
    scan: Kept, settings: Settings, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Anywhere in the scan, mirrored and turned by right angles: noise and tissue know no left and right."""
    volumes, good = scan.seen(), scan.good()
    groups, depth, *shape = volumes.shape
    group, index = int(rng.integers(groups)), int(rng.integers(depth))
    top, left = (int(rng.integers(max(length - settings.rows, 0) + 1)) for length in shape)
    window = (slice(top, top + settings.rows), slice(left, left + settings.rows))
    finer = good.shape[1] // depth
    within = slice(index * finer, (index + 1) * finer)
    beside = np.clip(np.arange(index - settings.beside, index + settings.beside + 1), 0, depth - 1)
    turns, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
    seen = volumes[group][beside][(slice(None), *window)], good[group, within][(slice(None), *window)]
    turned = [np.rot90(each[..., ::-1] if mirrored else each, turns, (1, 2)) for each in seen]
    return np.ascontiguousarray(turned[0], np.float32), np.ascontiguousarray(turned[1], np.float32)


def whole(scan: Kept, beside: int) -> Iterator[Batch]:
    """The slices of one group after the other, of an even number of rows and columns, as patches have."""
    rows, columns = (length - length % 2 for length in scan.seen().shape[2:])
    seen, good = (each[:, :, :rows, :columns] for each in (scan.seen(), scan.good()))
    for group in range(len(seen)):
        numbers = np.arange(seen.shape[1])
        stacked = np.clip(numbers[:, None] + np.arange(-beside, beside + 1), 0, len(numbers) - 1)
        yield Batch(
            torch.from_numpy(np.asarray(seen[group], np.float32)[stacked]),
            torch.from_numpy(np.asarray(good[group], np.float32).reshape(len(numbers), -1, rows, columns)),
        )
