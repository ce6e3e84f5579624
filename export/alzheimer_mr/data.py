"""From scans to batches: split by patient, kept on disk, heads that lie otherwise each time they are seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export.alzheimer_mr.model import standard
from export.alzheimer_mr.settings import Settings
from export.alzheimer_mr.sources import Entry, list_entries
from export.heads.aligning import joined, taken
from export.heads.locating import brightened, mirrored, moving
from export.kept import kept_in
from export.split import Parts, split_by_patient, wanted


def parts_of(data: str, settings: Settings) -> Parts[Entry]:
    return split_by_patient(list_entries(data, wanted(settings.split)), settings.split, settings.seed)


@dataclass(frozen=True)
class Kept:
    """One scan on disk, read as it is needed; tensors with an axis of one item."""

    folder: Path

    def window(self) -> Tensor:
        found = np.load(self.folder / "window.npy")
        return torch.from_numpy(found.astype(np.float32))[None, None]

    def place(self) -> Tensor:
        return torch.from_numpy(np.load(self.folder / "place.npy"))[None]

    @property
    def ill(self) -> bool:
        return bool(np.load(self.folder / "ill.npy"))

    def hippocampi(self) -> Tensor | None:
        """[1, 2, …]; None where nobody outlined them."""
        path = self.folder / "hippocampi.npz"
        if not path.exists():
            return None
        return torch.from_numpy(np.load(path)["share"].astype(np.float32) / 255)[None]


def kept(entries: Sequence[Entry], settings: Settings, cache: Path) -> list[Kept]:
    size = "-".join(map(str, (*settings.window, *settings.aligned, f"{settings.step_mm:g}")))
    return [Kept(folder) for folder in kept_in(cache / size, entries, partial(_make, settings=settings), "ill.npy")]


def _make(entry: Entry, folder: Path, settings: Settings) -> None:
    """The diagnosis is written last: its file says that the scan is whole."""
    scan = entry.load(settings)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "window.npy", scan.window.astype(np.float16))
    np.save(folder / "place.npy", scan.place)
    if scan.hippocampi is not None:
        np.savez_compressed(folder / "hippocampi.npz", share=np.rint(scan.hippocampi * 255).astype(np.uint8))
    np.save(folder / "ill.npy", np.array(scan.ill))


def _changed(seen: Tensor, settings: Settings, rng: np.random.Generator) -> Tensor:
    """Of another contrast, with more noise."""
    noise = torch.from_numpy(rng.standard_normal(tuple(seen.shape), np.float32))
    return brightened(seen, settings, rng) + noise * float(rng.uniform(0, settings.noise))


@dataclass(frozen=True)
class Batch:
    """`heads` [N, 1, …] aligned and standard, `ill` [N]; the shares of the `hippocampi` [N, 2, …], with `outlined` [N]
    0 where nobody knows them, or they are left aside for once.
    """

    heads: Tensor
    ill: Tensor
    hippocampi: Tensor
    outlined: Tensor


def judging_batches(scans: Sequence[Kept], places: Tensor, settings: Settings, first: int) -> Iterator[Batch]:
    """From iteration `first` of this training on; `places` [N, 3, 4] are where the locator found the heads."""
    course = settings.judge
    for iteration in range(first, course.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 73])
        numbers = rng.integers(len(scans), size=course.batch)
        made = [_head(scans[number], places[number][None], settings, rng) for number in numbers]
        heads, hippocampi, known = zip(*made, strict=True)
        ill = torch.tensor([float(scans[number].ill) for number in numbers])
        yield Batch(torch.cat(heads), ill, torch.cat(hippocampi), torch.tensor(known))


def _head(scan: Kept, place: Tensor, settings: Settings, rng: np.random.Generator) -> tuple[Tensor, Tensor, float]:
    """Not quite where it was found; mirrored by chance, its sides with it."""
    move = moving(settings.judge.moving, settings.aligned, settings.step_mm, rng)
    nearly = joined(place, move)
    head = standard(_changed(taken(scan.window(), nearly, settings.aligned), settings, rng))
    share = scan.hippocampi() if rng.random() < settings.outlined_share else None
    if share is None:
        return head, head.new_zeros((1, 2, *settings.aligned)), 0.0
    sides = taken(share, nearly, settings.aligned)
    return head, sides.flip(1) if mirrored(move) else sides, 1.0
