"""A volume in voxels of any size in, the same extent in cubes out, as near to whole ones as it goes."""

from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from orthanc_plugin.inference.patches import Windows
from orthanc_plugin.inference.resample import Slices

Shape = tuple[int, int, int]
OVERLAP = 0.5
Label = TypeVar("Label", np.bool_, np.uint8)


def shape_in_cubes(shape: tuple[int, ...], own_mm: tuple[float, ...], step_mm: float) -> Shape:
    slices, rows, columns = (max(round(length * own / step_mm), 1) for length, own in zip(shape, own_mm, strict=True))
    return slices, rows, columns


def values_in_cubes(values: NDArray[np.float32], shape: Shape) -> NDArray[np.float32]:
    """By the node's own code."""
    return Slices(values, shape).take(0, shape[0])


def labels_in_cubes(labels: NDArray[Label], shape: Shape) -> NDArray[Label]:
    """What lies nearest to the middle of each cube."""
    zoom = np.array(labels.shape) / shape
    offset = (zoom - 1) / 2
    near = affine_transform(labels.astype(np.uint8), zoom, offset, output_shape=shape, order=0, mode="nearest")
    return np.asarray(near, labels.dtype)


def tiles(values: NDArray[np.float32], patch: Shape, beyond: float) -> NDArray[np.float32]:
    """(channel, slice, row, column) to (tile, channel, …): the node's patches of it, `beyond` around it."""
    own = values.shape[1:]
    windows = Windows((own[0], own[1], own[2]), patch, OVERLAP)
    spans = zip(windows.corner, windows.padded, own, strict=True)
    around = [(before, whole - before - length) for before, whole, length in spans]
    padded = np.pad(values, [(0, 0), *around], constant_values=beyond)
    starts = product(*(windows.starts(axis) for axis in range(3)))
    spaces = (tuple(slice(at, at + side) for at, side in zip(start, patch, strict=True)) for start in starts)
    return np.stack([padded[:, *space] for space in spaces])
