"""A CT of a head in, the plane that parts its left from its right out, in millimetres of the patient (LPS).

It is the plane on which the brain and what lies around it is most like its own mirror image: searched on smoothed
coarse cells, first over a grid of turns and shifts, then downhill from the best of them. Cells of the brain alone are
held against their mirror images, since scalp and skull may be lopsided where the brain is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_dilation,
    binary_erosion,
    binary_opening,
    gaussian_filter,
    generate_binary_structure,
    label,
    map_coordinates,
)
from scipy.optimize import minimize

from orthanc_plugin.imaging.volume import Volume

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]

CELL_MM, SAMPLE_MM = 4.0, 1.0
"""A cell is the mean of samples about as far apart as that; both as far as the voxels are not larger."""
LEAST_HU, MOST_HU = -100.0, 400.0
"""Beyond these a voxel says no more of where a head lies: air is as dark as fat, metal as bright as bone."""
BODY_HU, SOFT_HU = -50.0, (-20.0, 150.0)
ALIKE_MOST_HU = 150.0
"""What is brighter is bone or contrast, and alike on both sides however bright."""
SMOOTHED_MM = 4.0
HEAD_HIGH_MM = 175.0
"""From the crown down to the base of the skull of a large head; what lies below turns by itself."""
THINNED = 3
"""Cells by which what is soft has to reach further than to count as brain, not as scalp or as what leads out."""
FARTHEST_DEGREES, STEP_DEGREES, SHIFTS_MM = 30.0, 10.0, (-6.0, 0.0, 6.0)
LOOKED_AT_FIRST, LOOKED_AT, TRIES = 2000, 4000, 40
ARM_MM = 80.0
"""How far from the middle a turn is told in mm, so that turns and shifts are of one size."""
HARDLY_SCANNED = 1e6
TOUCHING = generate_binary_structure(3, 3)


@dataclass(frozen=True, eq=False)
class Cells:
    """A volume made coarse: mean HU, and the affine from (slice, row, column) of cells to LPS millimetres."""

    hu_zyx: NDArray[np.float32]
    affine: Points

    @cached_property
    def inverse(self) -> Points:
        return np.asarray(np.linalg.inv(self.affine), np.float64)

    @property
    def spacing_mm(self) -> Points:
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    def places_mm(self, mask: Mask) -> Points:
        """(n, 3) of x, y, z of the cells in a mask."""
        return np.asarray(np.argwhere(mask) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def indices(self, places_mm: Points) -> Points:
        return np.asarray(places_mm @ self.inverse[:3, :3].T + self.inverse[:3, 3])

    def scanned(self, indices: Points) -> Mask:
        return np.asarray(((indices >= -0.5) & (indices <= np.array(self.hu_zyx.shape) - 0.5)).all(axis=1))


@dataclass(frozen=True, eq=False)
class Midplane:
    """`left` is the unit vector that points to the patient's left, `on_it_mm` a point of the plane near the middle.

    `brain` are the cells of what is soft within the skull, as far as the head is high.
    """

    left: Points
    on_it_mm: Points
    cells: Cells
    brain: Mask


def midplane(volume: Volume) -> Midplane | None:
    """None where nothing soft lies within something like a head."""
    cells = coarse(volume)
    body = largest(binary_opening(cells.hu_zyx > BODY_HU, TOUCHING))
    if not body.any():
        return None
    high = _above(cells, cells.places_mm(body)[:, 2].max() - HEAD_HIGH_MM)
    soft = high & (cells.hu_zyx > SOFT_HU[0]) & (cells.hu_zyx < SOFT_HU[1])
    core = largest(binary_erosion(soft, iterations=THINNED))
    if not core.any():
        return None
    smooth = gaussian_filter(np.minimum(cells.hu_zyx, ALIKE_MOST_HU), SMOOTHED_MM / cells.spacing_mm)
    mirror = Mirror.of(replace(cells, hu_zyx=smooth), core)
    found = mirror.nearest(mirror.first())
    left = _normal(found)
    return Midplane(left, mirror.middle_mm + found[2] * left, cells, soft & binary_dilation(core, iterations=THINNED))


def coarse(volume: Volume) -> Cells:
    spacing = np.array(volume.spacing_zyx_mm)
    steps = np.maximum((SAMPLE_MM / spacing + 1e-6).astype(int), 1)
    blocks = np.maximum(np.rint(CELL_MM / (spacing * steps)).astype(int), 1)
    samples = volume.voxels_zyx[tuple(slice(None, None, step) for step in steps)]
    blocks = np.minimum(blocks, samples.shape)
    counts = np.array(samples.shape) // blocks
    kept = samples[tuple(slice(count * block) for count, block in zip(counts, blocks, strict=True))]
    parted = np.clip(kept, LEAST_HU, MOST_HU).reshape(np.stack([counts, blocks], axis=1).ravel())
    affine = np.array(volume.geometry.affine, np.float64)
    affine[:3, 3] += affine[:3, :3] @ (steps * (blocks - 1) / 2)
    affine[:3, :3] *= steps * blocks
    return Cells(parted.mean(axis=(1, 3, 5)), affine)


def largest(mask: Mask) -> Mask:
    """The part with most cells; none of an empty mask."""
    parts, _ = label(mask)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray((parts == sizes.argmax()) & mask)


def _above(cells: Cells, height_mm: float) -> Mask:
    heights = cells.places_mm(np.ones(cells.hu_zyx.shape, bool))[:, 2]
    return np.asarray((heights > height_mm).reshape(cells.hu_zyx.shape))


@dataclass(frozen=True, eq=False)
class Mirror:
    """Cells that are held against their mirror images; a plane is its two turns (radians) and its shift (mm)."""

    cells: Cells
    middle_mm: Points
    places_mm: Points
    hu: NDArray[np.float32]

    @classmethod
    def of(cls, cells: Cells, mask: Mask) -> Mirror:
        places_mm = cells.places_mm(mask)
        return cls(cells, places_mm.mean(axis=0), places_mm, cells.hu_zyx[mask])

    def first(self) -> Points:
        """The best of a grid of turns and shifts."""
        few = self._fewer(LOOKED_AT_FIRST)
        turns = np.deg2rad(np.arange(-FARTHEST_DEGREES, FARTHEST_DEGREES + 1, STEP_DEGREES))
        planes = [(about_up, about_back, mm) for about_up in turns for about_back in turns for mm in SHIFTS_MM]
        return np.array(min(planes, key=few.unlikeness))

    def nearest(self, plane: Points) -> Points:
        """The best one that leads down from a plane."""
        fewer, unit = self._fewer(LOOKED_AT), np.array([1 / ARM_MM, 1 / ARM_MM, 1.0])
        corners = plane / unit + np.array([[0, 0, 0], [6, 0, 0], [0, 6, 0], [0, 0, 3]], np.float64)
        found = minimize(
            lambda at: fewer.unlikeness(at * unit),
            corners[0],
            method="Nelder-Mead",
            options={"initial_simplex": corners, "maxfev": TRIES, "xatol": 0.2, "fatol": 0.0},
        )
        return np.asarray(found.x * unit)

    def unlikeness(self, plane: Sequence[float] | Points) -> float:
        """Mean difference in HU from what lies mirrored, of what lies within the scan there too."""
        normal = _normal(plane)
        away_mm = (self.places_mm - self.middle_mm) @ normal - plane[2]
        indices = self.cells.indices(self.places_mm - 2 * away_mm[:, None] * normal)
        scanned = self.cells.scanned(indices)
        if scanned.mean() < 0.5:
            return HARDLY_SCANNED
        mirrored = map_coordinates(self.cells.hu_zyx, indices[scanned].T, order=1, mode="nearest")
        return float(np.abs(mirrored - self.hu[scanned]).mean())

    def _fewer(self, most: int) -> Mirror:
        every = max(len(self.hu) // most, 1)
        return replace(self, places_mm=self.places_mm[::every], hu=self.hu[::every])


def _normal(plane: Sequence[float] | Points) -> Points:
    """To the left, turned about the axis that points up, then about the one that points back."""
    about_up, about_back = plane[0], plane[1]
    return np.array([np.cos(about_up) * np.cos(about_back), np.sin(about_up) * np.cos(about_back), np.sin(about_back)])
