"""How the learning rate goes over a training."""

import math

_SMALLEST_SHARE = 0.02  # of the rate, at the end


def learning_rate(largest: float, done: float) -> float:
    """Rises over the first twentieth, then falls along a cosine; `done` is the share of the training that is behind."""
    falling = (1 + math.cos(math.pi * done)) / 2
    return largest * min(1.0, done * 20) * (_SMALLEST_SHARE + (1 - _SMALLEST_SHARE) * falling)
