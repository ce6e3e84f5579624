"""The networks. Slices in HU go in, [N, 1, rows, columns]; the clipping to what matters is part of the graph."""

from itertools import pairwise

import torch
from monai.networks.blocks import Convolution, ResidualUnit
from torch import Tensor, nn

from export.abdominal_muscle_ct import TISSUES
from export.abdominal_muscle_ct.settings import Settings
from export.half_resolution import HalfResolution, Windows, dense_unet, plain_unet

_WINDOWS_HU = ((-160.0, 240.0), (-1000.0, 1000.0))
_PRIOR_LOGIT = -2.5  # most pixels of a slice are none of the tissues
_OFFSET_UNIT_MM = 50.0
_SMALLEST_SIGMA_MM = 1.0


class TissueNet(HalfResolution):
    """`forward` gives logits [N, 3, rows, columns], one per tissue."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__(Windows(_WINDOWS_HU), len(_WINDOWS_HU), unet, len(TISSUES))
        nn.init.constant_(self.bias, _PRIOR_LOGIT)


class LevelNet(nn.Module):
    """Where a slice lies above mid L3: `forward` gives its offset and the offset's deviation, both [N] in mm.

    It looks at slices `shrink` times smaller than it is given: 1 while it is trained on slices shrunk beforehand.
    """

    def __init__(self, channels: tuple[int, ...], units_per_level: int, shrink: int = 1) -> None:
        super().__init__()
        self.shrink = nn.AvgPool2d(shrink)
        self.windows = Windows(_WINDOWS_HU)
        self.features = nn.Sequential(
            Convolution(2, len(_WINDOWS_HU), channels[0], strides=2, norm="BATCH", act="RELU"),
            *(
                ResidualUnit(2, before, after, strides=2, subunits=units_per_level, norm="BATCH", act="RELU")
                for before, after in pairwise(channels)
            ),
        )
        self.head = nn.Sequential(
            nn.Linear(2 * channels[-1], channels[-1]), nn.ReLU(), nn.Dropout(0.1), nn.Linear(channels[-1], 2)
        )

    def forward(self, hu: Tensor) -> tuple[Tensor, Tensor]:
        return self.judge(self.look(hu)[1])

    def look(self, hu: Tensor) -> tuple[Tensor, Tensor]:
        """The images as they are seen, [N, 2, rows, columns], and what is seen in them, [N, F, h, w]."""
        images = self.windows(self.shrink(hu))
        return images, self.features(images)

    def judge(self, features: Tensor) -> tuple[Tensor, Tensor]:
        pooled = torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)
        offset, spread = self.head(pooled).unbind(dim=1)
        sigma = nn.functional.softplus(spread)
        return offset * _OFFSET_UNIT_MM, sigma * _OFFSET_UNIT_MM + _SMALLEST_SIGMA_MM


def build_network(settings: Settings, level_shrink: int = 1) -> nn.Module:
    channels, units = settings.channels, settings.units_per_level
    match settings.network:
        case "tissue":
            return TissueNet(plain_unet(len(_WINDOWS_HU), channels, units))
        case "tissue-densenet":
            return TissueNet(dense_unet(len(_WINDOWS_HU), channels, units))
        case "level":
            return LevelNet(channels, units, level_shrink)
