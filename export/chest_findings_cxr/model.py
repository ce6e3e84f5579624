"""The networks: images of any unit in, [N, 1, rows, rows]; findings with their activation maps, and how the image lies.

`Served` is what the node asks: it brings the image to one range, turns it upright, judges it, and turns the maps back.
"""

from itertools import pairwise
from typing import cast

import torch
from monai.networks.nets import DenseNet121
from torch import Tensor, nn

from export.chest_findings_cxr.settings import Settings
from export.phantoms.chest import FINDINGS
from export.strangeness import Strangeness, description_of

LOWEST, HIGHEST = 0.02, 0.99
_SHARPNESS = 2.0
_WIDTHS = (8, 16, 32, 32)
"""Of the four blocks, in units of the growth."""
_STEPS = ("denseblock1", "denseblock2", "denseblock3")
TURNS = 4


class Percentiles(nn.Module):
    """From the 2nd to the 99th percentile of the image to -1 to 1, so that an inverted image is the negative."""

    def forward(self, image: Tensor) -> Tensor:
        ordered = torch.sort(image[:, :, ::2, ::2].flatten(1), dim=1).values
        places = (image.new_tensor((LOWEST, HIGHEST)) * (ordered.shape[1] - 1)).long()
        low, high = ordered.index_select(1, places).unbind(1)
        span = (high - low).clamp_min(1e-6)
        return ((image - low[:, None, None, None]) / span[:, None, None, None]).clamp(0, 1) * 2 - 1


class Posture(nn.Module):
    """How the image lies: [N, 6] logits of four quarter turns, of being inverted, and of being a frontal chest."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        widths = (1, 12, 24, 48, 64)
        self.features = nn.Sequential(nn.AvgPool2d(2), *(_block(before, after) for before, after in pairwise(widths)))
        # Quarters of the image are pooled apart: where things lie is what is asked.
        left = rows // 32
        self.quarters = nn.AvgPool2d(left // 2 + left % 2, left // 2)
        self.head = nn.Linear(widths[-1] * 4, TURNS + 2)

    def forward(self, image: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.quarters(self.features(image)).flatten(1)))


def _block(before: int, after: int) -> nn.Module:
    convolution = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


class ChestNet(nn.Module):
    """DenseNet121, and over its four blocks a pyramid that draws one map a finding at a quarter of the resolution.

    The map says of each place how much it speaks for the finding; the logit is their soft maximum, scaled and shifted
    so that it is calibrated. A single map at the last block would be too coarse for a nodule.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, growth: int, pyramid: int) -> None:
        super().__init__()
        network = DenseNet121(
            spatial_dims=2, in_channels=1, out_channels=1, init_features=2 * growth, growth_rate=growth
        )
        self.trunk = network.features
        widths = [each * growth for each in _WIDTHS]
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[:3])
        self.laterals = nn.ModuleList(nn.Conv2d(width, pyramid, 1) for width in widths)
        self.draw = nn.Sequential(
            nn.BatchNorm2d(pyramid), nn.ReLU(), nn.Conv2d(pyramid, pyramid, 3, padding=1, bias=False),
            nn.BatchNorm2d(pyramid), nn.ReLU(), nn.Conv2d(pyramid, len(FINDINGS), 1),
        )  # fmt: skip
        self.gain = nn.Parameter(torch.ones(len(FINDINGS)))
        self.bias = nn.Parameter(torch.full((len(FINDINGS),), 1.0))
        self.register_buffer("scale", torch.ones(len(FINDINGS)))
        self.register_buffer("shift", torch.zeros(len(FINDINGS)))
        nn.init.constant_(cast(nn.Conv2d, self.draw[-1]).bias, -3.0)  # type: ignore[arg-type]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [N, findings] and maps [N, findings, rows / 4, rows / 4]."""
        maps = self.maps(image)[0]
        return self.logits(maps), maps

    def logits(self, maps: Tensor) -> Tensor:
        flat = maps.flatten(2) * _SHARPNESS
        most = flat.amax(dim=2, keepdim=True)
        pooled = (most + (flat - most).exp().mean(dim=2, keepdim=True).log())[:, :, 0] / _SHARPNESS
        return (pooled * self.gain + self.bias) * self.scale + self.shift

    def maps(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """And the features of the last block [N, 32 growths, rows / 32, rows / 32]."""
        levels: list[Tensor] = []
        features = image
        for name, layer in self.trunk.named_children():
            features = layer(features)
            if name in _STEPS:
                levels.append(torch.relu(self.norms[len(levels)](features)))
        last = torch.relu(features)
        drawn = self.laterals[-1](last)
        for lateral, level in zip(reversed(self.laterals[:-1]), reversed(levels), strict=True):
            drawn = nn.functional.interpolate(drawn, scale_factor=2.0, mode="nearest") + lateral(level)
        return self.draw(drawn), last


def turned(images: Tensor, quarters: int) -> Tensor:
    """By so many quarter turns against the clock."""
    if quarters % TURNS == 0:
        return images
    if quarters % TURNS == 2:
        return images.flip(2).flip(3)
    swapped = images.transpose(2, 3)
    return swapped.flip(2) if quarters % TURNS == 1 else swapped.flip(3)


def chosen(of_each: list[Tensor], choice: Tensor) -> Tensor:
    """Of several tensors for each image the one that is chosen [N, len(of_each)], one of them being 1."""
    return torch.stack([each * choice[:, number, None, None, None] for number, each in enumerate(of_each)]).sum(0)


class Judge(nn.Module):
    """Both networks as they are trained side by side."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.scaled = Percentiles()
        self.posture = Posture(settings.rows)
        self.chest = ChestNet(settings.growth, settings.pyramid)


def build_network(settings: Settings) -> Judge:
    return Judge(settings)


class Served(nn.Module):
    """As the node takes it. Images [N, 1, rows, rows] of any unit in, lying in any way, and for each of them out:

    the probability of each finding, its activation map, how strange the image is (1 is the bound), whether it is a
    frontal chest (0 to 1), how many quarter turns put it upright, and whether it was inverted (0 or 1).
    """

    def __init__(self, network: Judge, strangeness: Strangeness) -> None:
        super().__init__()
        self.network, self.strangeness = network, strangeness

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        scaled = self.network.scaled(image)
        posture = self.network.posture(scaled)
        quarters, inverted = posture[:, :TURNS], (posture[:, TURNS] > 0).float()
        choice = (quarters == quarters.amax(dim=1, keepdim=True)).float()
        upright = chosen([turned(scaled, number) for number in range(TURNS)], choice)
        upright = upright * (1 - 2 * inverted)[:, None, None, None]
        maps, features = self.network.chest.maps(upright)
        probability = torch.sigmoid(self.network.chest.logits(maps))
        activation = chosen([turned(maps, -number) for number in range(TURNS)], choice)
        strangeness = self.strangeness(description_of(upright, features))
        turns = (choice * torch.arange(TURNS, dtype=choice.dtype)).sum(1)
        return probability, activation, strangeness, torch.sigmoid(posture[:, TURNS + 1]), turns, inverted
