"""Maps of a network in, masks of the card's segments out, by the steps that the card names, in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, label
from scipy.special import expit, softmax

from orthanc_plugin.routing.network import (
    Activate,
    Fill,
    Hounsfield,
    LargestComponent,
    Likeliest,
    RemoveSmall,
    Unite,
)
from orthanc_plugin.routing.outputs import SegmentOutput, Segments

ACTIVATIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "softmax": lambda maps: softmax(maps, axis=1),
    "sigmoid": expit,
}
THRESHOLD = 0.5
OnMasks = Hounsfield | LargestComponent | RemoveSmall | Fill
# Voxels that touch at a corner belong together.
TOUCHING = np.ones((3, 3, 3), bool)
TOUCHING_IN_SLICE = TOUCHING & np.array([False, True, False])[:, None, None]
NOT_KNOWN = (np.inf, np.inf, np.inf)


def channels(segments: Segments) -> int:
    return len(segments.items) + segments.background


def decided(segments: Segments, maps_ncyx: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Masks (segment, n, row, column) of some slices: the steps up to the one that makes masks of maps."""
    return masks(segments, activated(segments, maps_ncyx))


def activated(segments: Segments, maps_ncyx: NDArray[np.float32]) -> NDArray[np.float32]:
    maps = maps_ncyx
    for step in segments.steps:
        if isinstance(step, Activate):
            maps = ACTIVATIONS[step.step](maps)
    return maps


def masks(segments: Segments, activated_ncyx: NDArray[np.float32]) -> NDArray[np.bool_]:
    if any(isinstance(step, Likeliest) for step in segments.steps):
        return _likeliest(segments, activated_ncyx)
    return _passing(segments.items, of_segments(segments, activated_ncyx))


def refined(
    segments: Segments,
    masks_szyx: NDArray[np.bool_],
    voxels_zyx: NDArray[np.float32],
    spacing_mm: tuple[float, float, float] | None,
) -> NDArray[np.bool_]:
    """The same masks after the steps that work on masks; where no spacing is known, no part is too small."""
    refined_szyx = masks_szyx.copy()
    numbers = {item.label: number for number, item in enumerate(segments.items)}
    for step in segments.steps:
        if isinstance(step, OnMasks):
            mask_zyx = refined_szyx[numbers[step.segment]]
            mask_zyx[...] = _refined(step, mask_zyx, voxels_zyx, spacing_mm or NOT_KNOWN)
        elif isinstance(step, Unite):
            refined_szyx = _united(refined_szyx)
    return refined_szyx


def _united(masks_szyx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, count = label(masks_szyx.any(axis=0), TOUCHING_IN_SLICE)
    sizes = np.stack([np.bincount(parts[mask_zyx], minlength=count + 1) for mask_zyx in masks_szyx])
    winner = np.where(sizes.any(axis=0), sizes.argmax(axis=0), -1)[parts]
    return np.stack([winner == number for number in range(len(masks_szyx))])


def _refined(
    step: OnMasks,
    mask_zyx: NDArray[np.bool_],
    voxels_zyx: NDArray[np.float32],
    spacing_mm: tuple[float, float, float],
) -> NDArray[np.bool_]:
    match step:
        case Hounsfield():
            return mask_zyx & within(voxels_zyx, step.range.least, step.range.most)
        case LargestComponent():
            return _parts(mask_zyx, _first_largest)
        case RemoveSmall():
            if step.least_mm2 is None:
                return _parts(mask_zyx, lambda sizes: sizes * np.prod(spacing_mm) >= step.least)
            return _parts(mask_zyx, lambda sizes: sizes * np.prod(spacing_mm[1:]) >= step.least, TOUCHING_IN_SLICE)
        case Fill():
            return np.stack([binary_fill_holes(mask_yx) for mask_yx in mask_zyx])


def _first_largest(sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.asarray(np.arange(len(sizes)) == sizes.argmax())


def _likeliest(segments: Segments, maps: NDArray[np.float32]) -> NDArray[np.bool_]:
    winner = maps.argmax(axis=1)
    shares = of_segments(segments, maps)
    masks = np.stack([winner == number + segments.background for number in range(len(segments.items))])
    for number, item in enumerate(segments.items):
        if item.threshold is not None:
            masks[number] &= shares[number] > item.threshold
    return masks


def _passing(items: Sequence[SegmentOutput], of_segments: NDArray[np.float32]) -> NDArray[np.bool_]:
    thresholds = [THRESHOLD if item.threshold is None else item.threshold for item in items]
    return np.stack([maps > threshold for maps, threshold in zip(of_segments, thresholds, strict=True)])


def of_segments(segments: Segments, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Segment first, without the background."""
    return np.moveaxis(maps, 1, 0)[int(segments.background) :]


def within(values: NDArray[np.float32], least: float | None, most: float | None) -> NDArray[np.bool_]:
    inside = np.ones(values.shape, bool)
    if least is not None:
        inside &= values >= least
    if most is not None:
        inside &= values <= most
    return inside


def _parts(
    mask_zyx: NDArray[np.bool_],
    kept: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
    touching: NDArray[np.bool_] = TOUCHING,
) -> NDArray[np.bool_]:
    """The connected parts whose sizes in voxels are to be kept; of several largest the first in the volume."""
    parts, count = label(mask_zyx, touching)
    if not count:
        return mask_zyx
    keeps = np.zeros(count + 1, bool)
    keeps[1:] = kept(np.bincount(parts.ravel())[1:])
    return np.asarray(keeps[parts])
