"""Volumes in, slices as a stage takes them out, with a `Placement` that knows the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import highdicom as hd
import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.inference.intensity import UNTOUCHED, Scaling, scaling
from orthanc_plugin.inference.resample import on_grid, planes
from orthanc_plugin.routing.network import AS_ACQUIRED, Stage

AIR_HU = -1024.0
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True)
class Placement:
    """How slices were fitted into a stage's matrix: scaled to (rows, columns), then padded at top and left."""

    shape: tuple[int, int]
    scaled: tuple[int, int]
    corner: tuple[int, int]
    matrix: tuple[int, int]

    def place(self, slices: NDArray[np.float32], beyond: float) -> NDArray[np.float32]:
        """Slices (…, rows, columns) in the stage's matrix, with the value `beyond` around them."""
        scaled = planes(slices, self.scaled)
        if self.scaled == self.matrix:
            return scaled
        placed = np.full((*slices.shape[:-2], *self.matrix), beyond, np.float32)
        placed[(..., *self._window())] = scaled
        return placed

    def take_back(self, maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """A stage's maps (…, rows, columns) on the slices' own matrix; maps may be coarser than the matrix."""
        whole = planes(maps, self.matrix)
        return planes(whole[(..., *self._window())], self.shape)

    def peak(self, map_yx: NDArray[np.float32]) -> tuple[float, float]:
        """Where the largest value of a stage's map lies on the slice itself, (row, column) from its upper left corner.

        Linear interpolation has its largest value in the middle of a cell, so no map as large as the slice is needed.
        """
        rows, columns = (
            (np.arange(cells) + 0.5) * whole / cells - corner
            for cells, whole, corner in zip(map_yx.shape, self.matrix, self.corner, strict=True)
        )
        beyond = ((rows < 0) | (rows > self.scaled[0]))[:, None] | ((columns < 0) | (columns > self.scaled[1]))[None, :]
        row, column = np.unravel_index(int(np.where(beyond, -np.inf, map_yx).argmax()), map_yx.shape)
        return (
            float(np.clip(rows[row], 0, self.scaled[0]) * self.shape[0] / self.scaled[0]),
            float(np.clip(columns[column], 0, self.scaled[1]) * self.shape[1] / self.scaled[1]),
        )

    def _window(self) -> tuple[slice, slice]:
        (top, left), (rows, columns) = self.corner, self.scaled
        return slice(top, top + rows), slice(left, left + columns)


@dataclass(frozen=True, eq=False)
class Turned:
    """A volume turned as a stage wants it, nothing interpolated, and the geometry to turn masks back with."""

    voxels_zyx: NDArray[np.float32]
    turned: hd.VolumeGeometry
    source: hd.VolumeGeometry

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        slices, rows, columns = self.turned.spacing
        return slices, rows, columns

    @property
    def positions_mm(self) -> NDArray[np.float64]:
        """Of the slices, in the direction in which they run."""
        return self.turned.spacing[0] * np.arange(len(self.voxels_zyx), dtype=np.float64)

    def to_source(self, grid_zyx: NDArray[Scalar], /) -> NDArray[Scalar]:
        """What lies on the voxels of the turned volume, on the source grid."""
        storable = grid_zyx.view(np.uint8) if grid_zyx.dtype == np.bool_ else grid_zyx
        back = self.turned.with_array(storable).match_orientation(self.source).array
        return np.ascontiguousarray(back).view(grid_zyx.dtype)

    def slice_to_source(self, index: int, map_yx: NDArray[np.float32]) -> NDArray[np.float32]:
        """A map of one slice, turned as its source slice is."""
        alone = self.turned[index : index + 1].with_array(map_yx[np.newaxis])
        [back] = alone.match_orientation(self.source).array
        return np.asarray(back, np.float32)

    def source_slice(self, index: int) -> int | None:
        """The source slice that the slice `index` is, where the source was acquired in these slices."""
        corners = np.array([[index, 0, 0], [index, self.voxels_zyx.shape[1] - 1, self.voxels_zyx.shape[2] - 1]])
        at = self.source.map_reference_to_indices(self.turned.map_indices_to_reference(corners))
        first, last = np.rint(at[:, 0]).astype(int)
        return int(first) if first == last else None


@dataclass(frozen=True, eq=False)
class Channel:
    """One role as a stage sees it: its voxels on the grid of the first, how they are scaled, what lies beyond them."""

    voxels_zyx: NDArray[np.float32]
    scaling: Scaling
    beyond: float


def turn(volume: Volume, orientation: str = "HPL") -> Turned:
    """Flips and swaps axes so that slices, rows and columns run as the letters say."""
    if orientation == AS_ACQUIRED:
        return Turned(volume.voxels_zyx, volume.geometry, volume.geometry)
    turned = volume.geometry.with_array(volume.voxels_zyx).to_patient_orientation(tuple(orientation))
    return Turned(turned.array, turned.get_geometry(), volume.geometry)


def channels(stage: Stage, volumes: Mapping[str, Volume], first: Turned) -> tuple[Channel, ...]:
    """The stage's roles, which lie in one space, on the grid of the first; zeros for one that is missing."""
    made = []
    for role in stage.roles:
        if role not in volumes:
            made.append(Channel(np.broadcast_to(np.float32(0), first.voxels_zyx.shape), UNTOUCHED, 0.0))
            continue
        volume = volumes[role]
        beyond = AIR_HU if volume.headers and volume.headers[0].Modality == "CT" else float(volume.voxels_zyx.min())
        voxels = first.voxels_zyx
        if role != stage.roles[0]:
            voxels = on_grid(volume.voxels_zyx, volume.geometry, first.turned, beyond)
        made.append(Channel(voxels, scaling(stage.intensity, volume.voxels_zyx), beyond))
    return tuple(made)


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


def placed(stage: Stage, place: Placement, seen: Sequence[Channel], start: int, stop: int) -> NDArray[np.float32]:
    """The stage's input (n, channels, rows, columns) for the slices from `start` on, with neighbours where it wants."""
    wing, count = stage.depth // 2, len(seen[0].voxels_zyx)
    first, last = max(start - wing, 0), min(stop + wing, count)
    rows = []
    for channel in seen:
        slices = channel.scaling(place.place(channel.voxels_zyx[first:last], channel.beyond))
        for offset in range(-wing, wing + 1):
            rows.append(slices[np.clip(np.arange(start, stop) + offset, first, last - 1) - first])
    return np.stack(rows, axis=1)
