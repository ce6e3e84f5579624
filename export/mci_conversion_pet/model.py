"""The network: a window around a head in, how probable Alzheimer's disease and a conversion are, and where from, out.

The head is found and turned upright. How many deviations it is away from healthy people at each place, how many more
than around it, and how many below the place across, is what the network looks at in larger cubes. What a regression
says of how far each of them is away from what lies around, and what the 3D network adds to that, are summed up, so a
map of the two is the very terms of the answer.
"""

from dataclasses import dataclass
from typing import cast

import torch
from monai.networks.blocks import Convolution
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d

from export.heads.aligning import HeadNetwork, Locator, Shape, halved, inverse, taken
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.grey import evened, level_of, smoothed
from export.mci_conversion_pet.settings import Settings
from export.strangeness import Strangeness, description_of

_COARSE = 4
_BRAIN, _MOST_OF_IT, _LEAST_BRAIN = 0.5, 0.4, 0.05
_FURTHEST = 8.0
_SLABS, _BLOCKS, _WHOLE = (4, 2, 2), 8, 16
LEARNED = slice(1, 2)
"""Of what `compared` says the part that the regression takes: how far a place is away from what lies around."""
_LOUD = 24.0
"""What the network says of one of hundreds of places is to be heard."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a deviation of each place adds to the logit of each answer, `weights` [N or 1, 2, …], whose sum begins at
    `offset` [N or 1, 2].
    """

    weights: Tensor
    offset: Tensor


class ConversionNet(HeadNetwork):
    """`usual` and `spread` are of healthy people's aligned heads, `weights` and `offset` what a regression has found,
    `scale` and `level` calibrate the logits of both answers; all are found by the training.
    """

    where: Tensor
    usual: Tensor
    spread: Tensor
    weights: Tensor
    offset: Tensor
    scale: Tensor
    level: Tensor

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.aligned = settings.aligned
        self.smooth, self.around = (each / settings.step_mm for each in (settings.smooth_mm, settings.around_mm))
        self.locator = Locator(settings.locating, settings.window, settings.aligned)
        coarse = tuple(length // _COARSE for length in settings.aligned)
        self.looking, before = nn.Sequential(), 6
        for wide in settings.judging:
            self.looking.append(Convolution(3, before, wide, norm="BATCH", act="RELU"))
            before = wide
        self.looking.append(nn.Dropout3d(settings.dropped))
        self.says = nn.Parameter(torch.zeros(1, len(ANSWERS), before, *coarse))  # of each place its own
        self.register_buffer("where", _where(coarse), persistent=False)
        self.register_buffer("usual", torch.ones(1, 1, *settings.aligned))
        self.register_buffer("spread", torch.ones(1, 1, *settings.aligned))
        self.register_buffer("weights", torch.zeros(1, len(ANSWERS), *coarse))
        self.register_buffer("offset", torch.zeros(1, len(ANSWERS)))
        self.register_buffer("scale", torch.ones(len(ANSWERS)))
        self.register_buffer("level", torch.zeros(len(ANSWERS)))

    def places(self, windows: Tensor) -> Tensor:
        return cast(Tensor, self.locator(halved(windows))[-1])

    def standard(self, seen: Tensor) -> Tensor:
        """Aligned heads as they are compared: the brain's mean is 1, and no scanner is sharper than another."""
        return smoothed(seen / level_of(seen), self.smooth)

    def deviations(self, heads: Tensor) -> Tensor:
        """Of standard heads from healthy people's; 0 beside the brain."""
        away = ((heads - self.usual) / self.spread).clamp(-_FURTHEST, _FURTHEST)
        return away * self.inside()

    def inside(self) -> Tensor:
        """1 in the brain [1, 1, …]."""
        return (self.usual > _BRAIN).to(self.usual.dtype)

    def compared(self, away: Tensor) -> Tensor:
        """Deviations as they are, less what they are around, and how far they are below the place across [N, 3, …]."""
        wide = smoothed(away, self.around) / smoothed(self.inside(), self.around).clamp_min(_LEAST_BRAIN)
        lower = (away - away.flip(-1)).clamp_max(0)  # and never above: evidence is to lie where something is amiss
        return torch.cat([away, (away - wide) * self.inside(), lower], dim=1)

    def regional(self, heads: Tensor) -> Tensor:
        """What `compared` says of larger cubes [N, 3, …]; 0 beside the brain."""
        return avg_pool3d(self.compared(self.deviations(heads)), _COARSE) * (self.shares() > 0)

    def activation(self, heads: Tensor, evidence: Evidence | None = None) -> Tensor:
        """[N, 2, …] on larger cubes, 0 beside the brain; its sum is the logit of each answer.

        By what the regression has found, or by other `evidence`.
        """
        known = evidence or Evidence(self.weights, self.offset)
        regional = self.regional(heads)
        seen = self.looking(torch.cat([regional, self.where.expand(heads.shape[0], -1, -1, -1, -1)], dim=1))
        added = _LOUD * (seen[:, None] * self.says).sum(dim=2) + known.offset[:, :, None, None, None]
        return cast(Tensor, known.weights * regional[:, LEARNED] + added * self.shares())

    def shares(self) -> Tensor:
        """Of each of the larger cubes in the whole brain [1, 1, …]; all together they are 1."""
        inside = (avg_pool3d(self.inside(), _COARSE) > _MOST_OF_IT).to(self.usual.dtype)
        return inside / inside.sum().clamp_min(1)

    def contributions(self, heads: Tensor) -> Tensor:
        """What each of the larger cubes adds to the calibrated logits, which are their sums [N, 2, …]."""
        scale, level = (each[None, :, None, None, None] for each in (self.scale, self.level))
        return self.activation(heads) * scale + level * self.shares()


def _where(coarse: tuple[int, ...]) -> Tensor:
    """[1, 3, …]: how high, how far to the back, and how far aside of the middle each cube lies, from -1 to 1."""
    z, y, x = torch.meshgrid(*(torch.linspace(-1, 1, length) for length in coarse), indexing="ij")
    return torch.stack([z, y, x.abs()])[None]


class Served(nn.Module):
    """As the node takes it, of windows [N, 1, slices, rows, columns] from 0 to 1.

    `probability` [N, 2] of both answers, `contribution` [N, 2, …] to them on the window's cubes, `strangeness` [N].
    """

    outputs = ("probability", "contribution", "strangeness")

    def __init__(self, network: ConversionNet, strangeness: Strangeness) -> None:
        super().__init__()
        self.network, self.strangeness = network, strangeness

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        even = evened(windows)
        place = self.network.places(even)
        seen = taken(even, place, self.network.aligned)
        added = self.network.contributions(self.network.standard(seen))
        shape: Shape = (windows.shape[2], windows.shape[3], windows.shape[4])
        back = taken(added, inverse(place), shape)
        probability = torch.sigmoid(added.sum(dim=(2, 3, 4)))
        return probability, back, self.strangeness(description(even, seen, place))


def description(windows: Tensor, seen: Tensor, place: Tensor) -> Tensor:
    """[N, d]: how bright and how detailed the aligned head is, what it looks like from afar, where it lies in what."""
    slabs = avg_pool3d(seen, _SLABS)[:, 0]
    coarse, whole = avg_pool3d(seen, _BLOCKS), avg_pool3d(windows, _WHOLE)
    return torch.cat([description_of(slabs, slabs), coarse.flatten(1), whole.flatten(1), place.flatten(1)], dim=1)
