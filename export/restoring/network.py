"""A residual network: slices with their neighbours in, what is to be taken from the middle one out."""

from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn

DEPTH = 3
_BLOCK = 2  # of so many pixels along rows and columns the network sees all at one place


class Residual(nn.Module):
    """[N, 3, rows, columns] to [N, 1, rows, columns]; rows and columns are even.

    `dilations` has one for each layer between the first and the last.
    """

    def __init__(self, channels: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.blocks, self.pixels = nn.PixelUnshuffle(_BLOCK), nn.PixelShuffle(_BLOCK)
        self.first = Convolution(2, DEPTH * _BLOCK**2, channels, norm=None, act="RELU")
        self.layers = nn.Sequential(
            *(Convolution(2, channels, channels, dilation=dilation, norm="BATCH", act="RELU") for dilation in dilations)
        )
        self.last = Convolution(2, channels, _BLOCK**2, conv_only=True)
        for values in self.last.parameters():
            nn.init.zeros_(values)

    def see(self, stacks: Tensor) -> tuple[Tensor, Tensor]:
        """What is to be taken away, and the features that it comes from."""
        features = self.layers(self.first(self.blocks(stacks)))
        return self.pixels(self.last(features)), features

    def forward(self, stacks: Tensor) -> Tensor:
        return self.see(stacks)[0]


def stacks_of(volumes: Tensor) -> Tensor:
    """Each slice of [N, slices, rows, columns] with its neighbours [N * slices, 3, …]; at the ends it is its own."""
    before = torch.cat([volumes[:, :1], volumes[:, :-1]], dim=1)
    after = torch.cat([volumes[:, 1:], volumes[:, -1:]], dim=1)
    return torch.stack([before, volumes, after], dim=2).flatten(0, 1)
