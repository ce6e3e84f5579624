"""The other encoder: a U-Net whose way down is MONAI's DenseNet. [N, C, rows, columns] in, on the same grid out."""

from typing import cast

import torch
from monai.networks.blocks import Convolution
from monai.networks.nets import DenseNet
from torch import Tensor, nn

_GROWTH = 12
_LEAVES = ("relu0", "denseblock1", "denseblock2", "denseblock3", "relu5")
"""The encoder's parts that the decoder takes values from: at a half, a quarter, … of the rows."""


class DenseUNet(nn.Module):
    """`channels` are the decoder's, from fine to coarse, one for each halving; rows and columns are multiples of 32.

    What comes out is of either sign where it is `signed`, as a U-Net's is, else normalised and never negative.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        channels: tuple[int, ...],
        units_per_level: int,
        *,
        signed: bool = False,
    ) -> None:
        super().__init__()
        if len(channels) != len(_LEAVES):
            raise ValueError(f"The DenseNet halves {len(_LEAVES)} times; {len(channels)} channels were given.")
        encoder = DenseNet(
            spatial_dims=2,
            in_channels=in_channels,
            out_channels=1,
            init_features=channels[0],
            growth_rate=_GROWTH,
            block_config=(units_per_level,) * (len(channels) - 1),
        ).features
        encoder.add_module("relu5", nn.ReLU())
        self.encoder = encoder
        *left, coarse = _channels_left(channels[0], units_per_level)
        self.decoder = nn.ModuleList()
        for wide, beside in zip(reversed(channels[:-1]), reversed(left), strict=True):
            self.decoder.append(Convolution(2, coarse + beside, wide, norm="BATCH", act="RELU"))
            coarse = wide
        wide = coarse + in_channels
        self.last = Convolution(2, wide, out_channels, norm="BATCH", act="RELU", conv_only=signed)
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="nearest")

    def forward(self, images: Tensor) -> Tensor:
        left, values = [], images
        for name, part in self.encoder.named_children():
            values = part(values)
            if name in _LEAVES:
                left.append(values)
        coarse = left.pop()
        for block, beside in zip(self.decoder, reversed(left), strict=True):
            coarse = block(torch.cat([self.enlarge(coarse), beside], dim=1))
        return cast(Tensor, self.last(torch.cat([self.enlarge(coarse), images], dim=1)))


def _channels_left(first: int, units: int) -> list[int]:
    """After the first convolution and after each block; a transition between two blocks halves them."""
    left, wide = [first], first
    for _ in _LEAVES[1:]:
        wide += units * _GROWTH
        left.append(wide)
        wide //= 2
    return left
