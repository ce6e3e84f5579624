"""What the network is held against: cubic splines along the slices."""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from export.phantoms.ageing.thick import FINER

Floats = NDArray[np.float32]


def cubic(thick: Floats) -> Floats:
    """Beyond the middles of the first slice and the last one these go on as they are."""
    count = len(thick)
    places = (np.arange(count * FINER) + 0.5) / FINER - 0.5
    spline = make_interp_spline(np.arange(count), thick, k=3, axis=0)
    return np.asarray(np.maximum(spline(np.clip(places, 0, count - 1)), 0), np.float32)
