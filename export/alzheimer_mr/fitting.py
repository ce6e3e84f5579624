"""What is found rather than learned by gradients: a network and scans in, its landmarks, calibration, bounds out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from export.alzheimer_mr.data import Kept
from export.alzheimer_mr.landmarks import Comparison, found
from export.alzheimer_mr.model import AlzheimerNet, description, standard
from export.alzheimer_mr.settings import Settings
from export.checkpoints import SettingsError
from export.heads.aligning import taken
from export.heads.calibration import calibrated
from export.strangeness import Strangeness

_CERTAIN = 0.5
_KEPT = 0.99


def _device(network: AlzheimerNet) -> torch.device:
    return next(network.parameters()).device


@torch.no_grad()
def _heads(network: AlzheimerNet, scans: Sequence[Kept], device: torch.device) -> Iterator[tuple[Kept, Tensor, Tensor]]:
    """Each with its aligned, standard head and where that lies."""
    network.eval()
    for scan in scans:
        window = scan.window().to(device)
        place = network.places(window)
        yield scan, standard(taken(window, place, network.aligned)), place


@torch.no_grad()
def find_landmarks(network: AlzheimerNet, seen: Sequence[Kept], settings: Settings, device: torch.device) -> None:
    """And the boxes of the hippocampi: around where they lie in those who learn."""
    if {scan.ill for scan in seen} != {True, False}:
        raise SettingsError("The scans to learn from are of one group alone; landmarks are found by comparing two.")
    groups, middles = Comparison(), []
    for scan, head, place in _heads(network, seen, device):
        groups.add(head[0].cpu(), scan.ill)
        share = scan.hippocampi()
        if share is not None:
            left, right = taken(share, place.cpu(), settings.aligned)[0]
            for side in (left, right.flip(-1)):
                middles.append(torch.argwhere(side > _CERTAIN).float().mean(dim=0))
    known = torch.stack(middles) if middles else torch.empty(0, 3)
    known = known[known.isfinite().all(dim=1)]
    if not len(known):
        raise SettingsError("Nobody outlined a hippocampus in the scans to learn from; the volumes can't be learned.")
    points = found(groups.statistic(), settings.landmarks, settings.apart_mm / settings.step_mm, settings.patch // 2)
    corner = (known.mean(dim=0) - torch.tensor(settings.box) / 2).round().long()
    most = torch.tensor(settings.aligned) - torch.tensor(settings.box)
    network.put_places(torch.from_numpy(points), torch.minimum(corner.clamp_min(0), most))


@dataclass(frozen=True, eq=False)
class Validated:
    """`logits` before calibration and `ill`, one a patient; Dice of all hippocampi together."""

    logits: Tensor
    ill: Tensor
    dice: float

    @property
    def auc(self) -> float:
        apart = self.logits[self.ill][:, None] - self.logits[~self.ill][None]
        return float(((apart > 0).float() + 0.5 * (apart == 0).float()).mean())


@torch.no_grad()
def validate(network: AlzheimerNet, held: Sequence[Kept], device: torch.device) -> Validated:
    logits, ill, overlap, size = [], [], 0.0, 0.0
    for scan, head, place in _heads(network, held, device):
        logits.append(float(network.contributions(head).sum()))
        ill.append(scan.ill)
        share = scan.hippocampi()
        if share is not None:
            truth = taken(share, place.cpu(), network.aligned) > _CERTAIN
            outlined = network.hippocampi(head).cpu() > _CERTAIN
            overlap += 2 * float((truth & outlined).sum())
            size += float(truth.sum() + outlined.sum())
    return Validated(torch.tensor(logits), torch.tensor(ill), overlap / max(size, 1))


def calibrate(network: AlzheimerNet, said: Validated) -> None:
    """Makes the logit say how often it is so among those validated on, who are of both groups."""
    fitted = calibrated(said.logits, said.ill)
    if fitted is not None:
        network.scale, network.level = (torch.tensor(each, device=_device(network)) for each in fitted)


@torch.no_grad()
def find_bounds(network: AlzheimerNet, seen: Sequence[Kept], held: Sequence[Kept], device: torch.device) -> Strangeness:
    """Of what is like the heads that were learned on, set by those validated on; those of brains the network keeps."""
    (learned, brains), (bounding, other_brains) = (_described(network, scans, device) for scans in (seen, held))
    network.reconstruction.learn(brains, other_brains, _KEPT)
    network.to(device)
    return Strangeness.fitted(learned, bounding, _KEPT)


def _described(network: AlzheimerNet, scans: Sequence[Kept], device: torch.device) -> tuple[Tensor, Tensor]:
    """One row a scan: of the whole, and the cells of its brain."""
    whole, brains = [], []
    network.eval()
    for scan in scans:
        window = scan.window().to(device)
        place = network.places(window)
        seen = taken(window, place, network.aligned)
        whole.append(description(window, seen, place).cpu())
        brains.append(network.reconstruction.cells(standard(seen)).cpu())
    return torch.cat(whole), torch.cat(brains)
