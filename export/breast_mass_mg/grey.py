"""Mammograms in, how much their grey values alone tell out: so hard the phantoms are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.breast_mass_mg.sources import Mammogram, Pixels
from export.breast_mass_mg.trial import MARGIN
from export.evaluation.statistics import Table
from orthanc_plugin.inference.regions import squared

Greyness = Table | Pixels
_LEAST_SIDE = 5
_SAMPLED = 41  # one of so many pixels


@dataclass(frozen=True)
class Greys:
    """Of one image: mean grey of a region with a mass and of one with what looks like it, AUC of its pixels' greys."""

    with_mass: tuple[float, ...]
    without: tuple[float, ...]
    of_pixels: tuple[float, ...]


def greys(image: Mammogram) -> Greys:
    """Means in deviations of the whole breast's."""
    whole, _ = image.whole()
    skin = whole.min() + 0.12 * (np.percentile(whole, 98.5) - whole.min())
    body = whole[whole > skin]
    means: tuple[list[float], list[float]] = ([], [])
    of_pixels = []
    for boxes, found in zip((image.masses[:1], image.lookalikes[:1]), means, strict=True):
        for box in (each for each in boxes if min(each.shape) >= _LEAST_SIDE):
            pixels, truth = image.part(squared(box, MARGIN, image.shape))
            found.append(float((pixels.mean() - body.mean()) / body.std()))
            if found is means[0] and truth.any() and not truth.all():
                of_pixels.append(auc(pixels[truth][::_SAMPLED], pixels[~truth][::_SAMPLED]))
    return Greys(tuple(means[0]), tuple(means[1]), tuple(of_pixels))


def hardness(found: Sequence[Greys]) -> dict[str, float]:
    """AUC of the mean grey value of a region for a mass in it (beside what looks like one), and of a pixel's in it."""
    with_mass = np.array([value for each in found for value in each.with_mass])
    without = np.array([value for each in found for value in each.without])
    of_pixels = [value for each in found for value in each.of_pixels]
    return {"mean of a region": auc(with_mass, without), "pixel": float(np.mean(of_pixels))}


def auc(of_mass: Greyness, of_rest: Greyness) -> float:
    ranks = np.concatenate([of_mass, of_rest]).argsort().argsort()[: len(of_mass)] + 1.0
    count = len(of_mass)
    return float((ranks.sum() - count * (count + 1) / 2) / (count * len(of_rest)))
