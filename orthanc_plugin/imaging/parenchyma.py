"""A sector in, where even tissue can be looked at out: windows all over it, and those of them that are most even."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from orthanc_plugin.imaging.sector import Sector

Numbers = NDArray[np.int64]
# Speckle is smoothed away, so that what is left uneven are vessels, walls and shadows.
SMOOTHED_PX = 4.0
STEP_PX = 8
# Near the probe lie skin and muscle, far from it the echoes fade: liver is looked for between, as shares of the depth.
NEAREST, FURTHEST = 0.22, 0.6
# Darker than most is a vessel, a shadow or the far field, brighter than nearly all is a wall or the diaphragm.
DARKEST_PERCENT, BRIGHTEST_PERCENT = 35, 97
VESSEL_SHARE_MOST = 0.03


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels; `left` and `top` are those of its first pixel."""

    left: int
    top: int
    width: int
    height: int

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def covers(self, other: Box) -> bool:
        """Whether they share a pixel."""
        return (
            max(self.left, other.left) < min(self.left + self.width, other.left + other.width)
            and max(self.top, other.top) < min(self.top + self.height, other.top + other.height)
        )  # fmt: skip

    @property
    def contour_xy(self) -> NDArray[np.float64]:
        """Closed, as SCOORD has it: the first pixel's centre is (0.5, 0.5)."""
        left, top, right, bottom = self.left, self.top, self.left + self.width, self.top + self.height
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], np.float64)


@dataclass(frozen=True, eq=False)
class Windows:
    """All windows of one size, `STEP_PX` apart, that lie within a sector and between the depths of the liver."""

    sector: Sector
    height: int
    width: int

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        return tuple(
            Box(int(left), int(top), self.width, self.height) for top, left in zip(*self._corners, strict=True)
        )

    def even(self) -> tuple[Box, ...]:
        """Those that are neither dark nor full of vessels, the most even first."""
        if not len(self._corners[0]):
            return ()
        inside = self._smoothed[self.sector.inside_yx]
        darkest, brightest = np.percentile(inside, (DARKEST_PERCENT, BRIGHTEST_PERCENT))
        means = self._means(self._smoothed)
        vessels = self._means((self._smoothed < np.percentile(inside, 12)).astype(np.float64))
        fitting = (means > darkest) & (means < brightest) & (vessels < VESSEL_SHARE_MOST)
        spread = self._means(self._smoothed**2) - means**2
        order = np.argsort(np.where(fitting, spread, np.inf), kind="stable")
        return tuple(self.boxes[number] for number in order[: int(fitting.sum())])

    def apart(self, most: int) -> tuple[Box, ...]:
        """The most even ones of which none covers another."""
        found: list[Box] = []
        for box in self.even():
            if len(found) == most:
                break
            if not any(box.covers(other) for other in found):
                found.append(box)
        return tuple(found)

    @cached_property
    def _smoothed(self) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(self.sector.grey_yx.astype(np.float64), SMOOTHED_PX))

    @cached_property
    def _corners(self) -> tuple[Numbers, Numbers]:
        """Tops and lefts."""
        rows, columns = self.sector.inside_yx.shape
        first, last = self.sector.rows
        tops = np.arange(0, rows - self.height + 1, STEP_PX)
        middle = tops + self.height / 2
        tops = tops[(middle > first + NEAREST * (last - first)) & (middle < first + FURTHEST * (last - first))]
        lefts = np.arange(0, columns - self.width + 1, STEP_PX)
        grid = np.array([(top, left) for top in tops for left in lefts], np.int64).reshape(-1, 2)
        whole = _sums(self.sector.inside_yx.astype(np.float64), grid[:, 0], grid[:, 1], self.height, self.width)
        inside = grid[whole > self.height * self.width - 0.5]
        return inside[:, 0], inside[:, 1]

    def _means(self, values_yx: NDArray[np.float64]) -> NDArray[np.float64]:
        return _sums(values_yx, *self._corners, self.height, self.width) / (self.height * self.width)


def _sums(
    values_yx: NDArray[np.float64], tops: Numbers, lefts: Numbers, height: int, width: int
) -> NDArray[np.float64]:
    """Of each window, by the sums of all that lies above and to the left."""
    above = np.pad(values_yx, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    bottoms, rights = tops + height, lefts + width
    return np.asarray(above[bottoms, rights] - above[tops, rights] - above[bottoms, lefts] + above[tops, lefts])
