"""Where a head lies in a volume: a network finds it in three looks, and volumes are taken from there and put back.

A place is an affine matrix [N, 3, 4] from the aligned head to the volume, x, y, z from -1 to 1 as torch's grids have
them.
"""

from typing import cast

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d, grid_sample

Shape = tuple[int, int, int]
_COARSE, _LOOKS_AGAIN = 2, 2
_LATTICE = (-0.8, 0.0, 0.8)


class Locator(nn.Module):
    """Volumes [N, 1, slices, rows, columns] of cubes twice as large as those that are aligned to their places.

    The first look is at all of it, made smaller; the others are at what the look before took for the head.
    """

    def __init__(self, channels: tuple[int, ...], window: Shape, aligned: Shape) -> None:
        super().__init__()
        self.coarse, self.aligned = _halved(_halved(window)), _halved(aligned)
        self.first = _looking(channels, self.coarse)
        self.again = _looking(channels, self.aligned)
        self.register_buffer("usual", torch.eye(3, 4)[None])

    def forward(self, volumes: Tensor, moved: Tensor | None = None) -> list[Tensor]:
        """After each look, the last one being the best; of the volumes as they are, or as they are from elsewhere."""
        seen = avg_pool3d(volumes, _COARSE)
        if moved is not None:
            seen = taken(seen, moved, self.coarse)
        places = [cast(Tensor, self.usual) + self.first(seen).reshape(-1, 3, 4)]
        for _ in range(_LOOKS_AGAIN):
            nearly = places[-1].detach()
            where = nearly if moved is None else joined(moved, nearly)
            turned = self.again(taken(volumes, where, self.aligned)).reshape(-1, 3, 4)
            places.append(joined(nearly, turned + torch.eye(3, 4, device=volumes.device)))
        return places


class HeadNetwork(nn.Module):
    """A network that aligns heads before it looks at them."""

    locator: Locator


def _looking(channels: tuple[int, ...], shape: Shape) -> nn.Sequential:
    made, before = nn.Sequential(), 1
    for wide in channels:
        made.append(Convolution(3, before, wide, norm="BATCH", act="RELU"))
        made.append(nn.MaxPool3d(2))
        before, shape = wide, _halved(shape)
    made.append(Convolution(3, before, before, norm="BATCH", act="RELU"))
    made.append(nn.Flatten())
    made.append(nn.Linear(before * shape[0] * shape[1] * shape[2], 64))
    made.append(nn.ReLU())
    last = nn.Linear(64, 12)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    made.append(last)
    return made


def _halved(shape: Shape) -> Shape:
    slices, rows, columns = (length // 2 for length in shape)
    return slices, rows, columns


def halved(volumes: Tensor) -> Tensor:
    """As the locator takes them."""
    return avg_pool3d(volumes, _COARSE)


def joined(outer: Tensor, inner: Tensor) -> Tensor:
    """First the inner one, then the outer one."""
    turned = outer[:, :, :3] @ inner[:, :, :3]
    moved = outer[:, :, :3] @ inner[:, :, 3:] + outer[:, :, 3:]
    return torch.cat([turned, moved], dim=2)


def inverse(place: Tensor) -> Tensor:
    """From the volume to the aligned head."""
    one, two, three = (place[:, row, :3] for row in range(3))
    across = torch.stack([_cross(two, three), _cross(three, one), _cross(one, two)], dim=2)
    size = (one * _cross(two, three)).sum(dim=1).reshape(-1, 1, 1)
    back = across / size
    return torch.cat([back, -back @ place[:, :, 3:]], dim=2)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return torch.stack(
        [a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1], a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
         a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]],
        dim=1,
    )  # fmt: skip


def taken(volumes: Tensor, place: Tensor, shape: Shape) -> Tensor:
    """What lies at a place of the volumes, 0 beyond them."""
    z, y, x = (_middles(length, place) for length in shape)
    grid = (
        x[:, None] * place[:, None, None, None, :, 0]
        + y[:, None, None] * place[:, None, None, None, :, 1]
        + z[:, None, None, None] * place[:, None, None, None, :, 2]
        + place[:, None, None, None, :, 3]
    )
    return grid_sample(volumes, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _middles(length: int, like: Tensor) -> Tensor:
    return (torch.arange(length, device=like.device, dtype=like.dtype) * 2 + 1) / length - 1


def away_mm(found: Tensor, truth: Tensor, half_mm: tuple[float, float, float]) -> Tensor:
    """How far from one another two places put points of the head [N], on average; `half_mm` of the volume, x, y, z."""
    line = torch.tensor(_LATTICE, device=found.device)
    lattice = torch.cartesian_prod(line, line, line).T
    apart = (found - truth)[:, :, :3] @ lattice + (found - truth)[:, :, 3:]
    size = torch.tensor(half_mm, device=found.device)[:, None]
    return ((apart * size).square().sum(dim=1) + 1e-6).sqrt().mean(dim=1)
