"""Phantoms of every region in, arrays for training out: drawn once, kept on disk, moved and flipped on the way out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from export.body_region.settings import Settings
from export.phantoms.regions.region import REGIONS, ROWS, phantom

_TURN, _ZOOM, _MOVE = 0.25, 0.3, 0.18
_NOISE = 0.08
_CONTRAST = 0.35
_INVERTED = 0.15


@dataclass(frozen=True, eq=False)
class Part:
    """`images` (image, row, column) from 0 to 1, `regions` their places in REGIONS; region by region."""

    images: NDArray[np.float16]
    regions: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Parts:
    """No seed is in two of them; the shifted ones are nothing's but the report's."""

    train: Part
    validation: Part
    test: Part
    shifted: Part


def parts_of(settings: Settings, folder: Path) -> Parts:
    """Each part's seeds follow those of the one before."""
    ends = np.cumsum([settings.train, settings.validation, settings.test]).tolist()
    starts = [0, *ends[:2]]
    named = zip(("train", "validation", "test"), starts, ends, strict=True)
    made = [kept(folder / f"{name}-{start}-{end}.npy", start, end, shifted=False) for name, start, end in named]
    train, validation, test = made
    return Parts(
        train, validation, test, kept(folder / f"shifted-0-{settings.test}.npy", 0, settings.test, shifted=True)
    )


def kept(file: Path, start: int, end: int, *, shifted: bool) -> Part:
    """From the file when it was made before."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        images = drawn(start, end, shifted=shifted)
        np.save(file.with_suffix(".new.npy"), images)
        file.with_suffix(".new.npy").replace(file)
    return Part(np.load(file), np.repeat(np.arange(len(REGIONS)), end - start))


def drawn(start: int, end: int, *, shifted: bool) -> NDArray[np.float16]:
    wanted = [(region, seed) for region in REGIONS for seed in range(start, end)]
    images = np.empty((len(wanted), ROWS, ROWS), np.float16)
    for place, (region, seed) in enumerate(tqdm(wanted, desc="phantoms", unit="image", mininterval=5)):
        image = phantom(seed, region, shifted=shifted).image
        low, high = float(image.min()), float(image.max())
        images[place] = (image - low) / (high - low if high > low else 1.0)
    return images


def batches(part: Part, settings: Settings, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The same epoch of the same seed gives the same batches, also after a resumption."""
    generator = torch.Generator().manual_seed(settings.seed * 1000 + epoch)
    order = torch.randperm(len(part.regions), generator=generator)
    for chosen in torch.split(order, settings.batch):
        images = torch.from_numpy(part.images[chosen.numpy()].astype(np.float32))[:, None]
        yield varied(images, generator), torch.from_numpy(part.regions[chosen.numpy()])


def varied(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turned, zoomed, moved, mirrored, blurred, of another contrast, now and then inverted, and with noise."""

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(images), generator=generator)

    turn, zoom = between(-_TURN, _TURN), 1 + between(-_ZOOM, _ZOOM)
    mirror = torch.where(between(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = torch.cos(turn) * zoom, torch.sin(turn) * zoom
    row = torch.stack([cos * mirror, -sin, between(-_MOVE, _MOVE)], dim=1)
    column = torch.stack([sin * mirror, cos, between(-_MOVE, _MOVE)], dim=1)
    grid = nn.functional.affine_grid(torch.stack([row, column], dim=1), list(images.shape), align_corners=False)
    moved = nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    blurred = torch.lerp(moved, nn.functional.avg_pool2d(moved, 3, 1, 1), _each(between(0, 1)))
    contrast = torch.exp(_CONTRAST * torch.randn(len(images), generator=generator))
    grey = blurred.clamp_min(0) ** _each(contrast)
    inverted = torch.where(_each(between(0, 1)) < _INVERTED, 1 - grey, grey)
    return inverted + torch.randn(grey.shape, generator=generator) * _each(between(0, _NOISE))


def varied_part(part: Part, seed: int) -> Part:
    """The same images once more, each varied as in training: nearer to what comes than the phantoms as drawn."""
    generator = torch.Generator().manual_seed(seed)
    images = varied(torch.from_numpy(part.images.astype(np.float32))[:, None], generator)
    return Part(images[:, 0].numpy().astype(np.float16), part.regions)


def _each(values: Tensor) -> Tensor:
    return values[:, None, None, None]
