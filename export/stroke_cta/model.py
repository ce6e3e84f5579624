"""The network: patches of a CT angiography in, logits of an infarct out, from two paths that are joined."""

from typing import cast

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn

from export.half_resolution import Windows
from export.strangeness import Strangeness
from export.stroke_cta import WINDOW_HU
from export.stroke_cta.settings import Settings

_BRAIN_HU, _VESSELS_HU = (0.0, 80.0), (0.0, 500.0)
_TISSUE_HU = (14.0, 62.0)
"""Where brain is, acutely infarcted or not: neither fluid nor vessels nor bone."""
_PRIOR_LOGIT = -4.0  # an infarct is some hundredths of a head
_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.98)


class Wide(nn.Module):
    """A U-Net as deep as it has `channels`, each level's cubes twice as large: as many channels as the first out."""

    def __init__(self, before: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for count in channels:
            self.down.append(nn.Sequential(_convolution(before, count), _convolution(count, count)))
            before = count
        for count in reversed(channels[:-1]):
            self.up.append(_convolution(before + count, count))
            before = count
        self.shrink = nn.MaxPool3d(2)
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="trilinear", align_corners=False)

    def forward(self, values: Tensor) -> Tensor:
        beside: list[Tensor] = []
        for level in self.down:
            values = level(self.shrink(values) if beside else values)
            beside.append(values)
        for level, left in zip(self.up, reversed(beside[:-1]), strict=True):
            values = level(torch.cat([left, self.enlarge(values)], dim=1))
        return values


class StrokeNet(nn.Module):
    """[N, 1, slices, rows, columns] from 0 to 1 (of `WINDOW_HU`) to logits of the same shape, which `pooled` divides
    as often as the coarse path halves it.

    The fine path draws borders. The coarse one sees what an infarct is found by, a few HU over a large part of the
    head: the mean of what is brain tissue in cubes of `pooled` voxels, in which there is less noise.
    What both say together begins as what the coarse one says.
    """

    def __init__(self, fine: tuple[int, ...], coarse: tuple[int, ...], pooled: int) -> None:
        super().__init__()
        self.windows = Windows((_shares(_BRAIN_HU), _shares(_VESSELS_HU)))
        self.pool = nn.AvgPool3d(pooled)
        self.fine = nn.Sequential()
        before = 2
        for channels in fine:
            self.fine.append(_convolution(before, channels))
            before = channels
        self.coarse = Wide(4, coarse)
        self.answer = nn.Conv3d(coarse[0], 1, 1)
        nn.init.constant_(cast(Tensor, self.answer.bias), _PRIOR_LOGIT)
        self.enlarge = nn.Upsample(scale_factor=float(pooled), mode="trilinear", align_corners=False)
        self.joined = Convolution(3, before + coarse[0], coarse[0], kernel_size=1, norm="BATCH", act="RELU")
        self.correction = nn.Conv3d(coarse[0], 1, 1)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(cast(Tensor, self.correction.bias))

    def forward(self, images: Tensor) -> Tensor:
        windows = self.windows(images)
        wide = self._wide(windows, images)
        joined = self.joined(torch.cat([self.fine(windows), self.enlarge(wide)], dim=1))
        return cast(Tensor, self.enlarge(self.answer(wide)) + self.correction(joined))

    def learn(self, *, afar: bool) -> None:
        """From afar the coarse path learns; near it stays as it is, and what corrects it learns."""
        self.train()
        self.coarse.train(afar)
        for part in (self.coarse, self.answer):
            part.requires_grad_(afar)

    def from_afar(self, images: Tensor) -> Tensor:
        """What the coarse path says by itself of each of its cubes."""
        return cast(Tensor, self.answer(self._wide(self.windows(images), images)))

    def _wide(self, windows: Tensor, images: Tensor) -> Tensor:
        return cast(Tensor, self.coarse(torch.cat([self.pool(windows), self._tissue(images)], dim=1)))

    def _tissue(self, images: Tensor) -> Tensor:
        """Of each cube the mean of its brain tissue from -1 to 1, 0 where there is none, and how much there is."""
        low, high = _shares(_TISSUE_HU)
        brain = ((images > low) & (images < high)).to(images.dtype)
        share = self.pool(brain)
        mean = self.pool(brain * (images - (low + high) / 2)) / share.clamp_min(0.02)
        return torch.cat([mean / ((high - low) / 4), share], dim=1)


def _convolution(before: int, after: int) -> nn.Module:
    made: nn.Module = Convolution(3, before, after, norm="BATCH", act="RELU")
    return made


def _shares(window_hu: tuple[float, float]) -> tuple[float, float]:
    low, high = WINDOW_HU
    return (window_hu[0] - low) / (high - low), (window_hu[1] - low) / (high - low)


class Served(nn.Module):
    """As the node takes it: `probability` [N, 1, depth, rows, columns], and `strangeness` [N] of a patch."""

    outputs = ("probability", "strangeness")

    def __init__(self, network: StrokeNet, strangeness: Strangeness) -> None:
        super().__init__()
        self.network, self.strangeness = network, strangeness

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sigmoid(self.network(images)), self.strangeness(description(self.network.windows(images)))


def description(windows: Tensor) -> Tensor:
    """[N, 2, …] to [N, d]: how bright what is seen is, and how it changes from place to place."""
    ordered = nn.functional.avg_pool3d(windows, 4).flatten(2).sort(dim=2).values
    places = (windows.new_tensor(_QUANTILES) * (ordered.shape[2] - 1)).long()
    found = [ordered.index_select(2, places).flatten(1)]
    for axis in (2, 3, 4):
        length = windows.shape[axis] - 1
        change = (windows.narrow(axis, 1, length) - windows.narrow(axis, 0, length)).abs()
        found.append(torch.log(change.mean(dim=(2, 3, 4)) + 1e-4))
    return torch.cat(found, dim=1)


def build_network(settings: Settings) -> StrokeNet:
    return StrokeNet(settings.fine, settings.coarse, settings.pooled)
