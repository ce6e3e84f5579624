"""Images that a network has learned on in, a measure of how unlike them any other image is out."""

from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_LEVELS = 3
_AXES_MOST = 64
_LEAST_SPREAD = 1e-4
_SHRUNK = 4


def description_of(images: Tensor, features: Tensor) -> Tensor:
    """[N, C, H, W] and a network's features of them [N, F, h, w] to [N, d]: intensities, detail, what is seen."""
    return torch.cat(
        [_intensities(images), _detail(images), features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1
    )


def _intensities(images: Tensor) -> Tensor:
    """Quantiles of each channel, of the image made smaller, as sorting takes time."""
    ordered = avg_pool2d(images, _SHRUNK).flatten(2).sort(dim=2).values
    places = (images.new_tensor(_QUANTILES) * (ordered.shape[2] - 1)).long()
    return ordered.index_select(2, places).flatten(1)


def _detail(images: Tensor) -> Tensor:
    """How much changes from pixel to pixel, at several coarsenesses: noise, sharpness, how large things are."""
    found = []
    for _ in range(_LEVELS):
        for step in (images[..., 1:, :] - images[..., :-1, :], images[..., :, 1:] - images[..., :, :-1]):
            found.append(torch.log(step.abs().mean(dim=(2, 3)) + _LEAST_SPREAD))
        images = avg_pool2d(images, 2)
    return torch.cat(found, dim=1)


class Strangeness(nn.Module):
    """Descriptions [N, d] to [N]: below 1 they are like those that were learned on, 1 is the bound.

    It is the distance in the deviations of the descriptions learned on: along their main axes, and off all of them.
    """

    def __init__(self, dimensions: int, axes: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(dimensions))
        self.register_buffer("spread", torch.ones(dimensions))
        self.register_buffer("axes", torch.zeros(dimensions, axes))
        self.register_buffer("along", torch.ones(axes))
        self.register_buffer("off", torch.ones(()))
        self.register_buffer("bound", torch.ones(()))

    @classmethod
    @torch.inference_mode(False)  # what it holds is exported, which tensors made in that mode can't be
    @torch.no_grad()
    def fitted(cls, learned: Tensor, bounding: Tensor, kept: float = 0.975) -> Self:
        """The share `kept` of `bounding`, images of the same kind that nothing was learned on, lies below the bound."""
        learned, bounding = learned.clone(), bounding.clone()
        found = cls(learned.shape[1], min(_AXES_MOST, learned.shape[1] // 2, len(learned) // 4))
        found.middle = learned.mean(dim=0)
        found.spread = learned.std(dim=0).clamp_min(_LEAST_SPREAD)
        scaled = (learned - found.middle) / found.spread
        _, deviations, axes = torch.linalg.svd(scaled, full_matrices=False)
        count = found._tensor("axes").shape[1]
        found.axes = axes[:count].T.contiguous()
        found.along = (deviations[:count] / len(learned) ** 0.5).clamp_min(_LEAST_SPREAD)
        rest = scaled - scaled @ found._tensor("axes") @ found._tensor("axes").T
        found.off = rest.square().sum(dim=1).mean().sqrt().clamp_min(_LEAST_SPREAD)
        found.bound = torch.quantile(found(bounding), kept)
        return found

    def widened(self, by: Tensor) -> Self:
        """With the bound so many times as far off."""
        self.bound = self._tensor("bound") * by
        return self

    def forward(self, descriptions: Tensor) -> Tensor:
        scaled = (descriptions - self._tensor("middle")) / self._tensor("spread")
        main = scaled @ self._tensor("axes")
        rest = scaled - main @ self._tensor("axes").T
        along = (main / self._tensor("along")).square().mean(dim=1)
        off = rest.square().sum(dim=1) / self._tensor("off").square()
        return torch.sqrt(along + off) / self._tensor("bound")

    def _tensor(self, name: str) -> Tensor:
        return cast(Tensor, getattr(self, name))
