"""Labelled images in, the network that judged those held out best, and how well, out."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from export.from_folders.images import Sample
from export.from_folders.network import Classifier

_LEARNING_RATE = 2e-3
_DECAY = 1e-2


@dataclass(frozen=True)
class Trained:
    """`accuracy` is balanced: the mean over the labels of the share of their held-out images that are told right."""

    network: Classifier
    accuracy: float
    judged_on: int
    epochs: int


def train(
    network: Classifier, learn: tuple[Sample, ...], judge: tuple[Sample, ...], epochs: Sequence[int], batch: int
) -> Trained:
    """The same images and numbers give the same network. `epochs` are those to come, 1, 2, …"""
    random = torch.Generator().manual_seed(0)
    images, labels = tensors(learn)
    others, theirs = tensors(judge)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE, weight_decay=_DECAY)
    weights = 1 / torch.bincount(labels).float()
    best, best_loss, best_epoch = copy.deepcopy(network.state_dict()), math.inf, 0
    for epoch in epochs:
        network.train()
        _set_rate(optimiser, epoch, len(epochs))
        for chosen in torch.split(torch.randperm(len(images), generator=random), batch):
            scores, _ = network(varied(images[chosen], random))
            loss = nn.functional.cross_entropy(scores, labels[chosen], weight=weights)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
        judged = float(nn.functional.cross_entropy(answers(network, others), theirs, weight=weights))
        if judged < best_loss:
            best, best_loss, best_epoch = copy.deepcopy(network.state_dict()), judged, epoch
    network.load_state_dict(best)
    return Trained(network, balanced_accuracy(answers(network, others), theirs), len(judge), best_epoch)


def tensors(samples: tuple[Sample, ...]) -> tuple[Tensor, Tensor]:
    pixels = np.stack([sample.pixels for sample in samples])
    return torch.from_numpy(pixels), torch.tensor([sample.label for sample in samples])


def varied(images: Tensor, random: torch.Generator) -> Tensor:
    """Moved, turned and scaled a little, brighter or darker; never mirrored, as the heart is on the left."""
    count = len(images)
    turn, zoom = _between(count, 0.12, random), 1 + _between(count, 0.1, random)
    shift = torch.stack([_between(count, 0.08, random), _between(count, 0.08, random)], dim=1)
    cosine, sine = zoom * torch.cos(turn), zoom * torch.sin(turn)
    place = torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)
    grid = nn.functional.affine_grid(torch.cat([place, shift[:, :, None]], 2), list(images.shape), align_corners=False)
    moved = nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    gain, offset = 1 + _between(count, 0.15, random), _between(count, 0.1, random)
    return moved * gain[:, None, None, None] + offset[:, None, None, None]


def _between(count: int, most: float, random: torch.Generator) -> Tensor:
    return (2 * torch.rand(count, generator=random) - 1) * most


@torch.no_grad()
def answers(network: Classifier, images: Tensor) -> Tensor:
    network.eval()
    return torch.cat([network(part)[0] for part in torch.split(images, 32)])


def balanced_accuracy(scores: Tensor, labels: Tensor) -> float:
    right = scores.argmax(dim=1) == labels
    return float(torch.stack([right[labels == label].float().mean() for label in torch.unique(labels)]).mean())


def _set_rate(optimiser: torch.optim.Optimizer, epoch: int, epochs: int) -> None:
    for group in optimiser.param_groups:
        group["lr"] = _LEARNING_RATE * (0.02 + 0.98 * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2)
