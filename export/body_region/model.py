"""The network. Images of any unit go in, [N, 1, 128, 128]; that they are brought to one range is part of the graph."""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from export.body_region.settings import Settings
from export.phantoms.regions.region import REGIONS, ROWS

_LOWEST, _HIGHEST = 0.25, 0.99
_DROPPED = 0.1
_LOOKS_TWICE = 32  # channels


class Percentiles(nn.Module):
    """From the 25th to the 99th percentile of the image to -1 to 1.

    A quarter, because the corners around a round field of view may hold any value below that of air.
    """

    def forward(self, image: Tensor) -> Tensor:
        ordered = torch.sort(image.flatten(1), dim=1).values
        low, high = (ordered[:, round(share * (ROWS * ROWS - 1))] for share in (_LOWEST, _HIGHEST))
        span = (high - low).clamp_min(1e-6)
        scaled = (image - low[:, None, None, None]) / span[:, None, None, None]
        return scaled.clamp(0, 1) * 2 - 1


class RegionNet(nn.Module):
    """`forward` gives logits [N, regions]; `temperature`, fitted after the training, makes them honest."""

    temperature: Tensor

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.scale = Percentiles()
        self.features = nn.Sequential(
            _block(1, channels[0], 5), *(_block(before, after, 3) for before, after in pairwise(channels))
        )
        self.head = nn.Sequential(nn.Dropout(_DROPPED), nn.Linear(2 * channels[-1], len(REGIONS)))
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, image: Tensor) -> Tensor:
        features = self.features(self.scale(image))
        pooled = torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
        return cast(Tensor, self.head(pooled) / self.temperature)


def _block(before: int, after: int, width: int) -> nn.Module:
    """Halves the image; where little of it is left, it looks at it once more."""
    layers = [*_layer(before, after, width, 2), *(_layer(after, after, 3, 1) if after >= _LOOKS_TWICE else ())]
    return nn.Sequential(*layers)


def _layer(before: int, after: int, width: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(before, after, width, stride=stride, padding=width // 2, bias=False)
    return convolution, nn.BatchNorm2d(after), nn.ReLU()


def build_network(settings: Settings) -> RegionNet:
    return RegionNet(settings.channels)
