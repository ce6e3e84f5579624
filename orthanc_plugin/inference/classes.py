"""What a classifier says of each slice or image in, one probability a class and the picture that shows it out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from orthanc_plugin.inference.network import Network
from orthanc_plugin.inference.preprocess import Turned
from orthanc_plugin.inference.soft import ROUNDING
from orthanc_plugin.routing.outputs import Classes


@dataclass(frozen=True, eq=False)
class Classification:
    """`probabilities` in the order of the card's classes; `index` is the source's slice or image worth showing.

    `index` is None where no slice of the source is one that the network saw. `heat_yx` lies on that slice, and is of
    the class number `shown`. `by_slice` holds the source's slices that were chosen, with their own probabilities.
    """

    probabilities: tuple[float, ...]
    index: int | None
    heat_yx: NDArray[np.float32] | None
    shown: int = 0
    by_slice: tuple[tuple[int, tuple[float, ...]], ...] = ()


def probabilities(classes: Classes, answers: NDArray[np.float32], network: Network) -> NDArray[np.float64]:
    """(items, classes), each within 0 and 1."""
    if answers.shape[1] != len(classes.items):
        raise network.broken(f"answers {answers.shape[1]} numbers in {classes.source.output} for {len(classes.items)}")
    found = answers.astype(np.float64)
    if classes.activation == "softmax":
        found = softmax(found, axis=1)
    elif classes.activation == "sigmoid":
        found = expit(found)
    if found.min() < -ROUNDING or found.max() > 1 + ROUNDING:
        raise network.broken(f"answers {classes.source.output} outside 0 to 1 where the card names no activation")
    return np.clip(found, 0, 1)


def of_series(classes: Classes, found: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(found.mean(axis=0) if classes.series == "mean" else found.max(axis=0))


def shown(classes: Classes, found: NDArray[np.float64]) -> tuple[int, int]:
    """The item that says most of the class that stands out, and that class: the one furthest above its threshold."""
    thresholds = np.array([item.threshold for item in classes.items])
    outstanding = int(np.argmax(of_series(classes, found) - thresholds))
    return int(np.argmax(found[:, outstanding])), outstanding


def classification(
    classes: Classes,
    found: NDArray[np.float64],
    about: NDArray[np.int64],
    turned: Turned | None,
    item: int,
    shown: int,
    heat_yx: NDArray[np.float32] | None,
) -> Classification:
    """`about` holds the slice or image of each item; a heat map is turned as its source is."""
    index: int | None = int(about[item])
    if turned is not None:
        index = turned.source_slice(int(about[item]))
        if heat_yx is not None:
            heat_yx = None if index is None else turned.slice_to_source(int(about[item]), heat_yx)
    whole, each = of_series(classes, found), _by_slice(found, about, turned) if classes.where is not None else ()
    return Classification(tuple(float(share) for share in whole), index, heat_yx, shown, each)


def _by_slice(
    found: NDArray[np.float64], about: NDArray[np.int64], turned: Turned | None
) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """In the source's order."""
    indices = (int(number) if turned is None else turned.source_slice(int(number)) for number in about)
    each = zip(indices, found.tolist(), strict=True)
    return tuple(sorted((index, tuple(shares)) for index, shares in each if index is not None))
