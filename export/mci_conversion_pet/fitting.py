"""What is found rather than learned by gradients: a network and scans in, healthy people, calibration, bounds out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from export.checkpoints import SettingsError
from export.heads.aligning import taken
from export.heads.calibration import calibrated
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.data import ABOUT, TRUTH, Kept
from export.mci_conversion_pet.grey import smoothed
from export.mci_conversion_pet.model import ConversionNet, description
from export.phantoms.metabolism import Group
from export.strangeness import Strangeness

_LEAST_SPREAD = 0.05
_KEPT = 0.99


@torch.no_grad()
def _heads(
    network: ConversionNet, scans: Sequence[Kept], device: torch.device
) -> Iterator[tuple[Kept, Tensor, Tensor, Tensor]]:
    """Each with its window, its aligned head as it was seen, and where that lies."""
    network.eval()
    for scan in scans:
        window = scan.window().to(device)
        place = network.places(window)
        yield scan, window, taken(window, place, network.aligned), place


@torch.no_grad()
def find_healthy(network: ConversionNet, seen: Sequence[Kept], device: torch.device) -> None:
    """What healthy people's heads look like on average, and how much they differ; their mirror images count, too."""
    count, total, squares = 0, torch.zeros_like(network.usual), torch.zeros_like(network.usual)
    for _, _, head, _ in _heads(network, [scan for scan in seen if scan.group == "normal"], device):
        for standard in (network.standard(head), network.standard(head).flip(-1)):
            count, total, squares = count + 1, total + standard, squares + standard.square()
    if count < 4:
        raise SettingsError(
            "Fewer than two of the scans to learn from are of healthy people, whom all are compared with."
        )
    network.usual = total / count
    spread = (squares / count - network.usual.square()).clamp_min(0).sqrt()
    network.spread = smoothed(spread, network.smooth).clamp_min(_LEAST_SPREAD)


@dataclass(frozen=True, eq=False)
class Validated:
    """`logits` [N, 2] before calibration, and the group of each patient."""

    logits: Tensor
    groups: tuple[Group, ...]

    def of(self, answer: int) -> tuple[Tensor, Tensor]:
        """The logits of those that an answer is about, and for whom it is true."""
        about = [number for number, group in enumerate(self.groups) if ABOUT[group][answer]]
        truth = [bool(TRUTH[self.groups[number]][answer]) for number in about]
        return self.logits[about, answer], torch.tensor(truth, dtype=torch.bool)

    def auc(self, answer: int) -> float:
        logits, true = self.of(answer)
        apart = logits[true][:, None] - logits[~true][None]
        return float(((apart > 0).float() + 0.5 * (apart == 0).float()).mean())


@torch.no_grad()
def validate(network: ConversionNet, held: Sequence[Kept], device: torch.device) -> Validated:
    logits, groups = [], []
    for scan, _, head, _ in _heads(network, held, device):
        logits.append(network.activation(network.standard(head)).sum(dim=(2, 3, 4)).cpu())
        groups.append(scan.group)
    return Validated(torch.cat(logits), tuple(groups))


def calibrate(network: ConversionNet, said: Validated) -> None:
    """Makes each logit say how often it is so among those validated on whom it is about."""
    scale, level = network.scale.clone(), network.level.clone()
    for answer in range(len(ANSWERS)):
        fitted = calibrated(*said.of(answer))
        if fitted is not None:
            scale[answer], level[answer] = fitted
    network.scale, network.level = scale, level


@torch.no_grad()
def strangeness_of(
    network: ConversionNet, seen: Sequence[Kept], held: Sequence[Kept], device: torch.device
) -> Strangeness:
    """Of those that were learned on, its bound set by those validated on."""
    learned, bounding = (
        torch.cat([description(window, head, place).cpu() for _, window, head, place in _heads(network, scans, device)])
        for scans in (seen, held)
    )
    return Strangeness.fitted(learned, bounding, _KEPT)
