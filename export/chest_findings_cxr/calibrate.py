"""A trained network and validation images in, probabilities that hold, thresholds, a bound of strangeness out."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.chest_findings_cxr.data import Part, Parts
from export.chest_findings_cxr.model import Judge
from export.phantoms.chest import FINDINGS
from export.strangeness import Strangeness, description_of

_AT_ONCE = 32
_DESCRIBED = 1500  # training images that the measure of strangeness is fitted on
_KEPT = 0.98
_CLAIMED_MOST = 0.2  # of the images without a finding


@torch.inference_mode()
def logits_of(network: Judge, part: Part) -> NDArray[np.float64]:
    network.eval()
    device = next(network.parameters()).device
    found = []
    for chosen in np.array_split(np.arange(len(part)), math.ceil(len(part) / _AT_ONCE)):
        images = part.of(chosen)[0].to(device)
        found.append(network.chest(network.scaled(images).contiguous(memory_format=torch.channels_last))[0].cpu())
    return torch.cat(found).numpy().astype(np.float64)


def mean_auc(logits: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Of the findings that some have and some have not."""
    columns = [column for column in range(truth.shape[1]) if 0 < truth[:, column].sum() < len(truth)]
    return float(np.mean([auc(logits[:, column], truth[:, column]) for column in columns])) if columns else math.nan


def auc(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The share of pairs of one that has the finding and one that has not, in which the first has the higher score."""
    order = np.argsort(np.argsort(scores, kind="stable"), kind="stable") + 1.0
    there = truth.sum()
    return float((order[truth].sum() - there * (there + 1) / 2) / (there * (len(truth) - there)))


def calibrate(network: Judge, validation: Part) -> list[float]:
    """Fits scale and shift of each finding's logit, and gives the probabilities from which on findings are present."""
    chest = network.chest
    chest.scale.fill_(1.0)
    chest.shift.fill_(0.0)
    logits, truth = torch.from_numpy(logits_of(network, validation)), np.array(validation.truth)
    thresholds = []
    for column in range(len(FINDINGS)):
        there = truth[:, column]
        if not 0 < there.sum() < len(there):
            thresholds.append(0.5)
            continue
        scale, shift = _fitted(logits[:, column], torch.from_numpy(there).double())
        chest.scale[column], chest.shift[column] = scale, shift
        thresholds.append(threshold(torch.sigmoid(logits[:, column] * scale + shift).numpy(), there))
    return thresholds


def _fitted(logits: Tensor, truth: Tensor) -> tuple[float, float]:
    """Platt's scaling, by Newton's steps, held a little to leaving the logits as they are."""
    weights = torch.tensor([1.0, 0.0], dtype=torch.float64)
    design = torch.stack([logits, torch.ones_like(logits)], dim=1)
    for _ in range(30):
        said = torch.sigmoid(design @ weights)
        gradient = design.T @ (said - truth) + torch.tensor([weights[0] - 1.0, 0.0], dtype=torch.float64)
        curve = (design * (said * (1 - said))[:, None]).T @ design + torch.diag(torch.tensor([1.0, 1e-3]).double())
        weights = weights - torch.linalg.solve(curve, gradient)
    return max(float(weights[0]), 0.05), float(weights[1])


def threshold(probability: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Where sensitivity and specificity together are largest, in the middle between two answers.

    Of those that claim the finding on few enough who don't have it: one that is claimed everywhere is read nowhere.
    """
    candidates = np.unique(probability)
    middles = (candidates[1:] + candidates[:-1]) / 2
    found, claimed = (
        np.array([(of > each).mean() for each in middles]) for of in (probability[truth], probability[~truth])
    )
    gains = np.where(claimed <= _CLAIMED_MOST, found - claimed, -1.0)
    return round(float(np.clip(middles[int(gains.argmax())], 0.01, 0.99)), 4)


@torch.inference_mode()
def fit_strangeness(network: Judge, parts: Parts) -> Strangeness:
    learned = descriptions(network, parts.train, np.arange(min(len(parts.train), _DESCRIBED)))
    bounding = descriptions(network, parts.validation, np.arange(len(parts.validation)))
    return Strangeness.fitted(learned, bounding, _KEPT)


def descriptions(network: Judge, part: Part, numbers: NDArray[np.int64]) -> Tensor:
    """Of the images as they are, on the CPU."""
    network.eval()
    device, found = next(network.parameters()).device, []
    for chosen in np.array_split(numbers, max(math.ceil(len(numbers) / _AT_ONCE), 1)):
        images = network.scaled(part.of(chosen)[0].to(device))
        found.append(description_of(images, network.chest.maps(images)[1]).cpu())
    return torch.cat(found)
