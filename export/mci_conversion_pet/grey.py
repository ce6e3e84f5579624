"""How bright a series is shown to the network, and how that finds out how bright the brain in it is.

What a hospital stores may be in Bq/ml, in SUV or in counts, and differs from patient to patient by more than any
disease changes; so nothing is taken from it but how bright places are beside one another.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv3d

from export.heads.window import Floats, between
from export.mci_conversion_pet import SCALED

_OVER = (2, 3, 4)
_ROUNDS = 6
_LEAST = 1e-6
_TO_SIGMA = 1 / 2.355


def shown(values: Floats) -> Floats:
    """From 0 to 1, as the card asks the node to."""
    return between(values, *SCALED)


def level_of(volumes: Tensor) -> Tensor:
    """[N, 1, …] to [N, 1, 1, 1, 1]: the mean of what is brighter than half of it, which is the brain's own."""
    level = volumes.mean(dim=_OVER, keepdim=True)
    for _ in range(_ROUNDS):
        bright = (volumes > 0.5 * level).to(volumes.dtype)
        level = (volumes * bright).sum(dim=_OVER, keepdim=True) / bright.sum(dim=_OVER, keepdim=True).clamp_min(1)
    return level.clamp_min(_LEAST)


def evened(windows: Tensor) -> Tensor:
    """Windows from 0 to 1 in which the brain is about a half, whatever else is bright in them."""
    return (windows / (2 * level_of(windows))).clamp(0, 1)


def smoothed(volumes: Tensor, fwhm_cubes: float) -> Tensor:
    """[N, 1, …] by a Gaussian as wide, along all three axes; 0 beyond them."""
    sigma = max(fwhm_cubes * _TO_SIGMA, _LEAST)
    reach = max(round(3 * sigma), 1)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=volumes.device) / sigma) ** 2)
    for axis in range(3):
        shape, around = [1, 1, 1, 1, 1], [0, 0, 0]
        shape[2 + axis], around[axis] = 2 * reach + 1, reach
        volumes = conv3d(volumes, (weights / weights.sum()).reshape(shape), padding=tuple(around))
    return volumes
