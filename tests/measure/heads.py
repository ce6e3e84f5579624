"""A head that formulas draw, as a CT of it in which it lies in any way, and masks on it.

Places are mm to the left, to the back and up from the anterior commissure of a brain as long, wide and high as an
average one (MNI 152).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import highdicom as hd
import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.imaging.volume import Volume
from tests.encode import making

Place = tuple[float, float, float]
AXIAL, OBLIQUE = making.AXIAL, making.OBLIQUE
FLIPPED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0)  # columns to the right, slices down
UPSIDE_DOWN = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
MIDDLE, HALF = (0.0, 17.0, 8.0), (69.0, 88.0, 72.0)
FALLS_DEGREES = 5.0
"""To the back; what the face takes of it makes its longest axis fall as that of an average brain."""


@dataclass(frozen=True)
class Lie:
    """Degrees about the axes to the left (a nod), to the back and up; `shift_mm` in LPS."""

    nod: float = 0.0
    tilt: float = 0.0
    turn: float = 0.0
    shift_mm: Place = (0.0, 0.0, 0.0)

    @property
    def axes(self) -> NDArray[np.float64]:
        """Columns: where left, back and up of the head lie in LPS."""
        made = np.eye(3)
        for axis, degrees in enumerate((self.nod, self.tilt, self.turn)):
            first, second = ((1, 2), (2, 0), (0, 1))[axis]
            cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
            one = np.eye(3)
            one[[first, second], [first, second]] = cos
            one[first, second], one[second, first] = -sin, sin
            made = one @ made
        return made

    def in_lps(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(places @ self.axes.T + self.shift_mm)

    def in_head(self, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((points_mm - self.shift_mm) @ self.axes)


STRAIGHT = Lie()


@cache
def scan(
    lie: Lie = STRAIGHT,
    orientation: tuple[float, ...] = AXIAL,
    step_mm: float = 3.0,
    cells: tuple[int, int, int] = (76, 76, 76),
    noise_hu: float = 8.0,
    up_to_mm: float | None = None,
) -> Volume:
    """A box of cubes around where a head lies that does not; `up_to_mm` is where the scan ends, of an axial one."""
    columns, rows = (np.array(orientation[at : at + 3]) for at in (0, 3))
    directions = np.stack([np.cross(columns, rows), rows, columns], axis=1)
    affine = np.eye(4)
    affine[:3, :3] = directions * step_mm
    affine[:3, 3] = np.array(MIDDLE) - affine[:3, :3] @ ((np.array(cells) - 1) / 2)
    if up_to_mm is not None:
        cells = (int((up_to_mm - affine[2, 3]) / step_mm), *cells[1:])
    geometry = hd.VolumeGeometry(affine, cells, "PATIENT", making.FRAME_OF_REFERENCE)
    hu = _hu(lie.in_head(_points_mm(geometry)))
    hu += np.random.default_rng(7).normal(0, noise_hu, hu.shape)
    return replace(making.volume((2, 8, 8)), voxels_zyx=hu.reshape(cells).astype(np.float32), geometry=geometry)


def ball(on: Volume, lie: Lie, place: Place, radius_mm: float) -> NDArray[np.bool_]:
    """The mask of what lies near a place of the head."""
    away = lie.in_head(_points_mm(on.geometry)) - place
    return np.asarray((np.linalg.norm(away, axis=1) < radius_mm).reshape(on.voxels_zyx.shape))


def darkened(on: Volume, mask: NDArray[np.bool_], by_hu: float = 10.0) -> Volume:
    """As an infarct darkens it."""
    return replace(on, voxels_zyx=on.voxels_zyx - np.float32(by_hu) * mask)


def _points_mm(geometry: hd.VolumeGeometry) -> NDArray[np.float64]:
    indices = np.stack(np.meshgrid(*map(np.arange, geometry.spatial_shape), indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(geometry.map_indices_to_reference(indices))


def _hu(places: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = places.T
    fallen = Lie(nod=FALLS_DEGREES).in_lps(places - MIDDLE) + MIDDLE
    aside, depth_mm = np.abs(x), (1 - _radius(fallen, MIDDLE, HALF)) * min(HALF)
    inside = depth_mm > 0
    made = np.full(len(places), -1000.0)
    made[(np.hypot(x, y - 25) < 50) & (z < -40) & (z > -100)] = 45  # neck
    made[depth_mm > -14] = 20
    made[(depth_mm > -8) & ~((np.hypot(x, y - 32) < 15) & (z < -50))] = 900
    made[inside] = 34
    made[inside & (aside < 2) & (z > -5)] = 8
    made[inside & (_radius(places, (12 * np.sign(x), 15, 18), (7, 34, 9)) < 1)] = 8
    made[inside & (y < 6) & (z < -28)] = 45  # face
    made[inside & (y < 6) & (z < -22) & (z > -28)] = 900
    made[_radius(places, (38 * np.sign(x), 18 + aside * 0.3, -38), (9, 14, 9)) < 1] = 1200
    return made


def _radius(places: NDArray[np.float64], middle: object, half: object) -> NDArray[np.float64]:
    """1 on the surface of an ellipsoid."""
    x, y, z = places.T
    (at_x, at_y, at_z), (wide, long, high) = middle, half  # type: ignore[misc]
    return np.asarray(np.sqrt(((x - at_x) / wide) ** 2 + ((y - at_y) / long) ** 2 + ((z - at_z) / high) ** 2))
