"""A critic tells good images from those that a network made; what it says of these, the network learns from.

The critic's answers lie as far apart as the two kinds of images do (Wasserstein), which a penalty on its slope sees to.
"""

from collections.abc import Mapping
from typing import Any

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn

from export.restoring.settings import Adversarial

_CHANNELS = (16, 32, 64, 64)
_LEAKING = ("LEAKYRELU", {"negative_slope": 0.2})
_PENALTY = 10.0
_BETAS = (0.5, 0.9)


class Critic(nn.Module):
    """Images [N, slices, rows, columns] to [N]: more is better. It judges place by place, and means all of them."""

    def __init__(self, slices: int = 1) -> None:
        super().__init__()
        before, layers = slices, nn.Sequential()
        for wide in _CHANNELS:
            layers.append(
                Convolution(2, before, wide, strides=2, norm=None, act=("LEAKYRELU", {"negative_slope": 0.2}))
            )
            before = wide
        layers.append(nn.Conv2d(before, 1, 1))
        self.layers = layers

    def forward(self, images: Tensor) -> Tensor:
        said: Tensor = self.layers(images)
        return said.mean(dim=(1, 2, 3))


class Rival:
    """The critic with its own training."""

    def __init__(self, settings: Adversarial, seed: int, device: torch.device, slices: int = 1) -> None:
        self.settings, self.seed, self.device = settings, seed, device
        self.critic = Critic(slices).to(device)
        self.optimiser = torch.optim.Adam(self.critic.parameters(), settings.learning_rate, betas=_BETAS)

    def state(self) -> dict[str, Any]:
        return {"critic": self.critic.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load(self, state: Mapping[str, Any]) -> None:
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])

    def learn(self, made: Tensor, good: Tensor, iteration: int) -> float:
        """Gives how far apart it puts the two."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + iteration)
        apart = 0.0
        for _ in range(self.settings.steps):
            self.optimiser.zero_grad()
            distance = self.critic(good).mean() - self.critic(made).mean()
            loss = _PENALTY * self._slope(made, good, generator) - distance
            torch.autograd.backward(loss)
            self.optimiser.step()
            apart = float(distance.item())
        return apart

    def _slope(self, made: Tensor, good: Tensor, generator: torch.Generator) -> Tensor:
        """How far it is from 1 between the two."""
        share = torch.rand((len(good), 1, 1, 1), generator=generator).to(self.device)
        between = (good + share * (made - good)).requires_grad_()
        [slope] = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)
        lengths: Tensor = slope.flatten(1).square().sum(dim=1).sqrt()
        return (lengths - 1).square().mean()

    def against(self, made: Tensor) -> Tensor:
        """What is to be made small by who made them."""
        said: Tensor = self.critic(made)
        return -self.settings.weight * said.mean()
