"""From scans to batches: split by patient, kept on disk, seen in parts that are turned, moved and made noisier."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.networks.layers import AffineTransform
from numpy.typing import NDArray
from torch import Tensor

from export.coronary_calcium_ct.model import DEPTH
from export.coronary_calcium_ct.settings import Settings
from export.coronary_calcium_ct.sources import OTHER, UNSURE, Entry, list_entries
from export.kept import kept_in
from export.split import Parts, split_by_patient, wanted

AIR_HU = -1024
LEAST_HU = 130
_LEARNED_HU = 90.0
"""Voxels far below `LEAST_HU` are cut away afterwards whatever the network says of them, so nothing is learned there;
what is a little darker on the network's grid may be bright enough on the scan's own."""
_WING = DEPTH // 2
Volume = NDArray[np.int16]
Labels = NDArray[np.uint8]


def parts_of(data: str, settings: Settings) -> Parts[Entry]:
    return split_by_patient(list_entries(data, wanted(settings.split)), settings.split, settings.seed)


@dataclass(frozen=True)
class Kept:
    """One scan on disk, read as it is needed. `calcium` has (owner, slice, row, column) of bright voxels of calcium."""

    folder: Path

    def hu(self) -> Volume:
        found: Volume = np.load(self.folder / "hu.npy", mmap_mode="r")
        return found

    def owner(self) -> Labels:
        found: Labels = np.load(self.folder / "owner.npy", mmap_mode="r")
        return found

    def calcium(self) -> NDArray[np.int32]:
        return np.asarray(np.load(self.folder / "calcium.npy"))


def kept(entries: Sequence[Entry], settings: Settings, cache: Path) -> list[Kept]:
    make = partial(_make, pixel_mm=settings.pixel_mm)
    return [Kept(folder) for folder in kept_in(cache / f"{settings.pixel_mm:g}", entries, make, "calcium.npy")]


def _make(entry: Entry, folder: Path, pixel_mm: float) -> None:
    """The places of calcium are written last: their file says that the scan is whole."""
    scan = entry.load(pixel_mm)
    of_somebody = (scan.owner_zyx > 0) & (scan.owner_zyx != UNSURE)
    places = np.argwhere((scan.hu_zyx >= LEAST_HU) & of_somebody)
    at = np.column_stack([scan.owner_zyx[tuple(places.T)], places]).astype(np.int32)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "hu.npy", scan.hu_zyx)
    np.save(folder / "owner.npy", scan.owner_zyx)
    np.save(folder / "calcium.npy", at)


@dataclass(frozen=True)
class Batch:
    """`hu` [N, 3, rows, rows], `owner` [N, rows, rows] as a scan has it; of the middle slice `seen` are its HU."""

    hu: Tensor
    owner: Tensor

    @property
    def seen(self) -> Tensor:
        return self.hu[:, _WING]

    @property
    def plaques(self) -> Tensor:
        """0 to 4."""
        return torch.where(self.owner < OTHER, self.owner, 0)

    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """What is learned from: calcium of the arteries, other calcium, and whatever else is bright."""
        bright = self.seen >= _LEARNED_HU
        mine = bright & (self.owner > 0) & (self.owner < OTHER)
        return mine, bright & (self.owner == OTHER), bright & (self.owner == 0)


def batch_of(hu: Tensor, owner: Tensor) -> Batch:
    return Batch(hu.contiguous(memory_format=torch.channels_last), owner.long())


def training_batches(scans: Sequence[Kept], settings: Settings, first: int) -> Iterator[Batch]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    size = (settings.rows, settings.rows)
    linear, nearest = (
        AffineTransform(size, normalized=True, mode=mode, align_corners=False, padding_mode="zeros")
        for mode in ("bilinear", "nearest")
    )
    places = Places.of(scans)
    for iteration in range(first, settings.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 31])
        images, labels = [], []
        for _ in range(settings.batch):
            scan, at = places.near_calcium(rng) if rng.random() < settings.around else places.anywhere(rng)
            theta = torch.from_numpy(_taken(at, scan, settings, rng))[None]
            hu = torch.from_numpy(neighbours(scan.hu(), at[0]))
            owner = torch.from_numpy(scan.owner()[at[0]].astype(np.float32))
            images.append(linear(hu[None] - AIR_HU, theta)[0] + AIR_HU)
            labels.append(nearest(owner[None, None], theta)[0, 0])
        seen = torch.stack(images)
        by = settings.augmentation
        noise = torch.from_numpy(rng.standard_normal(seen.shape, np.float32)) * float(rng.uniform(0, by.noise_hu))
        yield batch_of(seen + noise + float(rng.uniform(-by.offset_hu, by.offset_hu)), torch.stack(labels).round())


At = tuple[int, int, int]


@dataclass(frozen=True)
class Places:
    """Where to look: calcium of each owner as often as that of any other, however little there is of it.

    `of_owner` has the numbers of the scans that have any.
    """

    scans: Sequence[Kept]
    of_owner: Mapping[int, tuple[int, ...]]

    @classmethod
    def of(cls, scans: Sequence[Kept]) -> "Places":
        found: dict[int, list[int]] = {}
        for number, scan in enumerate(scans):
            for owner in np.unique(scan.calcium()[:, 0]):
                found.setdefault(int(owner), []).append(number)
        return cls(scans, {owner: tuple(found[owner]) for owner in sorted(found)})

    def near_calcium(self, rng: np.random.Generator) -> tuple[Kept, At]:
        if not self.of_owner:
            return self.anywhere(rng)
        owner = list(self.of_owner)[int(rng.integers(len(self.of_owner)))]
        those = self.of_owner[owner]
        scan = self.scans[those[int(rng.integers(len(those)))]]
        calcium = scan.calcium()
        of_one = calcium[calcium[:, 0] == owner]
        index, row, column = map(int, of_one[int(rng.integers(len(of_one))), 1:])
        return scan, (index, row, column)

    def anywhere(self, rng: np.random.Generator) -> tuple[Kept, At]:
        scan = self.scans[int(rng.integers(len(self.scans)))]
        index, row, column = (int(rng.integers(length)) for length in scan.hu().shape)
        return scan, (index, row, column)


def _taken(at: At, scan: Kept, settings: Settings, rng: np.random.Generator) -> NDArray[np.float32]:
    """Where each pixel of what is seen is taken from: around a place, turned and moved."""
    by = settings.augmentation
    place = np.array(at[1:]) + rng.uniform(-by.shift_mm, by.shift_mm, 2) / settings.pixel_mm
    angle = np.deg2rad(rng.uniform(-by.turn_degrees, by.turn_degrees))
    scale = np.exp(rng.uniform(-by.scale_share, by.scale_share))
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    shape = np.array(scan.hu().shape[1:])
    theta = np.empty((2, 3), np.float32)
    theta[:, :2] = np.diag(settings.rows / shape) @ turned
    theta[:, 2] = (place + 0.5) / shape * 2 - 1
    return theta


def neighbours(hu: Volume, index: int) -> NDArray[np.float32]:
    """The slice with those beside it; at the ends the last is its own neighbour, as the node has it."""
    wanted = np.clip(np.arange(index - _WING, index + _WING + 1), 0, len(hu) - 1)
    return np.asarray(hu[wanted], np.float32)


def middles(scans: Sequence[Kept], settings: Settings, each: int) -> Iterator[Batch]:
    """Of each scan so many slices, evenly over it, their middle alone: one batch a scan."""
    for scan in scans:
        hu, owner = scan.hu(), scan.owner()
        chosen = np.linspace(0, len(hu) - 1, min(each, len(hu))).round().astype(int)
        images = [fitted(neighbours(hu, int(index)), settings.rows, AIR_HU) for index in chosen]
        labels = [fitted(owner[index : index + 1].astype(np.float32), settings.rows, 0)[0] for index in chosen]
        yield batch_of(torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(labels)))


def fitted(slices: NDArray[np.float32], rows: int, beyond: float) -> NDArray[np.float32]:
    """The middle of slices, or they in the middle of what lies `beyond`."""
    out = np.full((len(slices), rows, rows), beyond, np.float32)
    spans = []
    for length in slices.shape[1:]:
        count = min(length, rows)
        spans.append(((length - count) // 2, (rows - count) // 2, count))
    (y, top, high), (x, left, wide) = spans
    out[:, top : top + high, left : left + wide] = slices[:, y : y + high, x : x + wide]
    return out
