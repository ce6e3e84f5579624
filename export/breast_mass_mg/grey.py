"""Mammograms in, how much their grey values alone tell out: so hard the phantoms are."""

from collections.abc import Sequence

import numpy as np

from export.breast_mass_mg.sources import Mammogram
from export.breast_mass_mg.trial import MARGIN
from export.evaluation.statistics import Table
from orthanc_plugin.inference.regions import squared

_LEAST_SIDE = 5
_SAMPLED = 41  # one of so many pixels


def hardness(images: Sequence[Mammogram]) -> dict[str, float]:
    """AUC of the mean grey value of a region for a mass in it (beside what looks like one), and of a pixel's in it."""
    with_mass, without, of_pixels = [], [], []
    for image in images:
        whole, _ = image.whole()
        skin = whole.min() + 0.12 * (np.percentile(whole, 98.5) - whole.min())
        body = whole[whole > skin]
        for boxes, means in ((image.masses[:1], with_mass), (image.lookalikes[:1], without)):
            for box in (each for each in boxes if min(each.shape) >= _LEAST_SIDE):
                pixels, truth = image.part(squared(box, MARGIN, image.shape))
                means.append(float((pixels.mean() - body.mean()) / body.std()))
                if means is with_mass and truth.any() and not truth.all():
                    of_pixels.append(auc(pixels[truth][::_SAMPLED], pixels[~truth][::_SAMPLED]))
    return {"mean of a region": auc(np.array(with_mass), np.array(without)), "pixel": float(np.mean(of_pixels))}


def auc(of_mass: Table, of_rest: Table) -> float:
    ranks = np.concatenate([of_mass, of_rest]).argsort().argsort()[: len(of_mass)] + 1.0
    count = len(of_mass)
    return float((ranks.sum() - count * (count + 1) / 2) / (count * len(of_rest)))
