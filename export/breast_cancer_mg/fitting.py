"""What follows once the networks have learned: how views are combined, calibration, the bound of strangeness."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from tqdm import tqdm

from export.breast_cancer_mg import SIDES, SLOTS
from export.breast_cancer_mg.data import UNKNOWN, Kept
from export.breast_cancer_mg.model import CancerNet
from export.breast_cancer_mg.settings import LeftOut, Settings
from export.breast_mass_mg.export import described, plain
from export.checkpoints import SettingsError
from export.strangeness import Strangeness

_PRIOR = 3.0  # how freely few patients may turn the logit
_KEPT = 0.98  # of the studies
_STEPS = 2000
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, eq=False)
class Looked:
    """Of patients: `evidence` [P, 8, D] of their views, which are `there` [P, 8], and what each is like [P, 8, E];
    whether their breasts are `malignant` [P, 2], UNKNOWN where nobody said.
    """

    evidence: Tensor
    there: Tensor
    like: Tensor
    malignant: Tensor

    @property
    def heard(self) -> Tensor:
        """The breasts [P, 2] that are known and seen."""
        seen = torch.unflatten(self.there[:, : len(SLOTS)], 1, (-1, len(SIDES))).sum(dim=1) > 0
        return torch.logical_and(seen, self.malignant != UNKNOWN)


@torch.no_grad()
def look(network: CancerNet, scans: Sequence[Kept], device: torch.device) -> Looked:
    network.eval()
    made: list[tuple[Tensor, Tensor]] = []
    for scan in tqdm(scans, "looking", unit="patient", mininterval=5):
        images = scan.images().to(device)
        levels = network.finder.levels(images)
        evidence, _, features = network.looked(levels)
        shown = plain(images, network.finder.levels.last)
        made.append((evidence[0].cpu(), described(network.finder, levels, shown, features).cpu()))
    evidence, like = (torch.stack(each) for each in zip(*made, strict=True))
    there = torch.from_numpy(np.stack([scan.there for scan in scans])).float()
    malignant = torch.from_numpy(np.stack([scan.malignant for scan in scans]).astype(np.int64))
    return Looked(evidence, there, like, malignant)


def combine(network: CancerNet, seen: Looked, settings: Settings) -> None:
    """How views, sides and times are weighed: a logistic regression, as few patients tell, with some of them left out
    by chance so that each may be missing.
    """
    known = seen.malignant[seen.heard] == 1
    if known.all() or not known.any():
        raise SettingsError("The patients for the combination have all cancer, or none; give more of them.")
    made = network.combination
    rng = np.random.default_rng([settings.seed, 89])
    rounds = [seen, *(replaced(seen, left_out(seen.there, settings.left_out, rng)) for _ in range(settings.rounds))]
    whole, heard = made.told(seen.evidence, seen.there)
    count = whole.shape[2]
    there = (heard[..., :count] > 0) & seen.heard[..., None]
    for number in range(count):
        values = whole[..., number][there[..., number]]
        made.usual[number], made.spread[number] = values.mean(), values.std().clamp_min(_LEAST_SPREAD)
    given = torch.cat([made.scaled(each.evidence, each.there)[each.heard] for each in rounds])
    truth = torch.cat([each.malignant[each.heard] == 1 for each in rounds])
    fitted = LogisticRegression(C=settings.strength / len(rounds), max_iter=_STEPS).fit(given.numpy(), truth.numpy())
    made.weights.copy_(torch.from_numpy(fitted.coef_[0]))
    made.constant.fill_(float(fitted.intercept_[0]))


def replaced(seen: Looked, there: Tensor) -> Looked:
    return Looked(seen.evidence, there, seen.like, seen.malignant)


def left_out(there: Tensor, by: LeftOut, rng: np.random.Generator) -> Tensor:
    """What is still there of [P, 8] after chance took earlier studies, views, and breasts as wholes."""
    patients = len(there)
    views = rng.random((patients, 2, 2, 2)) >= by.view  # time, view, side
    views[:, 1] &= rng.random((patients, 1, 1)) >= by.prior
    gone, which = rng.random(patients) < by.side, rng.integers(2, size=patients)
    for side in range(2):
        views[gone & (which == side), ..., side] = False
    return there * torch.from_numpy(views.reshape(patients, -1).astype(np.float32))


@torch.no_grad()
def logits_of(network: CancerNet, seen: Looked) -> tuple[Tensor, Tensor]:
    """Of the breasts that are known: what is said of them, and whether they have cancer."""
    network.eval()
    device = next(network.parameters()).device
    said = network.combination(seen.evidence.to(device), seen.there.to(device)).cpu()
    return said[seen.heard], seen.malignant[seen.heard] == 1


def auc(scores: Tensor, truth: Tensor) -> float:
    """Not a number where all are of one kind."""
    apart = scores[truth][:, None] - scores[~truth][None]
    return float(((apart > 0).float() + 0.5 * (apart == 0).float()).mean())


def auc_of_views(seen: Looked, shows_cancer: Tensor) -> float:
    """By what is said of each present view, [P, 8]; `shows_cancer` is of the same shape."""
    now = seen.there.clone()
    now[:, len(SLOTS) :] = 0
    return auc(seen.evidence[..., 0][now > 0], shows_cancer[now > 0])


def calibrate(network: CancerNet, held: Looked) -> None:
    """Makes the logit say how often it is so among those validated on, who are of both kinds."""
    logits, malignant = logits_of(network, held)
    if malignant.all() or not malignant.any():
        return
    fitted = LogisticRegression(C=_PRIOR).fit(logits[:, None].numpy(), malignant.numpy())
    network.combination.scale.fill_(float(max(fitted.coef_[0, 0], 1e-3)))
    network.combination.level.fill_(float(fitted.intercept_[0]))


def strangeness_of(seen: Looked, held: Looked) -> Strangeness:
    """Of single views; its bound is that of whole studies, of which the strangest view counts."""
    found = Strangeness.fitted(seen.like[seen.there > 0], held.like[held.there > 0], _KEPT)
    with torch.no_grad():
        each = torch.unflatten(found(held.like.flatten(0, 1)), 0, held.there.shape) * held.there
        return found.widened(torch.quantile(each.amax(dim=1), _KEPT))
