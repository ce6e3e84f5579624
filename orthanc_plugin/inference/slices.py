"""Slices or single images in, each fitted into the matrix of a stage, the network's answers for them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.inference.network import Answers, Network
from orthanc_plugin.inference.preprocess import Placement

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


def heat(network: Network, items: Fitted, number: int, name: str, channel: int) -> NDArray[np.float32]:
    """The heat map of one item, of any coarseness, on its own matrix: the one there is, or that of the class."""
    answer = network(items.take(number, number + 1))[name]
    layers = answer[0] if answer.ndim == 4 else answer
    if layers.ndim != 3 or channel >= len(layers) > 1:
        raise network.broken(f"answered a heat map of the shape {answer.shape[1:]} in {name}")
    return items.places[number].take_back(layers[channel if len(layers) > 1 else 0])
