"""How long a network learns, and how the learning rate goes over that."""

import math

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive

_SMALLEST_SHARE = 0.02  # of the rate, at the end


class Course(Entry):
    """One training of those that follow one another; where all samples are one batch there is none to choose."""

    batch: Positive = 1
    iterations: Positive
    learning_rate: float


def learning_rate(largest: float, done: float) -> float:
    """Rises over the first twentieth, then falls along a cosine; `done` is the share of the training that is behind."""
    falling = (1 + math.cos(math.pi * done)) / 2
    return largest * min(1.0, done * 20) * (_SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * falling)
