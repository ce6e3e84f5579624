"""From scans to batches: split by patient, kept on disk, heads that lie otherwise each time they are seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export.alzheimer_mr.aligning import halved, inverse, joined, taken
from export.alzheimer_mr.model import standard
from export.alzheimer_mr.settings import Moving, Settings
from export.alzheimer_mr.sources import Entry, list_entries
from export.kept import kept_in
from export.placing import placed
from export.split import Parts, split_by_patient, wanted

_MIRROR = torch.tensor([-1.0, 1.0, 1.0])


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


@dataclass(frozen=True)
class Volumes:
    """What the locator learns from: `volumes` [N, 1, …] of larger cubes, from where they are `moved` [N, 3, 4], and the
    `places` of their heads then.
    """

    volumes: Tensor
    moved: Tensor
    places: Tensor


def locating_batches(scans: Sequence[Kept], settings: Settings, first: int) -> Iterator[Volumes]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    course = settings.locate
    coarse = [halved(scan.window()).half() for scan in scans]
    places = [scan.place() for scan in scans]
    for iteration in range(first, course.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 71])
        seen, moved, where = [], [], []
        for number in rng.integers(len(scans), size=course.batch):
            move = _moving(course.moving, settings.window, settings.step_mm, rng)
            seen.append(_brightened(coarse[number].float(), settings, rng))
            moved.append(move)
            where.append(_with_mirror(joined(inverse(move), places[number]), move))
        yield Volumes(torch.cat(seen), torch.cat(moved), torch.cat(where))


def _moving(by: Moving, shape_zyx: tuple[int, int, int], step_mm: float, rng: np.random.Generator) -> Tensor:
    """Where a volume is taken from in another one [1, 3, 4], mirrored half of the time; x, y, z."""
    shape = np.array(shape_zyx)
    middle = (shape - 1) / 2 + rng.uniform(-by.shift_mm, by.shift_mm, 3) / step_mm
    zyx = placed(middle, shape, shape, by.turn_degrees, by.scale_share, rng)
    return torch.from_numpy(np.column_stack([zyx[::-1, 2::-1], zyx[::-1, 3]]).astype(np.float32))[None]


def _with_mirror(place: Tensor, move: Tensor) -> Tensor:
    """A mirrored head is still one whose left is on its left."""
    if torch.linalg.det(move[0, :, :3]) > 0:
        return place
    return torch.cat([place[:, :, :3] * _MIRROR, place[:, :, 3:]], dim=2)


def _changed(seen: Tensor, settings: Settings, rng: np.random.Generator) -> Tensor:
    """Of another contrast, with more noise."""
    noise = torch.from_numpy(rng.standard_normal(tuple(seen.shape), np.float32))
    return _brightened(seen, settings, rng) + noise * float(rng.uniform(0, settings.noise))


def _brightened(seen: Tensor, settings: Settings, rng: np.random.Generator) -> Tensor:
    gamma = float(np.exp(rng.uniform(-settings.gamma, settings.gamma)))
    return seen.clamp(0, 1) ** gamma


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
    move = _moving(settings.judge.moving, settings.aligned, settings.step_mm, rng)
    mirrored = bool(torch.linalg.det(move[0, :, :3]) < 0)
    nearly = joined(place, move)
    head = standard(_changed(taken(scan.window(), nearly, settings.aligned), settings, rng))
    share = scan.hippocampi() if rng.random() < settings.outlined_share else None
    if share is None:
        return head, head.new_zeros((1, 2, *settings.aligned)), 0.0
    sides = taken(share, nearly, settings.aligned)
    return head, sides.flip(1) if mirrored else sides, 1.0
