"""The network: numbers of a region go in [N, d], the probability of each grade and how strange they are come out."""

from collections.abc import Iterable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from export.liver_steatosis_us.settings import USED, Settings
from export.phantoms.ultrasound.liver import GRADES
from export.strangeness import Strangeness

LEAST_SPREAD, LEAST_NUMBER = 1e-6, 0.01


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


def by_factors(numbers: Tensor) -> Tensor:
    """The numbers of the texture are as far apart as one is a multiple of the other."""
    return torch.cat([torch.log(numbers[:, :USED].clamp_min(LEAST_NUMBER)), numbers[:, USED:]], dim=1)


class GradedStrangeness(nn.Module):
    """Numbers [N, d] to [N]: how unlike they are to what is usual in the grade that they are most like; 1 is the bound.

    Of all grades together hardly a number is unusual, as what one of them lacks is common in another. All numbers
    together may be strange, or the one that is furthest off: many usual ones don't make up for it.
    """

    bounds: Tensor

    def __init__(self, parts: Iterable[Strangeness]) -> None:
        super().__init__()
        self.of_grade = nn.ModuleList(parts)
        self.register_buffer("bounds", torch.ones(2))

    @classmethod
    @torch.no_grad()
    def fitted(cls, learned: Tensor, grades: Tensor, bounding: Tensor, kept: float) -> "GradedStrangeness":
        """The share `kept` of `bounding` lies below each of both bounds."""
        scaled = by_factors(learned)
        parts = [scaled[grades == grade] for grade in range(len(GRADES))]
        found = cls(Strangeness.fitted(part, part) for part in parts)
        found.bounds.copy_(torch.quantile(found._apart(bounding).amin(dim=2), kept, dim=1))
        return found

    @classmethod
    def loaded(cls, state: Mapping[str, Tensor]) -> "GradedStrangeness":
        found = cls(Strangeness(*state[f"of_grade.{grade}.axes"].shape) for grade in range(len(GRADES)))
        found.load_state_dict(state)
        return found

    def forward(self, numbers: Tensor) -> Tensor:
        return (self._apart(numbers) / self.bounds[:, None, None]).amax(dim=0).amin(dim=1)

    def _apart(self, numbers: Tensor) -> Tensor:
        """[2, N, grades]: by all numbers together, and by the one that is furthest off."""
        scaled = by_factors(numbers)
        together = torch.stack([of(scaled) for of in self.of_grade], dim=1)
        furthest = torch.stack([_furthest(cast(Strangeness, of), scaled) for of in self.of_grade], dim=1)
        return torch.stack([together, furthest])


def _furthest(of: Strangeness, scaled: Tensor) -> Tensor:
    middle, spread = cast(Tensor, of.middle), cast(Tensor, of.spread)
    return ((scaled - middle) / spread).abs().amax(dim=1)


class Served(nn.Module):
    """What the node asks: probabilities [N, grades], strangeness [N]."""

    def __init__(self, network: GradeNet, strangeness: GradedStrangeness) -> None:
        super().__init__()
        self.network = network
        self.strangeness = strangeness

    def forward(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        return torch.softmax(self.network(numbers), dim=1), cast(Tensor, self.strangeness(numbers))


def build_network(settings: Settings) -> GradeNet:
    return GradeNet(settings.hidden)
