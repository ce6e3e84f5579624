"""The network: numbers of a region go in [N, d], the probability of each grade and how strange they are come out."""

from typing import cast

import torch
from torch import Tensor, nn

from export.liver_steatosis_us.settings import USED, Settings
from export.phantoms.ultrasound.liver import GRADES
from export.strangeness import Strangeness

LEAST_SPREAD = 1e-6


class GradeNet(nn.Module):
    """Ten hidden units, as MATLAB's pattern network has them; `forward` gives logits [N, grades].

    It takes the four numbers of the texture and nothing of what stands behind them.
    """

    middle: Tensor
    spread: Tensor
    temperature: Tensor

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(USED))
        self.register_buffer("spread", torch.ones(USED))
        self.register_buffer("temperature", torch.ones(()))
        self.layers = nn.Sequential(nn.Linear(USED, hidden), nn.Tanh(), nn.Linear(hidden, len(GRADES)))

    def fit_scale(self, numbers: Tensor) -> None:
        used = numbers[:, :USED]
        self.middle.copy_(used.mean(dim=0))
        self.spread.copy_(used.std(dim=0).clamp_min(LEAST_SPREAD))

    def forward(self, numbers: Tensor) -> Tensor:
        scaled = (numbers[:, :USED] - self.middle) / self.spread
        return cast(Tensor, self.layers(scaled) / self.temperature)


class Served(nn.Module):
    """What the node asks: probabilities [N, grades], strangeness [N]."""

    def __init__(self, network: GradeNet, strangeness: Strangeness) -> None:
        super().__init__()
        self.network = network
        self.strangeness = strangeness

    def forward(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        return torch.softmax(self.network(numbers), dim=1), cast(Tensor, self.strangeness(numbers))


def build_network(settings: Settings) -> GradeNet:
    return GradeNet(settings.hidden)
