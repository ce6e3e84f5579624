"""A U-Net at half the resolution, and a head that draws the edges on the slice itself: twice as fast on a CPU."""

from typing import cast

import torch
from monai.networks.nets import UNet
from torch import Tensor, nn

from export.dense import DenseUNet

HEAD_CHANNELS = 8


class Windows(nn.Module):
    """HU [N, C, rows, columns] to C channels for each window in turn, each in [-1, 1]."""

    def __init__(self, windows_hu: tuple[tuple[float, float], ...]) -> None:
        super().__init__()
        self.windows_hu = windows_hu

    def forward(self, hu: Tensor) -> Tensor:
        channels = [(hu.clamp(low, high) - (low + high) / 2) / ((high - low) / 2) for low, high in self.windows_hu]
        return torch.cat(channels, dim=1)


class HalfResolution(nn.Module):
    """`forward` gives logits [N, outputs, rows, columns]; rows and columns are multiples of 32, with a DenseNet of 64.

    `unet` gives `HEAD_CHANNELS` of the `channels` that `windows` makes.
    """

    def __init__(self, windows: nn.Module, channels: int, unet: nn.Module, outputs: int) -> None:
        super().__init__()
        self.windows = windows
        self.shrink = nn.AvgPool2d(2)
        self.unet = unet
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.head = nn.Sequential(
            nn.Conv2d(HEAD_CHANNELS + channels, HEAD_CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(HEAD_CHANNELS, outputs, 3, padding=1),
        )

    @property
    def bias(self) -> Tensor:
        """Of the outputs: what they begin with."""
        return cast(Tensor, self.head[2].bias)

    def forward(self, hu: Tensor) -> Tensor:
        windows = self.windows(hu)
        return self.drawn(self.unet(self.shrink(windows)), windows)

    def drawn(self, context: Tensor, windows: Tensor) -> Tensor:
        return cast(Tensor, self.head(torch.cat([self.enlarge(context), windows], dim=1)))


def plain_unet(in_channels: int, channels: tuple[int, ...], units_per_level: int) -> nn.Module:
    made: nn.Module = UNet(
        spatial_dims=2,
        in_channels=in_channels,
        out_channels=HEAD_CHANNELS,
        channels=channels,
        strides=(2,) * (len(channels) - 1),
        num_res_units=units_per_level,
        norm="BATCH",
        act="RELU",
    )
    return made


def dense_unet(in_channels: int, channels: tuple[int, ...], units_per_level: int, *, signed: bool = False) -> nn.Module:
    """The other encoder."""
    return DenseUNet(in_channels, HEAD_CHANNELS, channels, units_per_level, signed=signed)
