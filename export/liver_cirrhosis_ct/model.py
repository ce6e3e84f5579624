"""The network: slices in HU and clinical values in, logits of cirrhosis with and without them, and a liver map out."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from export.classifier import Classifier
from export.liver_cirrhosis_ct import SIGNS, VALUES
from export.strangeness import Strangeness, description_of

# The first is the paper's, 150 wide around 30; enhanced livers reach beyond it, so the second is wider.
_WINDOWS_HU = ((-45.0, 105.0), (-150.0, 250.0))
_BODY_HU = -300.0
_FURTHEST = 4.0  # deviations; a laboratory's slip counts for no more
_HIDDEN = 16


class Windows(nn.Module):
    """HU to a channel a window, each from 0 to 1."""

    def forward(self, hu: Tensor) -> Tensor:
        return torch.cat([(hu.clamp(low, high) - low) / (high - low) for low, high in _WINDOWS_HU], dim=1)


class Standard(nn.Module):
    """Values [N, K] in the deviations of those that were learned on; what is unknown stays NaN."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))

    def learn(self, values: Tensor) -> None:
        for number in range(values.shape[1]):
            known = values[~torch.isnan(values[:, number]), number]
            if len(known) > 1:
                cast(Tensor, self.middle)[number] = known.mean()
                cast(Tensor, self.spread)[number] = known.std().clamp_min(1e-3)

    def forward(self, values: Tensor) -> Tensor:
        scaled = (values - cast(Tensor, self.middle)) / cast(Tensor, self.spread)
        return scaled.clamp(-_FURTHEST, _FURTHEST)


class Fusion(nn.Module):
    """What clinical values [N, K], NaN where unknown, add to the image's logit [N]: nothing where none is known."""

    def __init__(self) -> None:
        super().__init__()
        self.standard = Standard(len(VALUES))
        self.first = nn.Linear(1 + 2 * len(VALUES), _HIDDEN)
        self.last = nn.Linear(_HIDDEN, 1, bias=False)

    def forward(self, logit: Tensor, clinical: Tensor) -> Tensor:
        unknown = torch.isnan(clinical)
        scaled = self.standard(torch.where(unknown, cast(Tensor, self.standard.middle), clinical))
        nothing = torch.zeros_like(scaled)
        return self._judged(logit, scaled, (~unknown).float()) - self._judged(logit, nothing, nothing)

    def _judged(self, logit: Tensor, scaled: Tensor, known: Tensor) -> Tensor:
        given = torch.cat([logit[:, None], scaled, known], dim=1)
        return cast(Tensor, self.last(torch.tanh(self.first(given)))[:, 0])


@dataclass(frozen=True, eq=False)
class Seen:
    """`features` [N, F, h, w], `activation` [N, 1, h, w] whose mean is `image_logit` [N], `liver_logits` [N, h, w]."""

    windows: Tensor
    features: Tensor
    activation: Tensor
    image_logit: Tensor
    liver_logits: Tensor


@dataclass(frozen=True, eq=False)
class Learning:
    """What the losses look at: logits [N] of the image alone and with the values, maps [N, h, w], signs [N, S]."""

    image: Tensor
    both: Tensor
    activation: Tensor
    liver_logits: Tensor
    signs: Tensor


class CirrhosisNet(nn.Module):
    """One trunk with several heads; its last block works at a 16th of the matrix, not a 32nd, so that places tell."""

    def __init__(self) -> None:
        super().__init__()
        self.windows = Windows()
        self.classifier = Classifier(channels=len(_WINDOWS_HU), classes=1)
        self.classifier.trunk.transition3.pool = nn.Identity()
        self.liver = nn.Conv2d(self.classifier.head.in_channels, 1, 1)
        self.fusion = Fusion()
        self.signs = nn.Linear(self.classifier.head.in_channels, len(SIGNS))
        self.signs_scale = Standard(len(SIGNS))

    def see(self, hu: Tensor) -> Seen:
        windows = self.windows(hu)
        features = self.classifier.features(windows)
        activation = self.classifier.activation(features)
        return Seen(windows, features, activation, activation.mean(dim=(1, 2, 3)), self.liver(features)[:, 0])

    def forward(self, hu: Tensor, clinical: Tensor) -> Learning:
        """What the values add learns from the image's logit as it is, and does not bend it."""
        seen = self.see(hu)
        alone = seen.image_logit.detach()
        both = alone + self.fusion(alone, clinical)
        signs = self.signs(seen.features.mean(dim=(2, 3)))
        return Learning(seen.image_logit, both, seen.activation[:, 0], seen.liver_logits, signs)


class Served(nn.Module):
    """As the node takes it: hu [N, 1, rows, columns] and clinical [N, K] to five outputs, one row an item.

    `probability` [N, 1] with the values, `image_alone` [N, 1] without them, `liver` [N] the share of the body that is
    liver, `activation` [N, 1, h, w], `strangeness` [N].
    """

    def __init__(self, network: CirrhosisNet, strangeness: Strangeness, temperature: float, shift: float) -> None:
        super().__init__()
        self.network, self.strangeness, self.temperature, self.shift = network, strangeness, temperature, shift

    def forward(self, hu: Tensor, clinical: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        seen = self.network.see(hu)
        both = seen.image_logit + self.network.fusion(seen.image_logit, clinical)
        return (
            self._probability(both),
            self._probability(seen.image_logit),
            liver_share(seen.liver_logits, hu),
            seen.activation,
            self.strangeness(description_of(seen.windows, seen.features)),
        )

    def _probability(self, logit: Tensor) -> Tensor:
        return torch.sigmoid((logit - self.shift) / self.temperature)[:, None]


def liver_share(liver_logits: Tensor, hu: Tensor) -> Tensor:
    """[N]: of the body's pixels."""
    body = (hu > _BODY_HU).float().mean(dim=(1, 2, 3))
    return torch.sigmoid(liver_logits).mean(dim=(1, 2)) / body.clamp_min(0.02)


def liver_cells(liver: Tensor, like: Tensor) -> Tensor:
    """Masks [N, rows, columns] as the shares that the cells of the map [N, h, w] have of it."""
    rows, columns = like.shape[-2:]
    return adaptive_avg_pool2d(liver[:, None].float(), (rows, columns))[:, 0]
