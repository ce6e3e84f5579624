"""Maps of where a network looked in, the same from 0 to 1 as viewers draw them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.routing.outputs import HeatMap

LOOKED_AT = 4  # of several maps every n-th pixel tells the middle


@dataclass(frozen=True)
class Scale:
    """What of the maps becomes 0, and how far beyond it 1 lies."""

    middle: float = 0.0
    reach: float = 1.0

    def of(self, heat_yx: NDArray[np.float32]) -> NDArray[np.float32]:
        beyond = np.maximum(heat_yx - np.float32(self.middle), 0)
        return np.asarray(beyond / np.float32(self.reach), np.float32)


def scale_of(wanted: HeatMap, heats_yx: Sequence[NDArray[np.float32]]) -> Scale:
    """From the median of all to their peak, so that they compare; probabilities stay as they are."""
    if wanted.quantity == "probability":
        return Scale()
    step = LOOKED_AT if len(heats_yx) > 1 else 1
    middle = float(np.median(np.concatenate([heat_yx[::step, ::step].ravel() for heat_yx in heats_yx])))
    return Scale(middle, max(float(heat_yx.max()) for heat_yx in heats_yx) - middle or 1.0)
