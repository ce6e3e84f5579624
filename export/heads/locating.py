"""How a network learns where heads lie: scans whose places are known in, batches, and how far off it is, out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from export.heads.aligning import Locator, away_mm, halved, inverse, joined
from export.heads.settings import HeadSettings, Moving
from export.placing import placed

_MIRROR = torch.tensor([-1.0, 1.0, 1.0])


class Placed(Protocol):
    """A scan: its window [1, 1, …], and where its head lies in it [1, 3, 4]."""

    def window(self) -> Tensor: ...
    def place(self) -> Tensor: ...


@dataclass(frozen=True)
class Volumes:
    """What the locator learns from: `volumes` [N, 1, …] of larger cubes, from where they are `moved` [N, 3, 4], and the
    `places` of their heads then.
    """

    volumes: Tensor
    moved: Tensor
    places: Tensor


def locating_batches(scans: Sequence[Placed], settings: HeadSettings, first: int) -> Iterator[Volumes]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    course = settings.locate
    coarse = [halved(scan.window()).half() for scan in scans]
    places = [scan.place() for scan in scans]
    for iteration in range(first, course.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 71])
        seen, moved, where = [], [], []
        for number in rng.integers(len(scans), size=course.batch):
            move = moving(course.moving, settings.window, settings.step_mm, rng)
            seen.append(brightened(coarse[number].float(), settings, rng))
            moved.append(move)
            where.append(_with_mirror(joined(inverse(move), places[number]), move))
        yield Volumes(torch.cat(seen), torch.cat(moved), torch.cat(where))


def moving(by: Moving, shape_zyx: tuple[int, int, int], step_mm: float, rng: np.random.Generator) -> Tensor:
    """Where a volume is taken from in another one [1, 3, 4], mirrored half of the time; x, y, z."""
    shape = np.array(shape_zyx)
    middle = (shape - 1) / 2 + rng.uniform(-by.shift_mm, by.shift_mm, 3) / step_mm
    zyx = placed(middle, shape, shape, by.turn_degrees, by.scale_share, rng)
    return torch.from_numpy(np.column_stack([zyx[::-1, 2::-1], zyx[::-1, 3]]).astype(np.float32))[None]


def mirrored(move: Tensor) -> bool:
    return bool(torch.linalg.det(move[0, :, :3]) < 0)


def _with_mirror(place: Tensor, move: Tensor) -> Tensor:
    """A mirrored head is still one whose left is on its left."""
    if not mirrored(move):
        return place
    return torch.cat([place[:, :, :3] * _MIRROR, place[:, :, 3:]], dim=2)


def brightened(seen: Tensor, settings: HeadSettings, rng: np.random.Generator) -> Tensor:
    gamma = float(np.exp(rng.uniform(-settings.gamma, settings.gamma)))
    return seen.clamp(0, 1) ** gamma


def find_usual(locator: Locator, scans: Sequence[Placed]) -> None:
    """Where heads lie on average, from which the locator starts."""
    usual = torch.cat([scan.place() for scan in scans]).mean(dim=0, keepdim=True)
    locator.usual = usual.to(next(locator.parameters()).device)


@torch.no_grad()
def places_of(locator: Locator, scans: Sequence[Placed], device: torch.device) -> Tensor:
    locator.eval()
    return torch.cat([locator(halved(scan.window().to(device)))[-1] for scan in scans]).cpu()


def lost_mm(locator: Locator, batch: Volumes, settings: HeadSettings, device: torch.device) -> Tensor:
    """How far off the places of all looks are, on average: what is made small."""
    found = locator(batch.volumes.to(device), batch.moved.to(device))
    truth = batch.places.to(device)
    return torch.stack([away_mm(each, truth, settings.window_mm).mean() for each in found]).mean()


def validated_mm(locator: Locator, scans: Sequence[Placed], settings: HeadSettings, device: torch.device) -> float:
    """The same of the last look, at scans that nothing is learned from."""
    found = places_of(locator, scans, device)
    return float(away_mm(found, torch.cat([scan.place() for scan in scans]), settings.window_mm).mean())
