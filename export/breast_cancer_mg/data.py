"""From patients to batches: split by patient, views kept on disk, parts of views that lie otherwise each time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from monai.networks.layers import AffineTransform
from numpy.typing import NDArray
from torch import Tensor

from export.breast_cancer_mg import KEYS, SIDES
from export.breast_cancer_mg.pieces import SCALE, KeptPieces
from export.breast_cancer_mg.settings import Settings
from export.breast_cancer_mg.sources import drawn, list_cases, worst_outline
from export.breast_cancer_mg.study import Case, Study
from export.breast_mass_mg.data import fitted, moved, roughened
from export.breast_mass_mg.model import BreastLevels
from export.kept import kept_in
from export.split import Parts, split_by_patient, wanted

PART_ROWS = 128
_WITH_LESION = 0.7
_BESIDE = 0.3
UNKNOWN = -1


def parts_of(data: str, settings: Settings) -> Parts[Case]:
    return split_by_patient(list_cases(data, wanted(settings.split)), settings.split, settings.seed)


def cache_of(cache: Path, data: str) -> Path:
    return cache / data.replace("/", "_").replace(":", "_")


def for_combining(training: Sequence[Case], settings: Settings) -> tuple[Sequence[Case], Sequence[Case]]:
    """Those that the networks learn on, and those that they do not."""
    kept_back = max(round(settings.split.combining * len(training)), 1)
    return training[:-kept_back], training[-kept_back:]


@dataclass(frozen=True)
class Kept:
    """One patient on disk: for parts of views their levels, for whole views the images as the node fits them."""

    folder: Path

    @cached_property
    def malignant(self) -> NDArray[np.int8]:
        """Of both sides, right first; UNKNOWN where nobody said."""
        return np.asarray(np.load(self.folder / "malignant.npy"), np.int8)

    @cached_property
    def there(self) -> NDArray[np.bool_]:
        return np.asarray(np.load(self.folder / "there.npy"))

    @cached_property
    def shows(self) -> NDArray[np.uint8]:
        """The worst that each view shows."""
        return np.asarray(self.outlines().max(axis=(1, 2)))

    def levels(self) -> NDArray[np.uint8]:
        """[8, rows, columns], read as they are needed; so are the outlines, on half as many rows and columns."""
        return np.asarray(np.load(self.folder / "levels.npy", mmap_mode="r"))

    def outlines(self) -> NDArray[np.uint8]:
        return np.asarray(np.load(self.folder / "outlines.npy", mmap_mode="r"))

    def images(self) -> Tensor:
        """[8, 1, rows, columns], zeros where a view is missing."""
        return torch.from_numpy(np.load(self.folder / "images.npy").astype(np.float32))[:, None]


def kept(cases: Sequence[Case], settings: Settings, cache: Path, *, whole: bool) -> list[Kept]:
    """`whole` views, or what parts are taken of."""
    root = cache / f"{settings.rows}-{settings.columns}" / ("whole" if whole else "parts")
    wanted_cases = [drawn(case, settings.whole_mm if whole else settings.parts_mm) for case in cases]
    make = partial(_make_whole if whole else _make_parts, settings=settings)
    return [Kept(folder) for folder in kept_in(root, wanted_cases, make, "malignant.npy")]


def _make_parts(case: Case, folder: Path, settings: Settings) -> None:
    study, images = _fitted(case, settings)
    levels = BreastLevels(settings.rows * settings.columns)
    seen = [np.rint(levels(torch.from_numpy(image)[None, None])[0, 0].numpy() * SCALE) for image in images]
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "levels.npy", np.stack(seen).astype(np.uint8))
    _describe(study, folder, settings)


def _make_whole(case: Case, folder: Path, settings: Settings) -> None:
    study, images = _fitted(case, settings)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", np.rint(images).astype(np.uint16))
    _describe(study, folder, settings)


def _fitted(case: Case, settings: Settings) -> tuple[Study, NDArray[np.float32]]:
    """Images from 0 on."""
    torch.set_num_threads(1)
    study, matrix = case.load(), (settings.rows, settings.columns)
    images = np.zeros((len(KEYS), *matrix), np.float32)
    for number, key in enumerate(KEYS):
        if key in study.views:
            pixels, outline = study.views[key]
            images[number] = fitted(pixels - pixels.min(), outline > 0, matrix)[0]
    return study, images


def _describe(study: Study, folder: Path, settings: Settings) -> None:
    """What is known of the breasts is written last: its file says that the patient is whole."""
    outlines = np.zeros((len(KEYS), settings.rows // 2, settings.columns // 2), np.uint8)
    for number, key in enumerate(KEYS):
        if key in study.views:
            outlines[number] = worst_outline(study.views[key][1], (settings.rows, settings.columns))
    np.save(folder / "outlines.npy", outlines)
    np.save(folder / "there.npy", np.array([key in study.views for key in KEYS]))
    said = [int(study.malignant[side]) if side in study.malignant else UNKNOWN for side in SIDES]
    np.save(folder / "malignant.npy", np.array(said, np.int8))


@dataclass(frozen=True, eq=False)
class PartBatch:
    """`levels` and where a `lesion` is, 0 to 1, [N, 1, 128, 128]."""

    levels: Tensor
    lesion: Tensor


def part_batches(
    scans: Sequence[Kept], pieces: Sequence[KeptPieces], settings: Settings, first: int
) -> Iterator[PartBatch]:
    """From iteration `first` on; each is made by its own number, so a resumed training sees what it would have seen."""
    views = Views.of(scans, pieces, settings)
    resampled = AffineTransform((PART_ROWS,) * 2, normalized=True, align_corners=False, padding_mode="zeros")
    for iteration in range(first, settings.look.iterations):
        rng = np.random.default_rng([settings.seed, iteration, 83])
        parts = []
        for _ in range(settings.look.batch):
            with_lesion = bool(rng.random() < _WITH_LESION)
            image = views.one(with_lesion, rng)
            theta = torch.from_numpy(_around(rng, image, with_lesion, settings))[None]
            parts.append(resampled(image[None], theta)[0])
        seen = torch.stack(parts)
        levels = roughened(rng, seen[:, :1], settings.augmentation.noise)
        yield PartBatch(levels.contiguous(memory_format=torch.channels_last), seen[:, 1:])


Place = tuple[int, int]


@dataclass(frozen=True)
class Views:
    """Views of patients that are kept whole, those among them with a lesion, and pieces of others."""

    scans: Sequence[Kept]
    pieces: Sequence[KeptPieces]
    share: float
    every: Sequence[Place]
    ill: Sequence[Place]
    cut: Sequence[Place]

    @classmethod
    def of(cls, scans: Sequence[Kept], pieces: Sequence[KeptPieces], settings: Settings) -> "Views":
        every = [(n, int(view)) for n, scan in enumerate(scans) for view in np.flatnonzero(scan.there)]
        ill = [(n, int(view)) for n, scan in enumerate(scans) for view in np.flatnonzero(scan.shows)]
        cut = [(n, piece) for n, each in enumerate(pieces) for piece in range(len(each.kinds))]
        return cls(scans, pieces, settings.more_share, every, ill, cut)

    def one(self, with_lesion: bool, rng: np.random.Generator) -> Tensor:
        """[2, rows, columns]: levels, lesion."""
        if with_lesion and rng.random() < self.share and self.cut:
            number, piece = self.cut[int(rng.integers(len(self.cut)))]
            return _stacked(self.pieces[number].levels()[piece], self.pieces[number].outlines()[piece])
        places = (self.ill if with_lesion else ()) or self.every
        number, view = places[int(rng.integers(len(places)))]
        return _stacked(self.scans[number].levels()[view], self.scans[number].outlines()[view])


def _stacked(levels: NDArray[np.uint8], halved: NDArray[np.uint8]) -> Tensor:
    outline = halved.repeat(2, axis=0).repeat(2, axis=1)
    return torch.from_numpy(np.stack([levels.astype(np.float32) / SCALE, (outline > 0).astype(np.float32)]))


def _around(rng: np.random.Generator, image: Tensor, with_lesion: bool, settings: Settings) -> NDArray[np.float32]:
    """A square around a pixel of a lesion, or around any of the breast."""
    levels, lesion = (each.numpy() > 0 for each in image)
    places = np.argwhere(lesion if with_lesion and lesion.any() else levels)
    shape = np.array(levels.shape)
    middle = places[rng.integers(len(places))] + rng.uniform(-_BESIDE, _BESIDE, 2) * PART_ROWS
    theta = moved(rng, settings.augmentation, (PART_ROWS / shape[0], PART_ROWS / shape[1]))
    theta[:, 2] = (middle + 0.5) / shape * 2 - 1
    return theta
