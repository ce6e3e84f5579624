"""Activated maps of segments in, probabilities out: as the network gave them, and as the soft boundary of a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from orthanc_plugin.inference.network import Network
from orthanc_plugin.inference.postprocess import of_segments, within
from orthanc_plugin.routing.network import Hounsfield
from orthanc_plugin.routing.outputs import Segments

# What float32 and float16 leave a softmax within the graph beside 0 and 1.
ROUNDING = 1e-3
# So far from a mask its boundary may reach: two of the coarser voxels that networks work on. What lies further off
# is another structure, or the little that a softmax leaves everywhere.
REACH_MM = 5.0
# The same on images that state no spacing.
REACH_PIXELS = 8


def probabilities(segments: Segments, activated_ncyx: NDArray[np.float32], network: Network) -> NDArray[np.float32]:
    """Of the segments (segment, n, row, column), each within 0 and 1."""
    found = of_segments(segments, activated_ncyx)
    if found.size and (found.min() < -ROUNDING or found.max() > 1 + ROUNDING):
        raise network.broken(f"answers {segments.source.output} outside 0 to 1 after all activations of the card")
    return np.clip(found, 0, 1)


def boundary(
    probability_zyx: NDArray[np.float32],
    decided_zyx: NDArray[np.bool_],
    refined_zyx: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float] | None,
) -> NDArray[np.float32]:
    """The probability around the refined mask; what the steps on masks took away is 0, what they gave is 1."""
    near = refined_zyx
    for axis, length in enumerate(refined_zyx.shape):
        reach = REACH_PIXELS if spacing_mm is None else int(np.ceil(REACH_MM / spacing_mm[axis]))
        if length > 1:
            near = maximum_filter1d(near, 2 * reach + 1, axis=axis, mode="constant")
    taken_away = decided_zyx & ~refined_zyx
    soft = np.where(near & ~taken_away, probability_zyx, np.float32(0))
    soft[refined_zyx & ~decided_zyx] = 1
    return soft


def outside(segments: Segments, label: str, voxels_zyx: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the segment can't be by the values of the voxels, unless a step after that one gave them back."""
    excluded = np.zeros(voxels_zyx.shape, bool)
    for step in segments.steps:
        if isinstance(step, Hounsfield) and step.segment == label:
            excluded |= ~within(voxels_zyx, step.range.least, step.range.most)
    return excluded
