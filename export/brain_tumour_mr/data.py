"""From scans to batches: split by patient, kept on disk, seen in cubes that are turned, mirrored and changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.networks.layers import AffineTransform
from numpy.typing import NDArray
from torch import Tensor

from export.brain_tumour_mr import REGIONS
from export.brain_tumour_mr.settings import Augmentation, Settings
from export.brain_tumour_mr.sources import Entry, list_entries
from export.kept import kept_in
from export.placing import placed
from export.split import Parts, split_by_patient, wanted

_OPTIONAL = (2, 3)
"""Channels of the series that may be missing."""
_ENHANCING, _OEDEMA = 2, 3


def parts_of(data: str, settings: Settings) -> Parts[Entry]:
    return split_by_patient(list_entries(data, wanted(settings.split)), settings.split, settings.seed)


@dataclass(frozen=True)
class Kept:
    """One scan on disk, read as it is needed; `outlined` where its tumour's parts are known, be they none."""

    folder: Path

    @property
    def outlined(self) -> bool:
        return (self.folder / "parts.npy").exists()

    def images(self) -> NDArray[np.float16]:
        found: NDArray[np.float16] = np.load(self.folder / "images.npy", mmap_mode="r")
        return found

    def parts(self) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = np.load(self.folder / "parts.npy", mmap_mode="r")
        return found


def kept(entries: Sequence[Entry], settings: Settings, cache: Path) -> list[Kept]:
    make = partial(_make, step_mm=settings.step_mm)
    return [Kept(folder) for folder in kept_in(cache / f"{settings.step_mm:g}", entries, make, "images.npy")]


def _make(entry: Entry, folder: Path, step_mm: float) -> None:
    """The images are written last: their file says that the scan is whole."""
    scan = entry.load(step_mm)
    folder.mkdir(parents=True, exist_ok=True)
    if scan.parts is not None:
        np.save(folder / "parts.npy", scan.parts)
    np.save(folder / "images.npy", scan.images.astype(np.float16))


def labelled(scans: Sequence[Kept], settings: Settings) -> tuple[list[Kept], list[Kept]]:
    """Those whose outlines are learned from, and the others, whose are not looked at even where they are known."""
    known = [scan for scan in scans if scan.outlined]
    count = max(round(settings.labelled * len(known)), 1)
    order = np.random.default_rng([settings.seed, 51]).permutation(len(known))
    chosen = {int(place) for place in order[:count]}
    used = [scan for place, scan in enumerate(known) if place in chosen]
    return used, [scan for scan in scans if scan not in used]


@dataclass(frozen=True)
class Batch:
    """`images` [N, 4, side, side, side], `regions` [N, 3, …] of 0 and 1."""

    images: Tensor
    regions: Tensor


def training_batches(scans: Sequence[Kept], settings: Settings, first: int, salt: int = 0) -> Iterator[Batch]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    size = (settings.side,) * 3
    linear, nearest = (
        AffineTransform(size, normalized=True, mode=mode, align_corners=False, padding_mode="zeros")
        for mode in ("bilinear", "nearest")
    )
    for iteration in range(first, settings.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 53, salt])
        images, regions = [], []
        for _ in range(settings.batch):
            scan = scans[int(rng.integers(len(scans)))]
            parts = scan.parts() if scan.outlined else np.zeros(scan.images().shape[1:], np.uint8)
            theta = torch.from_numpy(_place(parts, settings, rng))[None]
            seen = linear(torch.from_numpy(scan.images().astype(np.float32))[None], theta)[0]
            where = nearest(torch.from_numpy(parts.astype(np.float32))[None, None], theta)[0, 0]
            images.append(changed(seen, settings.augmentation, rng))
            regions.append(regions_of(where.round()))
        yield Batch(torch.stack(images), torch.stack(regions))


def _place(parts: NDArray[np.uint8], settings: Settings, rng: np.random.Generator) -> NDArray[np.float32]:
    """Where each voxel of what is seen is taken from (3, 4), in slices, rows and columns from -1 to 1 of the whole."""
    by, shape = settings.augmentation, np.array(parts.shape)
    tumour = np.argwhere(parts > 0) if rng.random() < settings.on_tumour else np.empty((0, 3))
    if len(tumour):
        middle = tumour[rng.integers(len(tumour))] + rng.uniform(-0.3, 0.3, 3) * settings.side
    else:
        middle = np.array([rng.uniform(0.2, 0.8) * length for length in shape])
    return placed(middle, shape, np.full(3, settings.side), by.turn_degrees, by.scale_share, rng)


def changed(images: Tensor, by: Augmentation, rng: np.random.Generator) -> Tensor:
    """Other contrast, more noise; now and then without a series."""
    made = []
    for channel, image in enumerate(images):
        gamma = float(np.exp(rng.uniform(-by.gamma, by.gamma)))
        noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), np.float32)) * float(rng.uniform(0, by.noise))
        gone = channel in _OPTIONAL and rng.random() < by.without
        made.append(torch.zeros_like(image) if gone else image.clamp(0, 1) ** gamma + noise)
    return torch.stack(made)


def regions_of(parts: Tensor) -> Tensor:
    """[…] of parts to [3, …]: whole, core, active."""
    whole, active = parts > 0, parts == _ENHANCING
    found = torch.stack([whole, whole & (parts != _OEDEMA), active]).float()
    assert len(found) == len(REGIONS)
    return found
