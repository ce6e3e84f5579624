"""Places of a view that may be lesions, and what lies round each: a map of logits in, places, their kinds out.

A view is looked at round a place on rings: then an edge is a line along them and what radiates a line across them, for
a small network as plain to see as grey is. Of squares the same network learned next to nothing.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample, pad

_AGREED = 9  # so many of the finder's answers on a side are one place's
_APART = 12  # of them lie between two places, and so far around one counts as its own
_RINGS, _DIRECTIONS = 64, 96
REACH = 50.0
"""Of the outermost ring, in pixels."""
_CHANNELS = (16, 24, 32, 64, 96)
_HALVED = ((2, 2), (2, 2), (2, 2), (1, 2))  # rings and directions, from one to the next
_LEFT_OUT = 0.3
_FAR = 1e3
_LEAST = 1e-6


class Places(nn.Module):
    """The surest `count` places of each map [N, 1, h, w], none near another: how sure each is [N, count], its middle
    [N, count, 2] as a row and a column of the map, and what of the map is its own [N, count, h, w].

    The middle is that of what is taken for a lesion around the highest place. Where `within` [N, 1, h, w] is 0 there is
    no place.
    """

    at: Tensor
    number: Tensor

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        at = torch.stack(torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")).float()
        self.register_buffer("at", at, persistent=False)
        self.register_buffer("number", torch.arange(rows * columns).reshape(rows, columns), persistent=False)

    def forward(self, logits: Tensor, count: int, within: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        left = avg_pool2d(logits, _AGREED, stride=1, padding=_AGREED // 2, count_include_pad=False)
        if within is not None:
            left = left + (within - 1) * _FAR
        left, share = left[:, 0], torch.sigmoid(logits[:, 0])
        sure, middles, own = [], [], []
        for _ in range(count):
            highest = left.flatten(1).argmax(dim=1)[:, None, None]
            peak = self._mean((self.number == highest).to(left.dtype))
            near = (((self.at - peak[..., None, None]) ** 2).sum(dim=1) <= _APART**2).to(left.dtype)
            sure.append(left.amax(dim=(1, 2)))
            middles.append(self._mean(share * near))
            own.append(near)
            left = left - near * _FAR
        return torch.stack(sure, dim=1), torch.stack(middles, dim=1), torch.stack(own, dim=1)

    def _mean(self, weights: Tensor) -> Tensor:
        """Of rows and of columns, [N, 2]."""
        total = weights.sum(dim=(1, 2))[:, None].clamp_min(_LEAST)
        return (self.at * weights[:, None]).sum(dim=(2, 3)) / total


class Rings(nn.Module):
    """Views [N, 1, rows, columns] and places in them [N, K, 2] in, what lies round each [N * K, 1, rings, directions]
    out; places are in rows and columns of pixels. Each view may be `turned`, mirrored and scaled by a matrix [N, 2, 2].
    """

    away: Tensor

    def __init__(self) -> None:
        super().__init__()
        radius = (torch.arange(_RINGS) + 0.5) / _RINGS * REACH
        angle = torch.arange(_DIRECTIONS) / _DIRECTIONS * 2 * torch.pi
        away = torch.stack([torch.outer(radius, angle.sin()), torch.outer(radius, angle.cos())], dim=-1)
        self.register_buffer("away", away, persistent=False)

    def forward(self, views: Tensor, places: Tensor, turned: Tensor | None = None) -> Tensor:
        away = self.away.flatten(0, 1)
        away = away[None] if turned is None else away @ turned.transpose(1, 2)
        taken = places[:, :, None] + away[:, None]  # [N, K, rings * directions, 2]
        rows, columns = views.shape[2:]
        grid = torch.stack([(taken[..., 1] * 2 + 1) / columns - 1, (taken[..., 0] * 2 + 1) / rows - 1], dim=-1)
        seen = grid_sample(views, grid, align_corners=False)
        return torch.unflatten(seen.transpose(1, 2).flatten(0, 1), 2, (_RINGS, _DIRECTIONS))


class _Around(nn.Module):
    """A convolution for which the first direction lies beside the last."""

    def __init__(self, before: int, after: int, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, 3, stride, bias=False)
        self.normalised = nn.BatchNorm2d(after)

    def forward(self, seen: Tensor) -> Tensor:
        closed = pad(torch.cat([seen[..., -1:], seen, seen[..., :1]], dim=3), (0, 0, 1, 1))
        return cast(Tensor, self.normalised(self.convolution(closed)))


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.first, self.second = _Around(before, after, stride), _Around(after, after)
        self.past = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, seen: Tensor) -> Tensor:
        return torch.relu(self.second(torch.relu(self.first(seen))) + self.past(seen))


class Kinds(nn.Module):
    """What lies round places [N, 1, rings, directions] in, the logits [N, 2] of a lesion and of a malignant one out."""

    def __init__(self) -> None:
        super().__init__()
        first, *others = _CHANNELS
        blocks = [_Block(*each) for each in zip(_CHANNELS[:-1], others, _HALVED, strict=True)]
        self.seen = nn.Sequential(_Around(1, first), nn.ReLU(), *blocks)
        self.told = nn.Sequential(nn.Dropout(_LEFT_OUT), nn.Linear(2 * _CHANNELS[-1], 2))

    def forward(self, rings: Tensor) -> Tensor:
        by_ring = self.seen(rings * 2 - 1).mean(dim=3)
        return cast(Tensor, self.told(torch.cat([by_ring.mean(dim=2), by_ring.amax(dim=2)], dim=1)))
