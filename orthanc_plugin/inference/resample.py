"""Images in, the same images on another grid out: planes and slices scaled linearly, volumes laid on one another."""

from __future__ import annotations

from functools import lru_cache

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform


@lru_cache(maxsize=64)
def weights(length: int, source: int) -> NDArray[np.float32]:
    """Rows of weights (length, source) that scale a line: both have the same ends, and each row sums to one.

    Linear where it grows; where it shrinks the triangle is as much wider, so that nothing between is passed over.
    """
    reach = max(source / length, 1.0)
    centres = (np.arange(length) + 0.5) * source / length - 0.5
    if reach == 1.0:
        centres = np.clip(centres, 0, source - 1)
    away = np.abs(np.arange(source)[None, :] - centres[:, None])
    triangle = np.maximum(1 - away / reach, 0)
    rows: NDArray[np.float32] = (triangle / triangle.sum(axis=1, keepdims=True)).astype(np.float32)
    rows.setflags(write=False)
    return rows


def planes(images: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Images (…, rows, columns) in another matrix that covers the same field of view."""
    if images.shape[-2:] == shape:
        return images
    down, across = weights(shape[0], images.shape[-2]), weights(shape[1], images.shape[-1])
    scaled: NDArray[np.float32] = np.matmul(np.matmul(down, images), across.T)
    return scaled


class Slices:
    """A volume (slices, rows, columns) at another spacing, made slice by slice when asked for and kept for a while."""

    def __init__(self, voxels_zyx: NDArray[np.float32], shape_zyx: tuple[int, int, int]) -> None:
        self.shape_zyx = shape_zyx
        self._voxels_zyx = voxels_zyx
        self._made: dict[int, NDArray[np.float32]] = {}

    def take(self, start: int, stop: int) -> NDArray[np.float32]:
        """Slices from `start` on; what lies before it is not asked for again, and is forgotten."""
        for index in [index for index in self._made if index < start]:
            del self._made[index]
        for index in range(start, stop):
            if index not in self._made:
                self._made[index] = self._make(index)
        return np.stack([self._made[index] for index in range(start, stop)])

    def _make(self, index: int) -> NDArray[np.float32]:
        count = len(self._voxels_zyx)
        if self.shape_zyx[0] == count:
            plane = self._voxels_zyx[index]
        else:
            share = weights(self.shape_zyx[0], count)[index]
            [counted] = np.nonzero(share)
            first, last = counted[0], counted[-1] + 1
            plane = np.tensordot(share[first:last], self._voxels_zyx[first:last], 1)
        return planes(plane, self.shape_zyx[1:])


def on_grid(
    voxels_zyx: NDArray[np.float32], own: hd.VolumeGeometry, wanted: hd.VolumeGeometry, beyond: float
) -> NDArray[np.float32]:
    """A volume interpolated at the voxels of another grid of the same space; `beyond` its edges."""
    if own.geometry_equal(wanted):
        return voxels_zyx
    affine = hd.VolumeToVolumeTransformer(wanted, own).affine
    laid: NDArray[np.float32] = affine_transform(
        voxels_zyx,
        affine[:3, :3],
        affine[:3, 3],
        output_shape=wanted.spatial_shape,
        output=np.float32,
        order=1,
        cval=beyond,
    )
    return laid
