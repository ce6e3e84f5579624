"""A closed contour in, its longest axis and the longest one across it out, exact on the points of the contour."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

Points = NDArray[np.float64]
# Points closer than this along the long axis are one place; the rest is rounding.
SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Axes:
    """Lengths in the unit of the spacing; `ends_xy` are the ends of the long axis, then those of the short one.

    The short axis stands on the long one at a right angle and lies within the contour.
    """

    long: float
    short: float
    ends_xy: Points


def axes(contour_xy: Points, spacing_yx: tuple[float, float]) -> Axes:
    """`contour_xy` holds (column, row) points, the last of which is the first."""
    scale_xy = np.array([spacing_yx[1], spacing_yx[0]])
    points = contour_xy * scale_xy
    start, end = _furthest(points)
    long = float(np.linalg.norm(end - start))
    along = (end - start) / long
    across = np.array([-along[1], along[0]])
    place, least, most = _widest(np.stack([(points - start) @ along, (points - start) @ across], axis=1))
    short_ends = [start + place * along + reach * across for reach in (least, most)]
    return Axes(long, most - least, np.array([start, end, *short_ends]) / scale_xy)


def _furthest(points: Points) -> tuple[Points, Points]:
    """The two points furthest from one another; of several pairs the one that reading order puts first."""
    corners = np.unique(points[ConvexHull(points).vertices], axis=0)
    distances = squareform(pdist(corners))
    first, second = np.unravel_index(int(distances.argmax()), distances.shape)
    return corners[first], corners[second]


def _widest(line: Points) -> tuple[float, float, float]:
    """Of a closed line of (along, across): where along it is widest in one piece, and that piece's two ends across.

    Between two neighbouring places of points the edges are straight, so a piece is longest at one of the two.
    """
    before, after = line[:-1], line[1:]
    low, high = np.minimum(before[:, 0], after[:, 0]), np.maximum(before[:, 0], after[:, 0])
    places = np.unique(line[:, 0])
    widest = (0.0, 0.0, 0.0)
    for left, right in pairwise(places):
        if right - left < SAME:
            continue
        spanning = (low <= left + SAME) & (high >= right - SAME) & (high - low > SAME)
        at = np.stack([_crossing(before[spanning], after[spanning], place) for place in (left, right)])
        ordered = at[:, np.argsort(at.sum(axis=0), kind="stable")]
        lengths = ordered[:, 1::2] - ordered[:, 0::2]
        side, piece = np.unravel_index(int(lengths.argmax()), lengths.shape)
        if lengths[side, piece] > widest[2] - widest[1] + SAME:
            widest = (float((left, right)[side]), float(ordered[side, 2 * piece]), float(ordered[side, 2 * piece + 1]))
    return widest


def _crossing(before: Points, after: Points, place: float) -> Points:
    """How far across each edge is at a place along."""
    share = (place - before[:, 0]) / (after[:, 0] - before[:, 0])
    return np.asarray(before[:, 1] + share * (after[:, 1] - before[:, 1]))
