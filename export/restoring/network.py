"""A residual network: slices with their neighbours in, the middle one as it should be, or thinner ones in it, out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn

from export.strangeness import Strangeness, description_of

_LEAST = 1e-6
_BLOCK = 2  # of so many pixels along rows and columns the network sees all at one place


class Residual(nn.Module):
    """[N, slices, rows, columns] to [N, answers, rows, columns]; rows and columns are even.

    `dilations` has one for each layer between the first and the last.
    """

    def __init__(self, channels: int, dilations: Sequence[int], slices: int, answers: int = 1) -> None:
        super().__init__()
        self.blocks, self.pixels = nn.PixelUnshuffle(_BLOCK), nn.PixelShuffle(_BLOCK)
        self.first = Convolution(2, slices * _BLOCK**2, channels, norm=None, act="RELU")
        self.layers = nn.Sequential(
            *(Convolution(2, channels, channels, dilation=dilation, norm="BATCH", act="RELU") for dilation in dilations)
        )
        self.last = Convolution(2, channels, answers * _BLOCK**2, conv_only=True)
        for values in self.last.parameters():
            nn.init.zeros_(values)

    def see(self, stacks: Tensor) -> tuple[Tensor, Tensor]:
        """What is to be taken away, and the features that it comes from."""
        features = self.layers(self.first(self.blocks(stacks)))
        return self.pixels(self.last(features)), features

    def forward(self, stacks: Tensor) -> Tensor:
        return self.see(stacks)[0]


@dataclass(frozen=True)
class Range:
    """What values lie between is what the network sees, in parts of `scale`."""

    lowest: float
    highest: float
    scale: float


class Restorer(nn.Module):
    """[N, slices, rows, columns] to [N, finer, rows, columns], in the same numbers: the middle one as it should be, or
    so many thinner slices that lie within it.

    A slice is seen with so many neighbours `beside` it on each side. What lies beyond the range goes through as it is
    but for what its surroundings say of it. With `into` another kind of image comes out, in numbers of that range.
    """

    def __init__(
        self,
        channels: int,
        dilations: Sequence[int],
        within: Range,
        beside: int,
        finer: int = 1,
        into: Range | None = None,
    ) -> None:
        super().__init__()
        self.residual = Residual(channels, dilations, 2 * beside + 1, finer)
        self.within, self.beside, self.finer, self.into = within, beside, finer, into

    def see(self, stacks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The slice as it should be, the slices as the network sees them, and what it makes of these."""
        seen = stacks.clamp(self.within.lowest, self.within.highest) / self.within.scale
        away, features = self.residual.see(seen)
        if self.into is not None:
            return -away * self.into.scale, seen, features
        return between(stacks, self.finer) - away * self.within.scale, seen, features

    def forward(self, stacks: Tensor) -> Tensor:
        return self.see(stacks)[0]


class Served(nn.Module):
    """As the node takes it: patches of a volume [N, 1, slices, rows, columns] to the same as they should be, or to
    [N, finer, slices, rows, columns], so many thinner slices within each.

    `strangeness` [N] is the mean over the slices of a patch. With `own_scale` values mean nothing by themselves, and
    are seen in parts of how bright the patch is; so is what comes out, but where that is another kind of image.
    """

    outputs = ("restored", "strangeness")

    def __init__(self, network: Restorer, strangeness: Strangeness, *, own_scale: bool) -> None:
        super().__init__()
        self.network, self.strangeness, self.own_scale = network, strangeness, own_scale

    def forward(self, volume: Tensor) -> tuple[Tensor, Tensor]:
        scale = brightness(volume) if self.own_scale else torch.ones_like(volume[:, :1, :1, :1, :1])
        slices = (volume / scale)[:, 0]
        restored, seen, features = self.network.see(stacks_of(slices, self.network.beside))
        strange = self.strangeness(description(seen, features))
        slices_within = torch.unflatten(restored, 0, slices.shape[:2]).transpose(1, 2)
        into = self.network.into
        made = slices_within * scale if into is None else slices_within.clamp(into.lowest, into.highest)
        return made, strange.reshape(slices.shape[:2]).mean(dim=1)


def brightness(volume: Tensor) -> Tensor:
    """Of each patch [N, 1, 1, 1, 1] the mean of its values, weighted by themselves: air around counts nothing."""
    axes = (1, 2, 3, 4)
    total = volume.abs().sum(dim=axes, keepdim=True).clamp_min(_LEAST)
    return (volume.square().sum(dim=axes, keepdim=True) / total).clamp_min(_LEAST)


def description(seen: Tensor, features: Tensor) -> Tensor:
    """Of the middle slice."""
    return description_of(middle_of(seen), features)


def middle_of(stacks: Tensor) -> Tensor:
    middle = stacks.shape[1] // 2
    return stacks[:, middle : middle + 1]


def between(stacks: Tensor, finer: int) -> Tensor:
    """[N, finer, rows, columns]: what a straight line to the neighbours says of thinner slices in the middle one."""
    middle = stacks.shape[1] // 2
    places = [(number + 0.5) / finer - 0.5 for number in range(finer)]
    made = []
    for place in places:
        other = middle + (1 if place > 0 else -1 if place < 0 else 0)
        made.append(stacks[:, middle] + abs(place) * (stacks[:, other] - stacks[:, middle]))
    return torch.stack(made, dim=1)


def stacks_of(volumes: Tensor, beside: int) -> Tensor:
    """Each slice of [N, slices, rows, columns] with its neighbours [N * slices, 2 * beside + 1, …]; where there is none
    the last one stands for it.
    """
    below, above = [volumes], [volumes]
    for _ in range(beside):
        below.insert(0, torch.cat([below[0][:, :1], below[0][:, :-1]], dim=1))
        above.append(torch.cat([above[-1][:, 1:], above[-1][:, -1:]], dim=1))
    return torch.stack([*below, *above[1:]], dim=2).flatten(0, 1)
