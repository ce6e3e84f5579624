"""The three networks. Pixels, bright is more, go in, [N, 1, rows, columns]; their scaling is part of the graph."""

from itertools import pairwise
from typing import cast

import torch
from monai.networks.blocks import Convolution
from monai.networks.layers.simplelayers import SkipConnection
from monai.networks.nets import UNet
from torch import Tensor, nn
from torch.nn import functional

from export.breast_mass_mg.settings import Settings

_STEPS = 8  # of the levels that grey values are brought to
_HALVED = 32  # a side that halves five times
PRIOR_LOGIT = -2.0
_AIR_SHARE = 0.12
"""Of the range from the darkest to the brightest: what lies below is no breast."""


class Levels(nn.Module):
    """Grey values to 0 to 1 by the levels that an eighth of the region each lies between.

    Whatever curve a detector or its processing bent them by, the same levels come out: raw exposures and finished
    images look alike. That is the paper's window from 12 to 8 bits, chosen by each region itself.
    """

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.last = pixels - 1

    def forward(self, image: Tensor) -> Tensor:
        ordered = torch.sort(image.flatten(1), dim=1).values
        last = self.last
        edges = [ordered[:, round((0.005 + 0.99 * step / _STEPS) * last)] for step in range(_STEPS + 1)]
        return between(image, torch.stack(edges, dim=1))


class BreastLevels(nn.Module):
    """The same of a whole image, by the levels of the breast alone; air becomes 0."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.last = pixels - 1

    def forward(self, image: Tensor) -> Tensor:
        return between(image, self.edges(image))

    def edges(self, image: Tensor) -> Tensor:
        """What the levels lie between, [N, 9], by which another image of the same breast can be seen, too."""
        ordered = torch.sort(image.flatten(1), dim=1).values
        last = self.last
        dark, light = ordered[:, round(0.01 * last)], ordered[:, round(0.985 * last)]
        skin = dark + _AIR_SHARE * (light - dark)
        air = (ordered <= skin[:, None]).sum(dim=1, keepdim=True).to(image.dtype)
        shares = torch.arange(_STEPS + 1, dtype=image.dtype, device=image.device)[None] / _STEPS * 0.99 + 0.005
        places = (air + shares * (last - air)).round().clamp(0, last).long()
        return torch.gather(ordered, 1, places)


def between(image: Tensor, edges: Tensor) -> Tensor:
    scaled = torch.zeros_like(image)
    for step in range(_STEPS):
        low, high = edges[:, step, None, None, None], edges[:, step + 1, None, None, None]
        scaled = scaled + ((image - low) / (high - low).clamp_min(1e-3)).clamp(0, 1)
    return scaled / _STEPS


class Unpool(nn.Module):
    """Puts each value back where the largest of its four was, and 0 beside it.

    By comparing places and not by scattering: as a graph it takes batches of any size, and it is the same function.
    `rows` and `columns` are those of what comes out.
    """

    own: Tensor

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__()
        places = torch.arange(rows * columns, dtype=torch.float32).reshape(1, 1, rows, columns)
        self.register_buffer("own", places, persistent=False)

    def forward(self, values: Tensor, places: Tensor) -> Tensor:
        grown = functional.interpolate(values, scale_factor=2.0, mode="nearest")
        wanted = functional.interpolate(places.to(values.dtype), scale_factor=2.0, mode="nearest")
        return grown * (wanted == self.own)


class DeconvolutionNet(nn.Module):
    """Convolutions and pooling down, unpooling by remembered positions and convolutions up; no other way across.

    150 does not halve five times, so the edge is repeated 5 pixels around. `forward` gives logits [N, 1, rows,
    columns].
    """

    downwards: Tensor
    across: Tensor

    def __init__(self, channels: tuple[int, ...], rows: int, columns: int) -> None:
        super().__init__()
        self.levels = Levels(rows * columns)
        beyond = (-rows % _HALVED, -columns % _HALVED)
        top, left = beyond[0] // 2, beyond[1] // 2
        for name, first, length in (("downwards", top, rows), ("across", left, columns)):
            padded = length + beyond[name == "across"]
            self.register_buffer(name, (torch.arange(padded) - first).clamp(0, length - 1), persistent=False)
        self.window = (slice(top, top + rows), slice(left, left + columns))
        pairs = tuple(pairwise(channels))
        self.down = nn.ModuleList([_conv(1, channels[0]), *(_two(a, b, b) for a, b in pairs)])
        self.pool = nn.MaxPool2d(2, return_indices=True)
        sides = [(rows + beyond[0]) >> step for step in range(len(channels))]
        lengths = [(columns + beyond[1]) >> step for step in range(len(channels))]
        self.unpool = nn.ModuleList(Unpool(*each) for each in zip(sides, lengths, strict=True))
        self.middle = _two(channels[-1], channels[-1], channels[-1])
        self.up = nn.ModuleList([_conv(channels[0], channels[0]), *(_two(b, b, a) for a, b in pairs)])
        self.head = nn.Conv2d(channels[0], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = (self.levels(image) * 2 - 1).index_select(2, self.downwards).index_select(3, self.across)
        remembered = []
        for block in self.down:
            x, places = self.pool(block(x))
            remembered.append(places)
        x = self.middle(x)
        for block, unpool, places in zip(reversed(self.up), reversed(self.unpool), reversed(remembered), strict=True):
            x = block(unpool(x, places))
        return cast(Tensor, self.head(x)[(..., *self.window)])


class RegionUNet(nn.Module):
    """`forward` gives logits [N, 1, rows, columns]."""

    def __init__(self, channels: tuple[int, ...], rows: int, columns: int) -> None:
        super().__init__()
        self.levels = Levels(rows * columns)
        self.unet = unet(1, channels)

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.unet(self.levels(image) * 2 - 1))


class Finder(nn.Module):
    """A U-Net on the whole image, block by block of 2x2 pixels: `forward` gives logits [N, 1, rows/2, columns/2].

    `peak_scale` and `peak_shift`, fitted after the training, make an honest probability of the image of its peak;
    candidates are told on the same scale.
    """

    peak_scale: Tensor
    peak_shift: Tensor

    def __init__(self, channels: tuple[int, ...], rows: int, columns: int) -> None:
        super().__init__()
        self.levels = BreastLevels(rows * columns)
        self.blocks = nn.PixelUnshuffle(2)
        self.unet = unet(4, channels)
        self.deepest = channels[-1]
        self.register_buffer("peak_scale", torch.ones(()))
        self.register_buffer("peak_shift", torch.zeros(()))

    def forward(self, image: Tensor) -> Tensor:
        return self.of_levels(self.levels(image))

    def of_levels(self, levels: Tensor) -> Tensor:
        """The same of an image, or a part of one, whose levels are there already."""
        return cast(Tensor, self.unet(self.blocks(levels * 2 - 1))) + PRIOR_LOGIT

    def agreed(self, logits: Tensor) -> Tensor:
        """The means of a few pixels, so that one alone does not decide."""
        return functional.avg_pool2d(logits, 3, stride=1, padding=1, count_include_pad=False)

    def candidates(self, logits: Tensor) -> Tensor:
        """The highest of them is how likely the image shows a mass."""
        return torch.sigmoid(self.agreed(logits) * self.peak_scale + self.peak_shift)

    def features(self, image: Tensor) -> Tensor:
        """What the first half of the network made of the image, [N, F, h, w]."""
        x = self.blocks(self.levels(image) * 2 - 1)
        below = self.unet.model
        while isinstance(below, nn.Sequential) and len(below) > 1:
            x = below[0](x)
            inner = cast(SkipConnection, below[1]).submodule
            if not isinstance(inner, nn.Sequential):
                return cast(Tensor, inner(x))
            below = inner
        return cast(Tensor, x)


def _conv(before: int, after: int) -> nn.Module:
    return cast(nn.Module, Convolution(2, before, after, kernel_size=3, norm="BATCH", act="RELU", bias=False))


def _two(before: int, between: int, after: int) -> nn.Module:
    return nn.Sequential(_conv(before, between), _conv(between, after))


def unet(seen: int, channels: tuple[int, ...], answers: int = 1) -> UNet:
    return UNet(
        spatial_dims=2, in_channels=seen, out_channels=answers, channels=channels, strides=(2,) * (len(channels) - 1),
        num_res_units=2, norm="BATCH", act="RELU",
    )  # fmt: skip


def build_network(settings: Settings) -> Finder | DeconvolutionNet | RegionUNet:
    of = (settings.channels, settings.rows, settings.columns)
    match settings.network:
        case "find":
            return Finder(*of)
        case "deconvolution":
            return DeconvolutionNet(*of)
        case "unet":
            return RegionUNet(*of)
