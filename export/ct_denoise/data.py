"""From scans to batches: split by patient, kept on disk, squares that are mirrored and lie elsewhere each time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.ct_denoise.settings import Settings
from export.ct_denoise.sources import Entry, Hounsfield, list_entries
from export.kept import kept_in
from export.restoring.network import DEPTH
from export.split import Parts, split_by_patient, wanted

_WING = DEPTH // 2


def parts_of(data: str, settings: Settings) -> Parts[Entry]:
    entries: Sequence[Entry] = list_entries(data, wanted(settings.split))
    return split_by_patient(entries, settings.split, settings.seed)


@dataclass(frozen=True)
class Kept:
    """One scan on disk, read as it is needed."""

    folder: Path

    def low(self) -> Hounsfield:
        found: Hounsfield = np.load(self.folder / "low.npy", mmap_mode="r")
        return found

    def good(self) -> Hounsfield:
        found: Hounsfield = np.load(self.folder / "good.npy", mmap_mode="r")
        return found


def kept(entries: Sequence[Entry], settings: Settings, cache: Path) -> list[Kept]:
    make = partial(_make, groups=settings.groups, depth=settings.depth)
    root = cache / f"{settings.groups}x{settings.depth}"
    return [Kept(folder) for folder in kept_in(root, entries, make, "good.npy")]


def _make(entry: Entry, folder: Path, groups: int, depth: int) -> None:
    """What is good is written last: its file says that the scan is whole."""
    scan = entry.load(groups, depth)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "low.npy", scan.low)
    np.save(folder / "good.npy", scan.good)


@dataclass(frozen=True)
class Batch:
    """`low` [N, 3, rows, rows] in HU, a slice between its neighbours; `good` [N, 1, rows, rows] is that slice."""

    low: Tensor
    good: Tensor


def training_batches(scans: Sequence[Kept], settings: Settings, first: int) -> Iterator[Batch]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    for iteration in range(first, settings.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 41])
        pairs = [_square(scans[int(rng.integers(len(scans)))], settings.rows, rng) for _ in range(settings.batch)]
        low, good = (torch.from_numpy(np.stack(each)) for each in zip(*pairs, strict=True))
        yield Batch(low.contiguous(memory_format=torch.channels_last), good)


def _square(scan: Kept, rows: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Anywhere in the scan, mirrored and turned by right angles: noise and tissue know no left and right."""
    low, good = scan.low(), scan.good()
    groups, depth, *shape = low.shape
    group, index = int(rng.integers(groups)), int(rng.integers(depth))
    top, left = (int(rng.integers(max(length - rows, 0) + 1)) for length in shape)
    window = (slice(top, top + rows), slice(left, left + rows))
    beside = np.clip(np.arange(index - _WING, index + _WING + 1), 0, depth - 1)
    turns, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
    seen = low[group][beside][(slice(None), *window)], good[group, index][window][None]
    turned = [np.rot90(each[..., ::-1] if mirrored else each, turns, (1, 2)) for each in seen]
    return np.ascontiguousarray(turned[0], np.float32), np.ascontiguousarray(turned[1], np.float32)


def whole(scan: Kept) -> Iterator[Batch]:
    """The slices of one group after the other."""
    low, good = scan.low(), scan.good()
    for group in range(len(low)):
        numbers = np.arange(low.shape[1])
        beside = np.clip(numbers[:, None] + np.arange(-_WING, _WING + 1), 0, len(numbers) - 1)
        yield Batch(
            torch.from_numpy(np.asarray(low[group], np.float32)[beside]),
            torch.from_numpy(np.asarray(good[group], np.float32))[:, None],
        )
