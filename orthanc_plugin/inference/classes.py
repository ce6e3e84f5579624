"""What a classifier says of each slice or image in, one probability a class and the picture that shows it out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from orthanc_plugin.inference.network import Network
from orthanc_plugin.inference.preprocess import Placement, Turned
from orthanc_plugin.inference.soft import ROUNDING
from orthanc_plugin.routing.outputs import Classes

Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Classification:
    """`probabilities` in the order of the card's classes; `index` is the source's slice or image worth showing.

    `index` is None where no slice of the source is one that the network saw. `heat_yx` lies on that slice, and is of
    the class number `shown`; `peaks_yx` are where on it the network looked most for each class, counted from the
    corner of the first pixel. `by_slice` holds the source's slices that were chosen, with their own probabilities.
    """

    probabilities: tuple[float, ...]
    index: int | None
    heat_yx: NDArray[np.float32] | None
    shown: int = 0
    by_slice: tuple[tuple[int, tuple[float, ...]], ...] = ()
    peaks_yx: tuple[Point, ...] = ()


@dataclass(frozen=True, eq=False)
class Looked:
    """Where the network looked on the item that is shown, on its own matrix: for one class all over, for each most."""

    heat_yx: NDArray[np.float32]
    peaks_yx: tuple[Point, ...]

    def on_source(self, turned: Turned, slice_index: int) -> Looked:
        """A slice is turned as its source is: so is a map of nothing but the pixel of the peak."""
        peaks = []
        for row, column in self.peaks_yx:
            pixel = np.zeros_like(self.heat_yx)
            pixel[min(int(row), len(pixel) - 1), min(int(column), pixel.shape[1] - 1)] = 1
            there = turned.slice_to_source(slice_index, pixel)
            top, left = np.unravel_index(int(there.argmax()), there.shape)
            peaks.append((float(top) + 0.5, float(left) + 0.5))
        return Looked(turned.slice_to_source(slice_index, self.heat_yx), tuple(peaks))


def looked_all_over(heat_yx: NDArray[np.float32], classes: int) -> Looked:
    """One map as large as the item itself, for all classes."""
    row, column = np.unravel_index(int(heat_yx.argmax()), heat_yx.shape)
    return Looked(heat_yx, ((float(row) + 0.5, float(column) + 0.5),) * classes)


def looked(heats_kyx: NDArray[np.float32], place: Placement, shown: int) -> Looked:
    return Looked(place.take_back(heats_kyx[shown]), tuple(place.peak(heat_yx) for heat_yx in heats_kyx))


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
    looked: Looked | None = None,
) -> Classification:
    """`about` holds the slice or image of each item; a heat map is turned as its source is."""
    index: int | None = int(about[item])
    if turned is not None:
        index = turned.source_slice(int(about[item]))
        if looked is not None:
            looked = None if index is None else looked.on_source(turned, int(about[item]))
    shares = tuple(float(share) for share in of_series(classes, found))
    each = _by_slice(found, about, turned) if classes.where is not None else ()
    if looked is None:
        return Classification(shares, index, None, shown, each)
    return Classification(shares, index, looked.heat_yx, shown, each, looked.peaks_yx)


def _by_slice(
    found: NDArray[np.float64], about: NDArray[np.int64], turned: Turned | None
) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """In the source's order."""
    indices = (int(number) if turned is None else turned.source_slice(int(number)) for number in about)
    each = zip(indices, found.tolist(), strict=True)
    return tuple(sorted((index, tuple(shares)) for index, shares in each if index is not None))
