"""From patients to batches: split by patient, kept on disk, augmented by MONAI on the way out."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from monai.transforms import Compose, RandAffined, RandGaussianNoised
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from export.liver_cirrhosis_ct.settings import Augmentation, Settings
from export.liver_cirrhosis_ct.sources import Entry, Scan, list_entries
from export.split import Parts, split_by_patient, wanted


def parts_of(data: str, settings: Settings) -> Parts[Entry]:
    return split_by_patient(list_entries(data, wanted(settings.split)), settings.split, settings.seed)


@dataclass(frozen=True, eq=False)
class Pool:
    """All slices of a part: `hu` and `liver` [N, rows, rows], the rest [N]; `patients` says whose they are."""

    hu: NDArray[np.int16]
    liver: NDArray[np.uint8]
    share: NDArray[np.float32]
    clinical: NDArray[np.float32]
    signs: NDArray[np.float32]
    cirrhosis: NDArray[np.bool_]
    patients: NDArray[np.int64]

    def shown(self, least: float) -> NDArray[np.bool_]:
        """Slices that show the liver well; where nothing is known of it, all."""
        return np.isnan(self.share) | (self.share >= least)


def pool_of(entries: Sequence[Entry], settings: Settings, cache: Path) -> Pool:
    """Made by all processors where it is not on disk yet."""
    files = [cache / f"{_key(entry, settings)}.npz" for entry in entries]
    missing = [(entry, file) for entry, file in zip(entries, files, strict=True) if not file.exists()]
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            made = pool.map(_keep, *zip(*missing, strict=True), [settings] * len(missing))
            for _ in tqdm(made, total=len(missing), desc="patients", unit="patient"):
                pass
    return joined([_read(file) for file in files])


def joined(scans: Sequence[Scan]) -> Pool:
    counts = [len(scan.hu) for scan in scans]
    return Pool(
        hu=np.concatenate([scan.hu for scan in scans]),
        liver=np.concatenate([scan.liver for scan in scans]),
        share=np.concatenate([scan.share for scan in scans]),
        clinical=np.repeat(np.stack([scan.clinical for scan in scans]), counts, axis=0),
        signs=np.repeat(np.stack([scan.signs for scan in scans]), counts, axis=0),
        cirrhosis=np.repeat(np.array([scan.cirrhosis for scan in scans]), counts),
        patients=np.repeat(np.arange(len(scans)), counts),
    )


def _key(entry: Entry, settings: Settings) -> str:
    return hashlib.sha256(f"{entry} {settings.slices} {settings.rows}".encode()).hexdigest()[:20]


def _keep(entry: Entry, file: Path, settings: Settings) -> None:
    """Written beside and renamed, so that no half file is ever there."""
    scan = entry.load(settings.slices, settings.rows)
    beside = file.with_suffix(".new")
    with beside.open("wb") as stream:
        np.savez(stream, **vars(scan))
    beside.replace(file)


def _read(file: Path) -> Scan:
    with np.load(file) as kept:
        arrays = {name: kept[name] for name in ("hu", "liver", "share", "clinical", "signs")}
        return Scan(**arrays, cirrhosis=bool(kept["cirrhosis"]))


@dataclass(frozen=True, eq=False)
class Batch:
    """`hu` [N, 1, rows, rows], `liver` [N, rows, rows], `clinical` [N, K], `signs` [N, S], the rest [N].

    `known` says whether the liver's mask is known, `counts` whether the slice shows enough liver to be judged by.
    """

    hu: Tensor
    liver: Tensor
    known: Tensor
    counts: Tensor
    clinical: Tensor
    signs: Tensor
    cirrhosis: Tensor


def training_batches(pool: Pool, settings: Settings, epoch: int) -> Iterator[Batch]:
    """The same epoch of the same seed gives the same batches, also after a resumption."""
    rng = np.random.default_rng([settings.seed, epoch])
    transform = augmentation(settings.augmentation, settings.rows)
    transform.set_random_state(settings.seed * 1000 + epoch)
    numbers = _of_epoch(pool, settings, rng)
    for start in range(0, len(numbers) - settings.batch + 1, settings.batch):
        yield _augmented(batch_of(pool, numbers[start : start + settings.batch], settings), transform, settings, rng)


def batches_an_epoch(pool: Pool, settings: Settings) -> int:
    return settings.slices_an_epoch * (int(pool.patients.max()) + 1) // settings.batch


def _of_epoch(pool: Pool, settings: Settings, rng: np.random.Generator) -> NDArray[np.int64]:
    """As many slices of every patient, so that long series weigh no more."""
    chosen = [
        rng.choice(own := np.flatnonzero(pool.patients == patient), settings.slices_an_epoch,
                   replace=len(own) < settings.slices_an_epoch)
        for patient in range(int(pool.patients.max()) + 1)
    ]  # fmt: skip
    return np.asarray(rng.permutation(np.concatenate(chosen)))


def batch_of(pool: Pool, numbers: NDArray[np.int64], settings: Settings) -> Batch:
    return Batch(
        hu=torch.from_numpy(pool.hu[numbers].astype(np.float32))[:, None],
        liver=torch.from_numpy(pool.liver[numbers].astype(np.float32)),
        known=torch.from_numpy(~np.isnan(pool.share[numbers])),
        counts=torch.from_numpy(pool.shown(settings.liver_least)[numbers]),
        clinical=torch.from_numpy(pool.clinical[numbers]),
        signs=torch.from_numpy(pool.signs[numbers]),
        cirrhosis=torch.from_numpy(pool.cirrhosis[numbers].astype(np.float32)),
    )


def augmentation(given: Augmentation, rows: int) -> Compose:
    shift = given.shift_share * rows
    return Compose(
        [
            RandAffined(
                ("hu", "liver"),
                prob=0.9,
                rotate_range=float(np.deg2rad(given.turn_degrees)),
                translate_range=(shift, shift),
                scale_range=given.scale_share,
                mode=("bilinear", "nearest"),
                padding_mode=("border", "zeros"),
            ),
            RandGaussianNoised(("hu",), prob=0.4, std=given.noise_hu),
        ]
    )


def _augmented(batch: Batch, transform: Compose, settings: Settings, rng: np.random.Generator) -> Batch:
    given, count = settings.augmentation, len(batch.hu)
    made = [transform({"hu": hu, "liver": liver[None]}) for hu, liver in zip(batch.hu, batch.liver, strict=True)]
    hu = torch.stack([torch.as_tensor(each["hu"]).as_subclass(Tensor) for each in made])
    liver = torch.stack([torch.as_tensor(each["liver"]).as_subclass(Tensor)[0] for each in made])
    gain = torch.from_numpy(rng.normal(1, given.gain_share, (count, 1, 1, 1)).astype(np.float32))
    offset = torch.from_numpy(rng.normal(0, given.offset_hu, (count, 1, 1, 1)).astype(np.float32))
    hidden = torch.from_numpy(rng.random(batch.clinical.shape) < settings.hidden)
    return replace(batch, hu=hu * gain + offset, liver=liver, clinical=torch.where(hidden, torch.nan, batch.clinical))
