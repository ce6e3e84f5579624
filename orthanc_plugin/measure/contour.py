"""A mask of one slice in, the outline of its largest part as a closed polyline out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours, label

# Enough for any organ on a 512 x 512 slice, and a third of what viewers were seen to draw without trouble.
POINTS_MOST = 400
# Less than a corner is cut by (0.354), so straight sides stay; it doubles until the points are few enough.
TOLERANCE_FIRST_PX = 0.35


def largest_part(mask_yx: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part with most pixels; pixels that touch at a corner belong together."""
    parts = label(mask_yx, connectivity=2)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(parts == sizes.argmax())


def outline(mask_yx: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Closed (column, row) points around the largest part, the first pixel's centre at (0.5, 0.5)."""
    return contours(largest_part(mask_yx))[0]


def contours(mask_yx: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """As `outline`, around every part and every hole; what encloses most comes first."""
    return [thinned(line) for line in edges(mask_yx)]


def edges(mask_yx: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """As `contours`, with every point where a line turns."""
    [top, *_], [left, *_] = (np.flatnonzero(mask_yx.any(axis=axis)) for axis in (1, 0))
    around = np.pad(mask_yx[top:, left:], 1).astype(np.float32)
    # High connectivity keeps parts that touch at a corner within one line; holes give lines of their own.
    lines = find_contours(around, 0.5, fully_connected="high")
    lines.sort(key=lambda line: -abs(_enclosed_area(line)))
    # The padding put every index one up, the convention puts it half a pixel up.
    return [line[:, ::-1] + (left - 0.5, top - 0.5) for line in lines]


def thinned(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fewer points on nearly the same line, never fewer than a triangle."""
    tolerance_px = TOLERANCE_FIRST_PX
    kept = line
    while True:
        fewer = simplified(kept, tolerance_px)
        if len(fewer) < 4:
            return kept
        if len(fewer) <= POINTS_MOST:
            return fewer
        kept = fewer
        tolerance_px *= 2


def simplified(line: NDArray[np.float64], tolerance_px: float) -> NDArray[np.float64]:
    """The algorithm of Douglas and Peucker, which scikit-image has too, but a second of imports with it."""
    kept = np.zeros(len(line), bool)
    kept[[0, -1]] = True
    spans = [(0, len(line) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        along, away = line[last] - line[first], line[first + 1 : last] - line[first]
        share = np.clip(away @ along / max(along @ along, np.finfo(float).tiny), 0, 1)
        off = np.hypot(*(away - share[:, None] * along).T)
        farthest = int(off.argmax())
        if off[farthest] > tolerance_px:
            between = first + 1 + farthest
            kept[between] = True
            spans += [(first, between), (between, last)]
    return line[kept]


def _enclosed_area(line: NDArray[np.float64]) -> float:
    """The shoelace formula; its sign says which way round the line goes."""
    rows, columns = line[:, 0], line[:, 1]
    return float(np.dot(columns[:-1], rows[1:]) - np.dot(columns[1:], rows[:-1])) / 2
