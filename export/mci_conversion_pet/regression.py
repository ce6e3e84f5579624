"""What a regression over places says of two groups: scans and where they lie in, a weight for each place out.

It is learned at once where a network that begins with nothing would need more patients than there are. The network is
then taught what to add to it; so that this is not learned from what the regression knows by heart, each patient is
judged by what was found without them, in turn with a fifth of all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.heads.aligning import taken
from export.heads.calibration import calibrated
from export.mci_conversion_pet import ANSWERS
from export.mci_conversion_pet.data import ABOUT, TRUTH, Kept
from export.mci_conversion_pet.model import LEARNED, ConversionNet, Evidence
from export.phantoms.metabolism import Group

FOLDS = 5
_AT_ONCE = 8
_LEAST_SPREAD = 1e-3
Table = NDArray[np.float64]
Which = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Regressed:
    """`whole` was found with all patients, `without` with all but those of each fold."""

    whole: Evidence
    without: Evidence

    def for_patients(self, numbers: Tensor) -> Evidence:
        """For each of them what was found without them."""
        folds = numbers % FOLDS
        return Evidence(self.without.weights[folds], self.without.offset[folds])


@torch.no_grad()
def regressed(
    network: ConversionNet, scans: Sequence[Kept], places: Tensor, strength: float, device: torch.device
) -> Regressed:
    """By ridge regression, as strict as `strength` says; heads and their mirror images count alike."""
    network.eval()
    known = []
    for first in range(0, len(scans), _AT_ONCE):
        some = zip(scans[first : first + _AT_ONCE], places[first : first + _AT_ONCE], strict=True)
        heads = torch.cat([taken(scan.window(), place[None], network.aligned) for scan, place in some]).to(device)
        known.append(network.regional(network.standard(heads))[:, LEARNED].squeeze(1).cpu())
    found = torch.cat(known)
    groups = [scan.group for scan in scans]
    rows = torch.stack([found, found.flip(-1)], dim=1).flatten(2).double().numpy()
    answers = [
        _of_answer(rows, _so(ABOUT, groups, answer), _so(TRUTH, groups, answer), strength)
        for answer in range(len(ANSWERS))
    ]
    weights = torch.stack([weights for weights, _ in answers], dim=1).reshape(1 + FOLDS, len(ANSWERS), *found.shape[1:])
    offset = torch.stack([offset for _, offset in answers], dim=1)
    weights, offset = weights.to(device), offset.to(device)
    return Regressed(Evidence(weights[:1], offset[:1]), Evidence(weights[1:], offset[1:]))


def _so(table: Mapping[Group, tuple[float, float]], groups: Sequence[Group], answer: int) -> Which:
    return np.array([bool(table[group][answer]) for group in groups])


def _of_answer(rows: Table, counted: Which, true: Which, strength: float) -> tuple[Tensor, Tensor]:
    """`rows` [patients, head and mirror image, places] to weights [1 + FOLDS, places] and what is added [1 + FOLDS].

    Their scale is such that they say of those left out how often it is so.
    """
    folds = np.arange(len(rows)) % FOLDS
    fits = [_fitted(rows[counted], true[counted], strength)]
    said = np.zeros(len(rows))
    for fold in range(FOLDS):
        weights, offset = _fitted(rows[counted & (folds != fold)], true[counted & (folds != fold)], strength)
        said[folds == fold] = rows[folds == fold, 0] @ weights + offset
        fits.append((weights, offset))
    scale, level = calibrated(torch.from_numpy(said[counted]), torch.from_numpy(true[counted])) or (0.0, 0.0)
    return (
        torch.from_numpy(scale * np.stack([weights for weights, _ in fits])).float(),
        torch.from_numpy(scale * np.array([offset for _, offset in fits]) + level).float(),
    )


def _fitted(rows: Table, true: Which, strength: float) -> tuple[Table, float]:
    if true.all() or not true.any():
        return np.zeros(rows.shape[2]), 0.0
    heads, wanted = rows.reshape(-1, rows.shape[2]), np.repeat(np.where(true, 1.0, -1.0), 2)
    middle, spread = heads.mean(axis=0), heads.std(axis=0) + _LEAST_SPREAD
    even = (heads - middle) / spread
    found = np.linalg.solve(even.T @ even + strength * np.eye(even.shape[1]), even.T @ (wanted - wanted.mean()))
    weights = found / spread
    return weights, float(-middle @ weights)
