"""Places of a view that may be lesions, and what lies round each: a map of logits in, places, their kinds out.

A view is looked at round a place on rings: then an edge is a line along them and what radiates a line across them, for
a small network as plain to see as grey is. From squares of pixels such a network learned far less in the same time.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample, max_pool2d, pad

STEP = 10
"""Pixels from one place that a scout looks at to the next."""
REACH = 50.0
"""Of the outermost ring, in pixels."""
_LEFT_OUT = 0.3
_AT_ONCE = 512  # places
_AROUND = 3  # steps on each side of where an earlier view is looked at
_FAR = 1e3
_LEAST = 1e-6


class Places(nn.Module):
    """The highest `count` places of each map [N, 1, h, w], none near another: their middles [N, count, 2], a row and a
    column of the map each.

    The middle is that of what is taken for a lesion around the highest place. So many places on a side are `agreed` on
    how high one is, and so far `apart` are two, as far as one's own reaches. Where `within` [N, 1, h, w] is 0 there is
    no place.
    """

    down: Tensor
    across: Tensor

    def __init__(self, rows: int, columns: int, agreed: int, apart: float) -> None:
        super().__init__()
        self.agreed, self.apart = agreed, apart
        self.register_buffer("down", torch.arange(rows).float()[:, None], persistent=False)
        self.register_buffer("across", torch.arange(columns).float()[None], persistent=False)

    def height(self, logits: Tensor) -> Tensor:
        return avg_pool2d(logits, self.agreed, stride=1, padding=self.agreed // 2, count_include_pad=False)

    def near(self, middles: Tensor) -> Tensor:
        """How near each of the places is, [N, K, h, w]: 1 in its middle, 0 where nothing is its own any more."""
        row, column = middles[..., None, None].unbind(dim=2)
        away = (self.down - row).square() + (self.across - column).square()
        return (1 - away / self.apart**2).clamp_min(0)

    def own(self, middles: Tensor) -> Tensor:
        """What of the map belongs to each of the places, [N, K, h, w]."""
        return (self.near(middles) > 0).to(middles.dtype)

    def forward(self, logits: Tensor, count: int, within: Tensor | None = None) -> Tensor:
        left = self.height(logits)
        if within is not None:
            left = left + (within - 1) * _FAR
        left, share = left[:, 0], torch.sigmoid(logits[:, 0])
        number, middles = self.down * self.across.shape[1] + self.across, []
        for _ in range(count):
            highest = left.flatten(1).argmax(dim=1)[:, None, None]
            peak = self._mean((number == highest).to(left.dtype))
            own = self.own(peak[:, None])[:, 0]
            middles.append(self._mean(share * own))
            left = left - own * _FAR
        return torch.stack(middles, dim=1)

    def _mean(self, weights: Tensor) -> Tensor:
        """Of rows and of columns, [N, 2]."""
        total = weights.sum(dim=(1, 2)).clamp_min(_LEAST)
        return torch.stack([(each * weights).sum(dim=(1, 2)) / total for each in (self.down, self.across)], dim=1)


class Rings(nn.Module):
    """Views [N, 1, rows, columns] and places in them [N, K, 2] in, what lies round each [N * K, 1, rings, directions]
    out; places are in rows and columns of pixels. Each view may be `turned`, mirrored and scaled by a matrix [N, 2, 2].
    """

    away: Tensor

    def __init__(self, rings: int, directions: int) -> None:
        super().__init__()
        self.count = rings, directions
        radius = (torch.arange(rings) + 0.5) / rings * REACH
        angle = torch.arange(directions) / directions * 2 * torch.pi
        away = torch.stack([torch.outer(radius, angle.sin()), torch.outer(radius, angle.cos())], dim=-1)
        self.register_buffer("away", away, persistent=False)

    def forward(self, views: Tensor, places: Tensor, turned: Tensor | None = None) -> Tensor:
        away = self.away.flatten(0, 1)
        away = away[None] if turned is None else away @ turned.transpose(1, 2)
        taken = places[:, :, None] + away[:, None]  # [N, K, rings * directions, 2]
        rows, columns = views.shape[2:]
        grid = torch.stack([(taken[..., 1] * 2 + 1) / columns - 1, (taken[..., 0] * 2 + 1) / rows - 1], dim=-1)
        seen = grid_sample(views, grid, align_corners=False)
        return torch.unflatten(seen.transpose(1, 2).flatten(0, 1), 2, self.count)


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
    """What lies round places [N, 1, rings, directions] in, the logits [N, 2] of a lesion and of a malignant one out.

    Rings and directions are `halved` from one number of `channels` to the next.
    """

    def __init__(self, channels: Sequence[int], halved: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        first, *others = channels
        blocks = [_Block(*each) for each in zip(channels[:-1], others, halved, strict=True)]
        self.seen = nn.Sequential(_Around(1, first), nn.ReLU(), *blocks)
        self.told = nn.Sequential(nn.Dropout(_LEFT_OUT), nn.Linear(2 * channels[-1], 2))

    def forward(self, rings: Tensor) -> Tensor:
        by_ring = self.seen(rings * 2 - 1).mean(dim=3)
        return cast(Tensor, self.told(torch.cat([by_ring.mean(dim=2), by_ring.amax(dim=2)], dim=1)))


class Scout(nn.Module):
    """Looks round each place of a coarse grid, coarsely: views [N, S, 1, rows, columns] to the logits of something
    malignant [N * S, 1, h, w]; far below all others where there is air.

    The views of a study are looked at one after the other, and their places not all at once: there are thousands.
    """

    at: Tensor
    beside: Tensor

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        self.shape = rows // STEP, columns // STEP
        self.register_buffer("at", _grid(*(torch.arange(count) * STEP + (STEP - 1) / 2 for count in self.shape)), False)
        self.register_buffer("beside", _grid(*(torch.arange(-_AROUND, _AROUND + 1.0) * STEP,) * 2), False)
        self.rings = Rings(24, 48)
        self.kinds = Kinds((8, 12, 16, 24), ((2, 2), (2, 2), (2, 2)))

    def told(self, views: Tensor, places: Tensor, turned: Tensor | None = None) -> Tensor:
        """The logits [N * K, 2] of given places [N, K, 2] of views [N, 1, rows, columns]."""
        smooth = avg_pool2d(views, 3, stride=1, padding=1)
        return cast(Tensor, self.kinds(self.rings(smooth, places, turned)))

    def near(self, views: Tensor, places: Tensor) -> Tensor:
        """Of each view [N, 1, rows, columns] the place [N, 1, 2] that says most near the one that is given."""
        tried = places + self.beside
        malignant = torch.unflatten(self.told(views, tried)[:, 1], 0, (-1, self.beside.shape[1]))
        most = (malignant >= malignant.amax(dim=1, keepdim=True)).to(tried.dtype)[..., None]
        return (tried * most).sum(dim=1, keepdim=True) / most.sum(dim=1, keepdim=True)

    def forward(self, views: Tensor) -> Tensor:
        maps = []
        for view in views.unbind(dim=1):
            nought = view.amin(dim=(2, 3))[..., None].clamp_max(0)  # of each: a graph would forget how many there are
            parts = torch.split(self.at, _AT_ONCE, dim=1)
            told = [torch.unflatten(self.told(view, part + nought)[:, 1:], 0, (-1, part.shape[1])) for part in parts]
            malignant = torch.unflatten(torch.cat(told, dim=1).transpose(1, 2), 2, self.shape)
            breast = (max_pool2d(view, STEP) > 0).to(view.dtype)
            maps.append(malignant + (breast - 1) * _FAR)
        return torch.stack(maps, dim=1).flatten(0, 1)


def _grid(rows: Tensor, columns: Tensor) -> Tensor:
    """[1, rows * columns, 2]"""
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1).reshape(1, -1, 2).float()
