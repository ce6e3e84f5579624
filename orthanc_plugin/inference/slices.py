"""Slices or single images in, each fitted into the matrix of a stage, the network's answers for them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.inference.network import Answers, Network
from orthanc_plugin.inference.preprocess import Placement

# A map as coarse as networks make them has some ten kilobytes a class.
KEPT_MOST_BYTES = 64 << 20
Item = Callable[[int, int], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Fitted:
    """The items of a stage: `take(start, stop)` gives the network's inputs, `places` the way back for each."""

    take: Item
    places: tuple[Placement, ...]

    def __len__(self) -> int:
        return len(self.places)


def run(network: Network, items: Fitted) -> Iterator[tuple[int, Answers]]:
    """The answers batch by batch with the number of the first item of each."""
    for start in range(0, len(items), network.stage.batch):
        yield start, network(items.take(start, min(start + network.stage.batch, len(items))))


def maps(network: Network, answers: Answers, name: str, channels: int, place: Placement) -> NDArray[np.float32]:
    """The maps (n, channels, rows, columns) of one output on the matrix of the items themselves."""
    answer, expected = answers[name], (channels, *place.matrix)
    if answer.shape[1:] != expected:
        raise network.broken(f"answered maps of the shape {answer.shape[1:]} in {name} instead of {expected}")
    return place.take_back(answer)


class Heats:
    """Keeps the heat maps of all items, of any coarseness, while they are few: else one item is asked about again."""

    def __init__(self, network: Network, name: str, classes: int) -> None:
        self._network, self._name, self._classes = network, name, classes
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._bytes = 0

    def take(self, start: int, answers: Answers) -> None:
        for number, answer in enumerate(answers[self._name], start=start):
            self._bytes += answer.nbytes
            if self._bytes <= KEPT_MOST_BYTES:
                self._kept[number] = answer.copy()

    def of(self, items: Fitted, number: int) -> NDArray[np.float32]:
        """(classes, rows, columns): where there is one map for all classes, that one for each."""
        answer = self._kept.get(number)
        if answer is None:
            answer = self._network(items.take(number, number + 1))[self._name][0]
        layers = answer[np.newaxis] if answer.ndim == 2 else answer
        if layers.ndim != 3 or len(layers) not in (1, self._classes):
            raise self._network.broken(f"answered a heat map of the shape {answer.shape} in {self._name}")
        return np.broadcast_to(layers, (self._classes, *layers.shape[1:]))
