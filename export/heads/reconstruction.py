"""Brains that a network has learned on in, a measure of how badly the rest of what is known rebuilds another one out.

What brains have in common are the main axes of their coarse images; a brain is rebuilt from as many numbers as there
are axes, and what differs from that, cell by cell, is held against how much brains differ there anyway. Nobody tells
what is ill: a tumour, a bleed or a scar is whatever the axes have no words for.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d

from export.heads.aligning import Shape
from export.heads.window import MIDDLE_MM

_CELL_MM = 8.0
_BRAIN_MM = (60.0, 78.0, 56.0)
"""Half of the brain along x, y, z without its outermost rim, which aligned heads differ most in."""
_AXES = 32
_EACH_AXIS = 4  # as many brains at least
_EVERY = 3  # of so many brains one tells how well the others' axes rebuild it
_FLOOR = 1.5  # in parts of the mean over all cells, so that none is held to next to nothing
_LEAST = 1e-4


class Reconstruction(nn.Module):
    """Aligned heads [N, 1, …] to [N]: the worst cell of each brain; 1 is the bound of what is usual."""

    def __init__(self, aligned: Shape, step_mm: float) -> None:
        super().__init__()
        self.pooled = max(round(_CELL_MM / step_mm), 1)
        self.register_buffer("inside", _inside(aligned, step_mm, self.pooled))
        count = len(self._tensor("inside"))
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("axes", torch.zeros(count, _AXES))
        self.register_buffer("spread", torch.ones(count))
        self.register_buffer("bound", torch.ones(()))

    def cells(self, heads: Tensor) -> Tensor:
        """[N, cells] of the brains, with mean 0 and deviation 1."""
        coarse = avg_pool3d(heads, self.pooled).flatten(1)[:, self._tensor("inside")]
        coarse = coarse - coarse.mean(dim=1, keepdim=True)
        return coarse / (coarse.square().mean(dim=1, keepdim=True).sqrt() + _LEAST)

    @torch.no_grad()
    def learn(self, learned: Tensor, bounding: Tensor, kept: float) -> None:
        """From the cells of many brains; the share `kept` of `bounding`, which are others, lies below the bound."""
        telling = torch.arange(len(learned)) % _EVERY == 0
        others = learned[~telling]
        self.middle = others.mean(dim=0)
        _, _, axes = torch.linalg.svd(others - self.middle, full_matrices=False)
        self.axes = torch.zeros(learned.shape[1], _AXES)
        count = min(_AXES, len(others) // _EACH_AXIS)
        self.axes[:, :count] = axes[:count].T
        left = self._left(learned[telling]).square().mean(dim=0).sqrt()
        self.spread = (left.square() + (_FLOOR * left.mean()).square()).sqrt().clamp_min(_LEAST)
        self.bound = torch.ones(())
        self.bound = torch.quantile(self.worst(bounding), kept).clamp_min(_LEAST)

    def worst(self, cells: Tensor) -> Tensor:
        return (self._left(cells) / self._tensor("spread")).abs().amax(dim=1) / self._tensor("bound")

    def forward(self, heads: Tensor) -> Tensor:
        return self.worst(self.cells(heads))

    def _left(self, cells: Tensor) -> Tensor:
        """What the axes do not rebuild."""
        apart, axes = cells - self._tensor("middle"), self._tensor("axes")
        return apart - (apart @ axes) @ axes.T

    def _tensor(self, name: str) -> Tensor:
        return cast(Tensor, getattr(self, name))


def _inside(aligned: Shape, step_mm: float, pooled: int) -> Tensor:
    """Numbers of the cells within the brain of an aligned head."""
    away = torch.zeros([length // pooled for length in aligned])
    for axis, (length, half, middle) in enumerate(zip(away.shape, _BRAIN_MM[::-1], MIDDLE_MM[::-1], strict=True)):
        along = (torch.arange(length) - (length - 1) / 2) * pooled * step_mm + middle
        away += (along / half).square().reshape([-1 if each == axis else 1 for each in range(3)])
    return torch.argwhere(away.flatten() < 1)[:, 0]
