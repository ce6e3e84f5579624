"""The network: patches of four series in, logits of the tumour's regions out."""

from typing import cast

import torch
from monai.networks.nets import UNet
from torch import Tensor, nn

from export.brain_tumour_mr import REGIONS, SERIES
from export.brain_tumour_mr.settings import Settings
from export.strangeness import Strangeness

_PRIOR_LOGIT = -4.0  # a tumour is some hundredths of a head
_HEAD = 8
_BRIGHTNESS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
_DIFFERENCES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
_SHRUNK, _PLACES, _LEAST = 4, 4, 1e-4


class TumourNet(nn.Module):
    """[N, 4, side, side, side], each series from 0 to 1, 0 where it is missing, to logits [N, 3, …]; a 3D U-Net."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.unet = UNet(
            spatial_dims=3,
            in_channels=len(SERIES),
            out_channels=_HEAD,
            channels=channels,
            strides=(2,) * (len(channels) - 1),
            num_res_units=1,
            norm=("INSTANCE", {"affine": True}),
            act="RELU",
        )
        self.head = nn.Conv3d(_HEAD, len(REGIONS), 1)
        nn.init.constant_(cast(Tensor, self.head.bias), _PRIOR_LOGIT)

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.head(self.unet(images)))


class Served(nn.Module):
    """As the node takes it: `probability` [N, 3, depth, rows, columns] of the regions, `strangeness` [N] of a patch."""

    outputs = ("probability", "strangeness")

    def __init__(self, network: TumourNet, strangeness: Strangeness) -> None:
        super().__init__()
        self.network, self.strangeness = network, strangeness

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sigmoid(self.network(images)), self.strangeness(description(images))


def description(images: Tensor) -> Tensor:
    """[N, 4, side, side, side] to [N, d], of the series that are always there.

    How bright each is, how it changes from place to place, how the two differ and go together, what lies where.
    """
    always = images[:, :2]
    coarse = nn.functional.avg_pool3d(always, _SHRUNK).flatten(2)
    first, second = coarse.unbind(dim=1)
    away = coarse - coarse.mean(dim=2, keepdim=True)
    size = away.square().mean(dim=2).sqrt().clamp_min(_LEAST)
    together = away.prod(dim=1).mean(dim=1) / size.prod(dim=1)
    changes = [
        (always.narrow(axis, 1, always.shape[axis] - 1) - always.narrow(axis, 0, always.shape[axis] - 1)).abs()
        for axis in (2, 3, 4)
    ]
    return torch.cat(
        [
            _quantiles(coarse, _BRIGHTNESS).flatten(1),
            _quantiles(first - second, _DIFFERENCES),
            together[:, None],
            *(torch.log(change.mean(dim=(2, 3, 4)) + _LEAST) for change in changes),
            nn.functional.avg_pool3d(always, always.shape[2] // _PLACES).flatten(1),
        ],
        dim=1,
    )


def _quantiles(values: Tensor, wanted: tuple[float, ...]) -> Tensor:
    """Along the last axis."""
    places = (values.new_tensor(wanted) * (values.shape[-1] - 1)).long()
    return values.sort(dim=-1).values.index_select(values.dim() - 1, places)


def build_network(settings: Settings) -> TumourNet:
    return TumourNet(settings.channels)
