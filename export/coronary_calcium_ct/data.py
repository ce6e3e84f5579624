"""From scans to batches: split by patient, kept on disk, seen in parts that are turned, moved and made noisier."""

from collections.abc import Iterator, Sequence
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
from export.coronary_calcium_ct.sources import Entry, list_entries
from export.kept import kept_in
from export.split import Parts, split_by_patient, wanted

AIR_HU = -1024
LEAST_HU = 130
_LEARNED_HU = 110.0
"""Voxels below are cut away afterwards whatever the network says of them, so nothing is learned from them."""
_WING = DEPTH // 2
Volume = NDArray[np.int16]
Labels = NDArray[np.uint8]


def parts_of(data: str, settings: Settings) -> Parts[Entry]:
    return split_by_patient(list_entries(data, wanted(settings.split)), settings.split, settings.seed)


@dataclass(frozen=True)
class Kept:
    """One scan on disk, read as it is needed. `calcium` has (slice, row, column) of voxels of plaques and beside."""

    folder: Path

    def hu(self) -> Volume:
        found: Volume = np.load(self.folder / "hu.npy", mmap_mode="r")
        return found

    def plaques(self) -> Labels:
        found: Labels = np.load(self.folder / "plaques.npy", mmap_mode="r")
        return found

    def calcium(self) -> NDArray[np.int32]:
        return np.asarray(np.load(self.folder / "calcium.npy"))


def kept(entries: Sequence[Entry], settings: Settings, cache: Path) -> list[Kept]:
    make = partial(_make, pixel_mm=settings.pixel_mm)
    return [Kept(folder) for folder in kept_in(cache / f"{settings.pixel_mm:g}", entries, make, "calcium.npy")]


def _make(entry: Entry, folder: Path, pixel_mm: float) -> None:
    """The places of calcium are written last: their file says that the scan is whole."""
    scan = entry.load(pixel_mm)
    bright = scan.hu_zyx >= LEAST_HU
    at = np.argwhere(bright & ((scan.plaques_zyx > 0) | scan.beside_zyx)).astype(np.int32)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "hu.npy", scan.hu_zyx)
    np.save(folder / "plaques.npy", scan.plaques_zyx)
    np.save(folder / "calcium.npy", at)


@dataclass(frozen=True)
class Batch:
    """`hu` [N, 3, rows, rows], `plaques` [N, rows, rows] from 0 to 4, `counts` [N, rows, rows] where it is learned."""

    hu: Tensor
    plaques: Tensor
    counts: Tensor


def batch_of(hu: Tensor, plaques: Tensor) -> Batch:
    counts = (hu[:, _WING] >= _LEARNED_HU) | (plaques > 0)
    return Batch(hu.contiguous(memory_format=torch.channels_last), plaques.long(), counts)


def training_batches(scans: Sequence[Kept], settings: Settings, first: int) -> Iterator[Batch]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    size = (settings.rows, settings.rows)
    linear, nearest = (
        AffineTransform(size, normalized=True, mode=mode, align_corners=False, padding_mode="zeros")
        for mode in ("bilinear", "nearest")
    )
    with_calcium = [scan for scan in scans if len(scan.calcium())]
    for iteration in range(first, settings.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 31])
        images, labels = [], []
        for _ in range(settings.batch):
            around = bool(rng.random() < settings.around)
            group = with_calcium if around else scans
            hu, plaques, theta = _drawn(group[int(rng.integers(len(group)))], settings, rng, around)
            at = torch.from_numpy(theta)[None]
            images.append(linear(hu[None] - AIR_HU, at)[0] + AIR_HU)
            labels.append(nearest(plaques[None, None], at)[0, 0])
        seen = torch.stack(images)
        by = settings.augmentation
        noise = torch.from_numpy(rng.standard_normal(seen.shape, np.float32)) * float(rng.uniform(0, by.noise_hu))
        yield batch_of(seen + noise + float(rng.uniform(-by.offset_hu, by.offset_hu)), torch.stack(labels).round())


def _drawn(
    scan: Kept, settings: Settings, rng: np.random.Generator, around: bool
) -> tuple[Tensor, Tensor, NDArray[np.float32]]:
    """A slice with its neighbours, its plaques, and where each pixel of what is seen is taken from."""
    hu, by = scan.hu(), settings.augmentation
    if around:
        calcium = scan.calcium()
        index, *middle = calcium[rng.integers(len(calcium))]
    else:
        index, *middle = (rng.integers(length) for length in hu.shape)
    place = np.array(middle) + rng.uniform(-by.shift_mm, by.shift_mm, 2) / settings.pixel_mm
    angle = np.deg2rad(rng.uniform(-by.turn_degrees, by.turn_degrees))
    scale = np.exp(rng.uniform(-by.scale_share, by.scale_share))
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * scale
    shape = np.array(hu.shape[1:])
    theta = np.empty((2, 3), np.float32)
    theta[:, :2] = np.diag(settings.rows / shape) @ turned
    theta[:, 2] = (place + 0.5) / shape * 2 - 1
    return (
        torch.from_numpy(neighbours(hu, int(index))),
        torch.from_numpy(scan.plaques()[index].astype(np.float32)),
        theta,
    )


def neighbours(hu: Volume, index: int) -> NDArray[np.float32]:
    """The slice with those beside it; at the ends the last is its own neighbour, as the node has it."""
    wanted = np.clip(np.arange(index - _WING, index + _WING + 1), 0, len(hu) - 1)
    return np.asarray(hu[wanted], np.float32)


def middles(scans: Sequence[Kept], settings: Settings, each: int) -> Iterator[Batch]:
    """Of each scan so many slices, evenly over it, their middle alone: one batch a scan."""
    for scan in scans:
        hu, plaques = scan.hu(), scan.plaques()
        chosen = np.linspace(0, len(hu) - 1, min(each, len(hu))).round().astype(int)
        images = [fitted(neighbours(hu, int(index)), settings.rows, AIR_HU) for index in chosen]
        labels = [fitted(plaques[index : index + 1].astype(np.float32), settings.rows, 0)[0] for index in chosen]
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
