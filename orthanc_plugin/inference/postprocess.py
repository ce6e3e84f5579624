"""What the networks say in, masks of the card's segments out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.routing.card import SegmentOutput


def masks(
    segments: Sequence[SegmentOutput], probability_ncyx: NDArray[np.float32], slices_hu: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Masks (segment, slice, row, column): the likeliest tissue where it passes its threshold and its HU range."""
    likeliest = probability_ncyx.argmax(axis=1)
    found = np.empty((len(segments), *slices_hu.shape), bool)
    for channel, segment in enumerate(segments):
        mask = found[channel]
        np.greater(probability_ncyx[:, channel], segment.threshold, out=mask)
        mask &= likeliest == channel
        if segment.hounsfield is not None:
            mask &= slices_hu >= segment.hounsfield.lowest
            mask &= slices_hu <= segment.hounsfield.highest
    return found
