"""Arteries and veins of one head: a seed in, paths out; and the map of what contrast they add, in HU, on 1 mm cubes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from export.phantoms.brain.anatomy import Floats, Random
from export.phantoms.stroke.head import ACA, CEREBELLUM, MCA, PCA

Points = NDArray[np.float64]
_STEP_MM = 0.8
_HALF_ZYX = (96, 108, 90)
"""Of the map, in mm around the middle of the brain."""

# Points (x, y, z) on the patient's left, which side and branch are mirrored and moved of: radius in mm where it begins
# and ends, whose territory it feeds (0: more than one).
_ARTERIES: tuple[tuple[tuple[tuple[float, float, float], ...], float, float, int], ...] = (
    (((20, -2, -78), (19, -8, -56), (11, -12, -40), (12, -20, -30), (11, -14, -20)), 2.4, 1.9, 0),
    (((11, -14, -20), (22, -16, -17), (33, -13, -15)), 1.6, 1.3, MCA),
    (((33, -13, -15), (39, -18, 0), (42, -30, 16), (54, -38, 22)), 1.2, 0.6, MCA),
    (((33, -13, -15), (40, -4, -2), (43, 4, 16), (57, -2, 26)), 1.2, 0.6, MCA),
    (((33, -13, -15), (41, 6, -6), (46, 28, 8), (56, 34, 18)), 1.2, 0.6, MCA),
    (((38, -6, -6), (44, 18, 22), (52, 20, 40)), 0.9, 0.5, MCA),
    (((11, -14, -20), (4, -26, -15), (3, -44, -4), (3, -50, 14), (4, -34, 32), (4, 0, 40), (4, 26, 42)), 1.3, 0.6, ACA),
    (((3, -48, 6), (6, -64, 18), (9, -60, 40)), 0.9, 0.5, ACA),
    (((4, -20, 36), (8, -18, 54)), 0.8, 0.5, ACA),
    (((1, -6, -22), (10, 2, -20), (20, 22, -14), (15, 44, -4), (10, 66, 4)), 1.3, 0.6, PCA),
    (((18, 26, -14), (30, 44, -14), (34, 58, -8)), 0.9, 0.5, PCA),
    (((1, -8, -42), (14, 8, -46), (28, 34, -44), (30, 58, -48)), 0.9, 0.5, CEREBELLUM),
    (((2, -4, -64), (14, 22, -66), (20, 50, -64)), 0.9, 0.5, CEREBELLUM),
    (((2, -4, -26), (16, 10, -26), (22, 38, -26)), 0.8, 0.5, CEREBELLUM),
)
_BASILAR = ((0.0, 2.0, -78.0), (0.0, -6.0, -50.0), (0.0, -8.0, -22.0))
_VEINS: tuple[tuple[tuple[tuple[float, float, float], ...], float], ...] = (
    (((2, 24, 7), (2, 4, 9), (3, -16, 8)), 0.9),
    (((0, 78, -12), (26, 74, -16), (46, 50, -20), (50, 26, -30), (40, 18, -54)), 3.0),
    (((6, 12, 50), (3, 20, 62)), 1.2),
    (((36, 10, 46), (10, 20, 60)), 1.0),
)


@dataclass(frozen=True, eq=False)
class Vessel:
    """`points` (n, 3) of z, y, x; `territory` is 0 where it feeds more than one, `side` 1 on the left, -1, or 0."""

    points: Points
    radii_mm: NDArray[np.float64]
    vein: bool
    territory: int = 0
    side: int = 0


def draw_vessels(rng: Random, half_zyx: tuple[float, float, float]) -> tuple[Vessel, ...]:
    """Both sides alike but for what differs in anybody; as large as the head."""
    size = np.array(half_zyx)[::-1] / (66, 84, 62)
    found = [_vessel(rng, _BASILAR, size, 1.7, 1.6)]
    for side in (1, -1):
        mirror = np.array([side, 1, 1]) * size
        found += [_vessel(rng, path, mirror, a, b, territory=whose, side=side) for path, a, b, whose in _ARTERIES]
        found += [_twig(rng, half_zyx, side) for _ in range(26)]
        thin = float(rng.uniform(0.5, 1.0)) if rng.random() < 0.5 else 1.0
        found += [_vessel(rng, path, mirror, mm * thin, mm * thin, vein=True) for path, mm in _VEINS]
    turn = np.linspace(-1.2, 1.45, 30)
    _, half_y, half_z = half_zyx[2], half_zyx[1], half_zyx[0]
    sinus = tuple((0.0, float(half_y * np.sin(t)) * 0.99, float(half_z * np.cos(t)) * 0.99) for t in turn)
    found.append(_vessel(rng, sinus, np.ones(3), 1.2, 3.4, vein=True))
    found.append(_vessel(rng, ((0, 30, 8), (0, 52, 0), (0, 76, -10)), size, 1.6, 2.0, vein=True))
    return tuple(found)


def _vessel(
    rng: Random, path: tuple[tuple[float, float, float], ...], stretch: Points, first_mm: float, last_mm: float, *,
    vein: bool = False, territory: int = 0, side: int = 0,
) -> Vessel:  # fmt: skip
    """Through the path's points, moved a little and winding between them."""
    corners = np.array(path, float) * stretch
    corners[1:-1] += rng.normal(0, 1.5, corners[1:-1].shape)
    steps = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], max(int(along[-1] / _STEP_MM), 2))
    points = np.stack([np.interp(wanted, along, corners[:, axis]) for axis in range(3)], axis=1)
    phase, length = rng.uniform(0, 6, 3), rng.uniform(10, 25, 3)
    points += 0.9 * np.sin(wanted[:, None] / length + phase) * np.minimum(wanted, along[-1] - wanted)[:, None] / 15
    radii = np.linspace(first_mm, last_mm, len(points)) * float(np.exp(rng.normal(0, 0.1)))
    return Vessel(points[:, ::-1], radii, vein, territory, side)


def _twig(rng: Random, half_zyx: tuple[float, float, float], side: int) -> Vessel:
    """A small one on the brain's surface, of whichever territory it lies in."""
    way = rng.normal(0, 1, 3)
    way[2] = side * (abs(way[2]) + 0.15)
    start = 0.97 * np.array(half_zyx) * way / np.linalg.norm(way)
    end = (start + rng.normal(0, 11, 3)) * 0.96
    return _vessel(rng, (tuple(start[::-1]), tuple(end[::-1])), np.ones(3), 0.7, 0.4, side=side)


@dataclass(frozen=True, eq=False)
class Enhanced:
    """HU that contrast in vessels adds, on cubes of 1 mm."""

    hu: Floats

    def at(self, places: Floats) -> Floats:
        index = places + np.array(_HALF_ZYX, np.float32).reshape(3, *[1] * (places.ndim - 1))
        found: Floats = map_coordinates(self.hu, index, order=1, mode="constant", output=np.float32)
        return found


def enhanced(filled: Iterator[tuple[Vessel, NDArray[np.float64]]]) -> Enhanced:
    """Of vessels with the HU in them, point by point."""
    grid = np.zeros([2 * half + 1 for half in _HALF_ZYX], np.float32)
    for vessel, hu in filled:
        at = vessel.points + np.array(_HALF_ZYX)
        cells = np.rint(at).astype(int)[:, None, :] + _around(float(vessel.radii_mm.max()))[None]
        away = np.linalg.norm(cells - at[:, None, :], axis=2)
        share = np.clip(vessel.radii_mm[:, None] - away + 0.5, 0, 1) * np.minimum(vessel.radii_mm[:, None] / 0.6, 1)
        inside = (share > 0) & ((cells >= 0) & (cells < grid.shape)).all(axis=2)
        z, y, x = cells[inside].T
        np.maximum.at(grid, (z, y, x), (share * hu[:, None])[inside].astype(np.float32))
    return Enhanced(grid)


def _around(radius_mm: float) -> NDArray[np.int64]:
    """(n, 3): what lies within as much of a voxel."""
    reach = np.arange(-int(radius_mm + 1), int(radius_mm + 1) + 1)
    return np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), axis=-1).reshape(-1, 3)
