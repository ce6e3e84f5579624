"""A volume in voxels of any size in, the same extent in cubes out, as near to whole ones as it goes."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from orthanc_plugin.inference.resample import Slices

Shape = tuple[int, int, int]
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
