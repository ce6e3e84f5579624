"""From scans to batches: split by patient, kept on disk, seen in patches that are turned, mirrored and made noisier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.networks.layers import AffineTransform
from numpy.typing import NDArray
from torch import Tensor

from export import cubes
from export.kept import kept_in
from export.placing import placed
from export.split import Parts, split_by_patient, wanted
from export.stroke_cta import WINDOW_HU
from export.stroke_cta.settings import Settings
from export.stroke_cta.sources import Entry, list_entries

AIR_HU = -1024
_PLACES = 4000


def parts_of(data: str, settings: Settings) -> Parts[Entry]:
    return split_by_patient(list_entries(data, wanted(settings.split)), settings.split, settings.seed)


@dataclass(frozen=True)
class Kept:
    """One scan on disk, read as it is needed. `places` has (slice, row, column) of some voxels of the infarct."""

    folder: Path

    def hu(self) -> NDArray[np.int16]:
        found: NDArray[np.int16] = np.load(self.folder / "hu.npy", mmap_mode="r")
        return found

    def infarct(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.load(self.folder / "infarct.npy", mmap_mode="r")
        return found

    def places(self) -> NDArray[np.int32]:
        return np.asarray(np.load(self.folder / "places.npy"))


def kept(entries: Sequence[Entry], settings: Settings, cache: Path) -> list[Kept]:
    make = partial(_make, step_mm=settings.step_mm)
    return [Kept(folder) for folder in kept_in(cache / f"{settings.step_mm:g}", entries, make, "places.npy")]


def _make(entry: Entry, folder: Path, step_mm: float) -> None:
    """The places of the infarct are written last: their file says that the scan is whole."""
    scan = entry.load(step_mm)
    places = np.argwhere(scan.infarct).astype(np.int32)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "hu.npy", scan.hu)
    np.save(folder / "infarct.npy", scan.infarct)
    np.save(folder / "places.npy", places[:: max(len(places) // _PLACES, 1)])


def scaled(hu: Tensor) -> Tensor:
    """As the card asks the node to."""
    low, high = WINDOW_HU
    return (hu.clamp(low, high) - low) / (high - low)


@dataclass(frozen=True)
class Batch:
    """`images` [N, 1, slices, rows, columns] from 0 to 1, `infarct` of the same shape, of 0 and 1."""

    images: Tensor
    infarct: Tensor


def training_batches(scans: Sequence[Kept], settings: Settings, first: int) -> Iterator[Batch]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    linear, nearest = (
        AffineTransform(settings.patch, normalized=True, mode=mode, align_corners=False, padding_mode="zeros")
        for mode in ("bilinear", "nearest")
    )
    ill = [scan for scan in scans if len(scan.places())]
    for iteration in range(first, settings.iterations):
        course, _ = settings.at(iteration)
        rng = np.random.default_rng([settings.seed, iteration, 61])
        images, masks = [], []
        for _ in range(course.batch):
            around = bool(ill and rng.random() < settings.on_infarct)
            group = ill if around else scans
            scan = group[int(rng.integers(len(group)))]
            theta = torch.from_numpy(_place(scan, settings, rng, around))[None]
            hu = torch.from_numpy(scan.hu().astype(np.float32))[None, None]
            seen = linear(hu - AIR_HU, theta)[0] + AIR_HU
            masks.append(nearest(torch.from_numpy(scan.infarct().astype(np.float32))[None, None], theta)[0].round())
            images.append(scaled(_changed(seen, settings, rng)))
        yield Batch(torch.stack(images), torch.stack(masks))


def _changed(hu: Tensor, settings: Settings, rng: np.random.Generator) -> Tensor:
    by = settings.augmentation
    noise = torch.from_numpy(rng.standard_normal(tuple(hu.shape), np.float32)) * float(rng.uniform(0, by.noise_hu))
    return hu + noise + float(rng.uniform(-by.offset_hu, by.offset_hu))


def _place(scan: Kept, settings: Settings, rng: np.random.Generator, around: bool) -> NDArray[np.float32]:
    """Where each voxel of what is seen is taken from (3, 4), in slices, rows and columns from -1 to 1 of the whole."""
    by, shape, patch = settings.augmentation, np.array(scan.hu().shape), np.array(settings.patch)
    if around:
        places = scan.places()
        middle = places[rng.integers(len(places))] + rng.uniform(-0.3, 0.3, 3) * patch
    else:
        middle = rng.uniform(0.3, 0.7, 3) * shape
    return placed(middle, shape, patch, by.turn_degrees, by.scale_share, rng)


def tiles(hu: NDArray[np.int16], patch: tuple[int, int, int]) -> Tensor:
    """[N, 1, …], from 0 to 1: the patches that the node takes from a scan, air beyond it."""
    return scaled(torch.from_numpy(cubes.tiles(hu[None].astype(np.float32), patch, AIR_HU)))
