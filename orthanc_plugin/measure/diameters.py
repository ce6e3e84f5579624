"""A closed contour in, its longest axis and the longest one across it out, exact on the points of the contour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

Points = NDArray[np.float64]
# Of places along the long axis; what differs further behind is rounding.
DECIMALS = 9


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
    along = np.round(line[:, 0], DECIMALS)
    places, of_point = np.unique(along, return_inverse=True)
    edges, spans = _crossings(*np.sort([of_point[:-1], of_point[1:]], axis=0))
    slopes = np.diff(line[:, 1])[edges] / np.diff(along)[edges]
    at_left, at_right = (line[edges, 1] + (places[spans + side] - along[edges]) * slopes for side in (0, 1))
    # A closed line crosses between two places an even number of times: into the shape and out of it by turns.
    ordered = np.lexsort((at_left + at_right, spans))
    into, out_of = ordered[0::2], ordered[1::2]
    lengths = np.stack([at[out_of] - at[into] for at in (at_left, at_right)], axis=1)
    piece, side = np.unravel_index(int(lengths.argmax()), lengths.shape)
    at = (at_left, at_right)[side]
    return float(places[spans[into[piece]] + side]), float(at[into[piece]]), float(at[out_of[piece]])


def _crossings(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each edge with each span between neighbouring places that it crosses, from the place of its one end on."""
    counts = ends - begins
    edges = np.repeat(np.arange(len(counts)), counts)
    return edges, begins[edges] + np.arange(len(edges)) - np.repeat(np.cumsum(counts) - counts, counts)
