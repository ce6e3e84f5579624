"""One slice and its tissue in, whether the body was cut by the edge of the field of view out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

# Between air and the lightest fat; foam and blankets mostly lie below it.
BODY_LOWEST_HU = -300.0
AIR_HIGHEST_HU = -990.0
# Less of the edge in one piece is noise, or the shell of a table on which the body lies; a cut flank is far longer.
EDGE_RUN_LEAST_PX = 16


def cut(slice_hu: NDArray[np.float32], tissue_yx: NDArray[np.bool_]) -> bool:
    """True when the body that holds the tissue reaches the edge of what was reconstructed."""
    parts = label(slice_hu > BODY_LOWEST_HU)
    of_body = np.zeros(parts.max() + 1, bool)
    of_body[np.unique(parts[tissue_yx])] = True
    of_body[0] = False
    runs = label(of_body[parts] & _edge(slice_hu))
    return int(np.bincount(runs.ravel())[1:].max(initial=0)) >= EDGE_RUN_LEAST_PX


def _edge(slice_hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The outermost pixels: of the image, and of the circle where a scanner leaves the corners empty."""
    rows, columns = slice_hu.shape
    edge = np.zeros(slice_hu.shape, bool)
    edge[[0, -1], :] = True
    edge[:, [0, -1]] = True
    radius = min(rows, columns) / 2
    from_centre = np.hypot(*np.ogrid[0.5 - rows / 2 : rows / 2, 0.5 - columns / 2 : columns / 2])
    corners = slice_hu[from_centre > radius + 1]
    if corners.size and corners.max() <= AIR_HIGHEST_HU and np.ptp(corners) == 0:
        edge |= (from_centre > radius - 1) & (from_centre <= radius + 1)
    return edge
