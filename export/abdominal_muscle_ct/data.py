"""From cases to batches: split by patient, kept on disk slice by slice, augmented by MONAI on the way out."""

import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import DataLoader
from monai.transforms import Compose, RandAffined, RandFlipd, RandGaussianNoised
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from export.abdominal_muscle_ct import TISSUES
from export.abdominal_muscle_ct.settings import Augmentation, Settings, Stage
from export.abdominal_muscle_ct.sources import Entry, Kept, list_entries
from export.checkpoints import SettingsError
from export.split import Parts, split_by_patient, wanted


def entries_of(data: str, settings: Settings) -> Parts[Entry]:
    return split_by_patient(list_entries(data, wanted(settings.split)), settings.split, settings.seed)


@dataclass(frozen=True)
class Batch:
    """`hu` [N, 1, rows, rows], `tissues` [N, 3, rows, rows] of 0 and 1, `offsets_mm` [N]."""

    hu: Tensor
    tissues: Tensor
    offsets_mm: Tensor


class CachedSlices(Dataset[dict[str, Any]]):
    """Single slices of cases that lie as arrays on disk; `rows` is the matrix they are brought to.

    `chosen` are the numbers of each case's slices, where it has so many; without it all are taken.
    """

    def __init__(
        self, folders: list[Path], rows: int, transform: Compose | None, chosen: tuple[int, ...] | None = None
    ) -> None:
        self._folders, self._rows, self._transform = folders, rows, transform
        counts = [len(_offsets(folder)) for folder in folders]
        self._index = [(n, i) for n, count in enumerate(counts) for i in range(count) if chosen is None or i in chosen]

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, number: int) -> dict[str, Any]:
        case, i = self._index[number]
        folder = self._folders[case]
        hu = np.load(folder / "hu.npy", mmap_mode="r")[i].astype(np.float32)
        labels = np.load(folder / "labels.npy", mmap_mode="r")[i].astype(np.float32)
        sample = {"hu": _shrink(torch.from_numpy(hu), self._rows), "labels": _pick(labels, self._rows)}
        if self._transform is not None:
            sample = self._transform(sample)
        return {**sample, "offset_mm": _offsets(folder)[i]}


def _offsets(folder: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.asarray(np.load(folder / "offsets.npy"), np.float32)


def _shrink(hu: Tensor, rows: int) -> Tensor:
    factor = hu.shape[-1] // rows
    return torch.nn.functional.avg_pool2d(hu[None], factor) if factor > 1 else hu[None]


def _pick(labels: np.ndarray[Any, np.dtype[np.float32]], rows: int) -> Tensor:
    factor = labels.shape[-1] // rows
    return torch.from_numpy(labels[factor // 2 :: factor, factor // 2 :: factor][None].copy())


def augmentation(given: Augmentation, rows: int, seen: int) -> Compose:
    """A part of the slice lies anywhere in it."""
    shift = given.shift_share * rows + (rows - seen) / 2
    return Compose(
        [
            RandFlipd(("hu", "labels"), prob=0.5 if given.mirror else 0.0, spatial_axis=1),
            RandAffined(
                ("hu", "labels"),
                prob=0.9,
                spatial_size=(seen, seen),
                rotate_range=float(np.deg2rad(given.turn_degrees)),
                translate_range=(shift, shift),
                scale_range=given.scale_share,
                mode=("bilinear", "nearest"),
                padding_mode=("border", "zeros"),
            ),
            RandGaussianNoised(("hu",), prob=0.5 if given.noise_hu else 0.0, std=given.noise_hu),
        ]
    )


def training_batches(folders: list[Path], settings: Settings, stage: Stage, epoch: int, workers: int = 1) -> DataLoader:
    """The same epoch of the same seed and as many workers give the same batches, also after a resumption."""
    chosen = slices_of(epoch, stage.slices, settings.split.train_slices)
    slices = CachedSlices(folders, stage.rows, augmentation(settings.augmentation, stage.rows, stage.seen), chosen)
    generator = torch.Generator().manual_seed(settings.seed * 1000 + epoch)
    return DataLoader(
        slices, batch_size=stage.batch, shuffle=True, drop_last=len(slices) > stage.batch, num_workers=workers,
        generator=generator, collate_fn=collate,
    )  # fmt: skip


def slices_of(epoch: int, count: int, kept: int) -> tuple[int, ...]:
    """The numbers of the slices of an epoch: they go round all that are kept."""
    return tuple(sorted({(epoch * count + i) % kept for i in range(min(count, kept))}))


def validation_batches(folders: list[Path], stage: Stage, workers: int = 1) -> DataLoader:
    slices = CachedSlices(folders, stage.rows, None)
    return DataLoader(slices, batch_size=stage.batch, num_workers=workers, collate_fn=collate)


def collate(samples: list[dict[str, Any]]) -> Batch:
    labels = torch.cat([torch.as_tensor(sample["labels"]) for sample in samples])
    tissues = torch.stack([labels == number for number in range(1, len(TISSUES) + 1)], dim=1)
    return Batch(
        hu=torch.stack([torch.as_tensor(sample["hu"]) for sample in samples]),
        tissues=tissues.float(),
        offsets_mm=torch.tensor([float(sample["offset_mm"]) for sample in samples]),
    )


def cache_cases(entries: tuple[Entry, ...], kept: Kept, root: Path) -> list[Path]:
    """Makes the cases that are not on disk yet, on all processors; gives one folder per case."""
    folders = [_cache_folder(entry, kept, root) for entry in entries]
    missing = [(e, f) for e, f in zip(entries, folders, strict=True) if not (f / "offsets.npy").exists()]
    if missing:
        _make_all(missing, kept)
    return folders


def kept_of(settings: Settings) -> tuple[Kept, Kept]:
    """What is kept of each patient to train on, and of each to validate on."""
    split, rows = settings.split, settings.cached_rows
    train, held = (
        Kept(slices, rows, split.lowest_mm, split.highest_mm)
        for slices in (split.train_slices, split.validation_slices)
    )
    return train, held


def demand_levels(folders: list[Path]) -> None:
    unknown = sum(bool(np.isnan(_offsets(folder)).any()) for folder in folders)
    if unknown:
        raise SettingsError(
            f"The height of L3 is unknown in {unknown} of {len(folders)} cases; name them in levels.csv (case,l3_z_mm)."
        )


def _cache_folder(entry: Entry, kept: Kept, root: Path) -> Path:
    name = hashlib.sha256(entry.case.encode()).hexdigest()[:16]
    return root / f"{kept.slices}x{kept.rows} {kept.lowest_mm:g} to {kept.highest_mm:g}" / name


def _make_all(missing: list[tuple[Entry, Path]], kept: Kept) -> None:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(_make_case, *zip(*missing, strict=True), [kept] * len(missing))
        for _ in tqdm(made, total=len(missing), desc="cases", unit="case"):
            pass


def _make_case(entry: Entry, folder: Path, kept: Kept) -> None:
    """The offsets are written last: their file says that the case is whole."""
    case = entry.load(kept)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "hu.npy", case.voxels_zyx)
    np.save(folder / "labels.npy", case.labels_zyx)
    np.save(folder / "offsets.npy", case.offsets_mm)
