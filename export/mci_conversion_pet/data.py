"""From scans to batches: split by patient, kept on disk, heads that lie otherwise each time they are seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export.heads.aligning import joined, taken
from export.heads.locating import moving
from export.kept import kept_in
from export.mci_conversion_pet.grey import evened, smoothed
from export.mci_conversion_pet.model import ConversionNet
from export.mci_conversion_pet.settings import Settings
from export.mci_conversion_pet.sources import Entry, list_entries
from export.phantoms.metabolism import GROUPS, Group
from export.split import Parts, split_by_patient, wanted

TRUTH: dict[Group, tuple[float, float]] = {
    "normal": (0, 0), "stable": (0, 0), "converting": (0, 1), "alzheimer": (1, 0),
}  # fmt: skip
ABOUT: dict[Group, tuple[float, float]] = {
    "normal": (1, 0), "stable": (0, 1), "converting": (0, 1), "alzheimer": (1, 0),
}  # fmt: skip
"""Which of the answers a group teaches: the disease is told from health, a conversion among those with an impairment.

Somebody whose impairment converts has the disease already, in some degree, and teaches nothing about the first answer.
"""


def parts_of(data: str, settings: Settings) -> Parts[Entry]:
    return split_by_patient(list_entries(data, wanted(settings.split)), settings.split, settings.seed)


@dataclass(frozen=True)
class Kept:
    """One scan on disk, read as it is needed; tensors with an axis of one item."""

    folder: Path

    def window(self) -> Tensor:
        """As the network looks at it."""
        found = np.load(self.folder / "window.npy")
        return evened(torch.from_numpy(found.astype(np.float32))[None, None])

    def place(self) -> Tensor:
        return torch.from_numpy(np.load(self.folder / "place.npy"))[None]

    @property
    def group(self) -> Group:
        return GROUPS[int(np.load(self.folder / "group.npy"))]


def kept(entries: Sequence[Entry], settings: Settings, cache: Path) -> list[Kept]:
    size = "-".join(map(str, (*settings.window, *settings.aligned, f"{settings.step_mm:g}")))
    return [Kept(folder) for folder in kept_in(cache / size, entries, partial(_make, settings=settings), "group.npy")]


def _make(entry: Entry, folder: Path, settings: Settings) -> None:
    """The group is written last: its file says that the scan is whole."""
    scan = entry.load(settings)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "window.npy", scan.window.astype(np.float16))
    np.save(folder / "place.npy", scan.place)
    np.save(folder / "group.npy", np.array(GROUPS.index(scan.group)))


@dataclass(frozen=True)
class Batch:
    """`heads` [N, 1, …] aligned and standard; what is true of both answers [N, 2], and which of them it is `about`.

    `numbers` [N] are those of the patients.
    """

    numbers: Tensor
    heads: Tensor
    truth: Tensor
    about: Tensor


def judging_batches(
    network: ConversionNet, scans: Sequence[Kept], places: Tensor, settings: Settings, first: int
) -> Iterator[Batch]:
    """From iteration `first` of this training on; `places` [N, 3, 4] are where the locator found the heads."""
    course = settings.judge
    groups = [scan.group for scan in scans]
    for iteration in range(first, course.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 83])
        numbers = rng.integers(len(scans), size=course.batch)
        heads = torch.cat([_head(scans[number], places[number][None], settings, rng) for number in numbers])
        truth, about = (torch.tensor([table[groups[n]] for n in numbers]) for table in (TRUTH, ABOUT))
        standard = network.standard(heads.to(network.usual.device))
        yield Batch(torch.from_numpy(numbers), standard, truth.float(), about.float())


def _head(scan: Kept, place: Tensor, settings: Settings, rng: np.random.Generator) -> Tensor:
    """Not quite where it was found, of a coarser scanner with more noise; mirrored by chance."""
    nearly = joined(place, moving(settings.judge.moving, settings.aligned, settings.step_mm, rng))
    seen = taken(scan.window(), nearly, settings.aligned)
    seen = smoothed(seen, float(rng.uniform(0, settings.blur_mm)) / settings.step_mm)
    noise = torch.from_numpy(rng.standard_normal(tuple(seen.shape), np.float32))
    return seen + noise * float(rng.uniform(0, settings.noise)) * seen.clamp_min(0).sqrt()
