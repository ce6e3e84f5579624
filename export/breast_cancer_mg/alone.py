"""A patient in, what is simple to measure of each of her lesions out: so hard the phantoms are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from export.breast_cancer_mg.fitting import auc
from export.breast_mass_mg.sources import Pixels
from export.phantoms.mammography.acquisition import bright, stored
from export.phantoms.mammography.anatomy import VIEWS
from export.phantoms.mammography.history import examined, history, machine_of
from export.phantoms.mammography.sheet import Window

_PIXEL_MM = 0.5
_RING = 6  # pixels around a lesion
NUMBERS = ("mean grey of the lesion", "its density beside what is around it", "its size", "its growth")
"""The last of them, known exactly, is what the study before may tell at best."""


@dataclass(frozen=True)
class Lesion:
    """On one present view; `numbers` are those that `NUMBERS` names."""

    malignant: bool
    numbers: tuple[float, float, float, float]


def lesions(seed: int, shifted: bool) -> list[Lesion]:
    window, by = Window.whole(_PIXEL_MM), machine_of(seed, "now", shifted=shifted)
    found = []
    for view in VIEWS:
        mine = [each for each in history(seed, shifted=shifted).suspects if each.side == view[0]]
        if mine:
            seen = examined(seed, view, "now", shifted=shifted)
            pixels = bright(stored(seen, by, window), by)
            for suspect, drawn in zip(mine, seen.masses, strict=True):
                grey, beside = _greys(pixels, drawn.mask(window))
                found.append(Lesion(suspect.malignant, (grey, beside, suspect.radius, 1 - suspect.then)))
    return found


def _greys(pixels: Pixels, mask: NDArray[np.bool_]) -> tuple[float, float]:
    """In deviations of the whole breast's."""
    skin = pixels.min() + 0.12 * (np.percentile(pixels, 98.5) - pixels.min())
    body = pixels[pixels > skin]
    ring = binary_dilation(mask, iterations=_RING) & ~mask & (pixels > skin)
    inside, around = float(pixels[mask].mean()), float(pixels[ring].mean())
    return (inside - float(body.mean())) / float(body.std()), (inside - around) / float(body.std())


def hardness(found: Sequence[Lesion]) -> dict[str, float]:
    """AUC of each number for a malignant lesion beside a benign one, whichever way round."""
    malignant = torch.tensor([each.malignant for each in found])
    one_way = {
        name: auc(torch.tensor([each.numbers[number] for each in found]), malignant)
        for number, name in enumerate(NUMBERS)
    }
    return {name: max(value, 1 - value) for name, value in one_way.items()}
