"""A volume in, the axial slices that a stage takes out, with a `Placement` that knows the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.routing.card import Stage

AIR_HU = -1024.0
# Slices go towards the head, rows towards the back, columns towards the patient's left: what the networks saw.
AXIAL = ("H", "P", "L")


@dataclass(frozen=True)
class Placement:
    """How axial slices were fitted into a stage's matrix: scaled to (rows, columns), then padded at top and left."""

    shape: tuple[int, int]
    scaled: tuple[int, int]
    corner: tuple[int, int]
    matrix: tuple[int, int]

    def place(self, slices_hu: NDArray[np.float32]) -> NDArray[np.float32]:
        """Axial slices (n, rows, columns) as the stage's input (n, 1, rows, columns)."""
        scaled = _scale(slices_hu, self.scaled)
        if self.scaled == self.matrix:
            return scaled[:, np.newaxis]
        placed = np.full((len(slices_hu), 1, *self.matrix), AIR_HU, np.float32)
        placed[:, 0, *self._window()] = scaled
        return placed

    def take_back(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """A stage's maps (n, channels, rows, columns) on the axial slices' own matrix."""
        return _scale(maps[:, :, *self._window()], self.shape)

    def _window(self) -> tuple[slice, slice]:
        (top, left), (rows, columns) = self.corner, self.scaled
        return slice(top, top + rows), slice(left, left + columns)


@dataclass(frozen=True, eq=False)
class Axial:
    """The volume turned to axial slices, and the geometry to turn masks back with."""

    slices_hu: NDArray[np.float32]
    positions_mm: NDArray[np.float64]
    pixel_mm: tuple[float, float]
    turned: hd.VolumeGeometry
    source: hd.VolumeGeometry

    def to_source(self, masks_czyx: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Masks (channel, slice, row, column) of the axial slices on the source grid."""
        back = [
            self.turned.with_array(mask.astype(np.uint8)).match_orientation(self.source).array for mask in masks_czyx
        ]
        return np.stack(back).astype(bool)

    def source_slice(self, index: int) -> int | None:
        """The source slice that the axial slice `index` is, where the source's slices are axial."""
        corners = np.array([[index, 0, 0], [index, self.slices_hu.shape[1] - 1, self.slices_hu.shape[2] - 1]])
        at = self.source.map_reference_to_indices(self.turned.map_indices_to_reference(corners))
        first, last = np.rint(at[:, 0]).astype(int)
        return int(first) if first == last else None


def axial(volume: Volume) -> Axial:
    """Flips and swaps axes so that slices are axial; nothing is interpolated."""
    turned = volume.geometry.with_array(volume.voxels_zyx).to_patient_orientation(AXIAL)
    geometry = turned.get_geometry()
    along_mm = geometry.spacing[0] * np.arange(turned.spatial_shape[0], dtype=np.float64)
    return Axial(turned.array, along_mm, geometry.pixel_spacing, geometry, volume.geometry)


def placement(stage: Stage, shape: tuple[int, int], pixel_mm: tuple[float, float]) -> Placement:
    """Square pixels that make the longer side of the field of view fill the stage's matrix, centred."""
    matrix = (stage.rows, stage.columns)
    fov_mm = shape[0] * pixel_mm[0], shape[1] * pixel_mm[1]
    target_mm = max(fov_mm[0] / matrix[0], fov_mm[1] / matrix[1])
    scaled = round(fov_mm[0] / target_mm), round(fov_mm[1] / target_mm)
    if min(scaled) < 1:
        raise Unsuitable(
            f"The slices measure {fov_mm[0]:.0f} x {fov_mm[1]:.0f} mm, too narrow for the stage {stage.name}; "
            "the model needs whole slices."
        )
    corner = (matrix[0] - scaled[0]) // 2, (matrix[1] - scaled[1]) // 2
    return Placement(shape, scaled, corner, matrix)


def batches(stage: Stage, place: Placement, slices_hu: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The stage's inputs, `stage.batch` slices at a time, made when asked for."""
    for start in range(0, len(slices_hu), stage.batch):
        yield place.place(slices_hu[start : start + stage.batch])


def _scale(images: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    if images.shape[-2:] == shape:
        return images
    smaller = shape[0] < images.shape[-2] or shape[1] < images.shape[-1]
    flat = images.reshape(-1, *images.shape[-2:])
    scaled = [resize(image, shape, order=1, mode="edge", anti_aliasing=smaller) for image in flat]
    return np.stack(scaled).astype(np.float32, copy=False).reshape(*images.shape[:-2], *shape)
