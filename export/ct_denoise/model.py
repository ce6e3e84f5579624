"""The network: slices of a low-dose CT with their neighbours in, the same with less noise out, all in HU."""

import torch
from torch import Tensor, nn

from export.ct_denoise.settings import Settings
from export.restoring.network import DEPTH, Residual, stacks_of
from export.strangeness import Strangeness, description_of

_LOWEST_HU, _HIGHEST_HU, _SCALE_HU = -1024.0, 1500.0, 500.0
_MIDDLE = DEPTH // 2


class DenoiseNet(nn.Module):
    """HU [N, 3, rows, columns] to HU [N, 1, rows, columns] of the middle slice.

    What is denser than bone goes through as it is but for what its surroundings say of its noise.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.residual = Residual(settings.channels, settings.dilations)

    def see(self, hu: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The slice without its noise, the windowed slices, and what the network makes of them."""
        windowed = hu.clamp(_LOWEST_HU, _HIGHEST_HU) / _SCALE_HU
        noise, features = self.residual.see(windowed)
        return hu[:, _MIDDLE : _MIDDLE + 1] - noise * _SCALE_HU, windowed, features

    def forward(self, hu: Tensor) -> Tensor:
        return self.see(hu)[0]


class Served(nn.Module):
    """As the node takes it: patches of a volume [N, 1, slices, rows, columns] to the same with less noise.

    `strangeness` [N] is the mean over the slices of a patch.
    """

    outputs = ("denoised", "strangeness")

    def __init__(self, network: DenoiseNet, strangeness: Strangeness) -> None:
        super().__init__()
        self.network, self.strangeness = network, strangeness

    def forward(self, volume: Tensor) -> tuple[Tensor, Tensor]:
        slices = volume[:, 0]
        denoised, windowed, features = self.network.see(stacks_of(slices))
        strange = self.strangeness(description(windowed, features))
        return denoised.reshape(volume.shape), strange.reshape(slices.shape[:2]).mean(dim=1)


def description(windowed: Tensor, features: Tensor) -> Tensor:
    """Of the middle slice."""
    return description_of(windowed[:, _MIDDLE : _MIDDLE + 1], features)


def loss_of(found: Tensor, good: Tensor) -> Tensor:
    return torch.nn.functional.mse_loss(found / _SCALE_HU, good / _SCALE_HU)
