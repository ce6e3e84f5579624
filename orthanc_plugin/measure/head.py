"""A CT of a head in, places in that head out: how far behind its front, beside its midplane and below its top.

Places are shares of the brain's own size, so that they mean the same in heads of any size that lie in any way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_fill_holes

from orthanc_plugin.imaging.volume import Volume
from orthanc_plugin.measure.midplane import Midplane, Points, midplane

ENDS_PERCENT = (0.5, 99.5)
"""Of the brain's cells lie within its ends; the few beyond are as often noise as brain."""
HEIGHT_OF_WIDTH = 1.05
"""How high a brain is from the foramen magnum up, as a share of its width, which neither a nod nor the neck changes."""
AXIS_FALLS_DEGREES = 8.5
"""How the longest axis of an average brain (MNI 152) falls to the back where front and back lie level."""
ROUNDS, NODDED_MOST_DEGREES = 4, 30.0
LENGTH_MM, HALF_WIDTH_MM = (130.0, 215.0), (48.0, 95.0)
"""Of adults' brains, with room to spare; what measures otherwise is no head, or a small part of one."""
OVER_THE_BRAIN_MM, CUT_OFF_SHARE = 6.0, 0.01
"""As many of the brain's cells have nothing scanned as far above them where a scan ends in the brain."""


@dataclass(frozen=True)
class Places:
    """`behind` is 0 at the front and 1 at the back; `below` is the depth under the top as a share of that length.

    `aside_mm` is positive on the patient's left; `aside` is 0 at the midplane and 1 where the brain is widest.
    """

    behind: Points
    below: Points
    aside: Points
    aside_mm: Points


@dataclass(frozen=True, eq=False)
class Head:
    """`axes` are unit vectors to the left, to the back and up; ends are mm along them from `middle_mm`."""

    middle_mm: Points
    axes: Points
    front_mm: float
    back_mm: float
    top_mm: float
    half_width_mm: float
    top_is_cut_off: bool

    def places(self, points_mm: Points) -> Places:
        """Of (n, 3) points in LPS."""
        aside_mm, back_mm, up_mm = self.axes @ (points_mm - self.middle_mm).T
        length_mm = self.back_mm - self.front_mm
        return Places(
            behind=(back_mm - self.front_mm) / length_mm,
            below=(self.top_mm - up_mm) / length_mm,
            aside=np.abs(aside_mm) / self.half_width_mm,
            aside_mm=aside_mm,
        )


def find_head(volume: Volume) -> Head | None:
    """None where no head can be made out."""
    plane = midplane(volume)
    if plane is None:
        return None
    places_mm = plane.cells.places_mm(binary_fill_holes(plane.brain)) - plane.on_it_mm
    axes = _axes(plane.left, places_mm)
    inside = _within_skull(places_mm @ axes.T)
    (right, front, _), (left, back, top) = np.percentile(inside, ENDS_PERCENT, axis=0)
    half_width = (left - right) / 2
    if not (LENGTH_MM[0] < back - front < LENGTH_MM[1] and HALF_WIDTH_MM[0] < half_width < HALF_WIDTH_MM[1]):
        return None
    cut_off = _cut_off(plane, inside @ axes + plane.on_it_mm, axes[2])
    return Head(plane.on_it_mm, axes, float(front), float(back), float(top), float(half_width), cut_off)


def _axes(left: Points, places_mm: Points) -> Points:
    """Left as it is; front and back level with the brain's own length, however far the head nods."""
    upright = np.array([0.0, 0.0, 1.0]) - left[2] * left
    upright /= np.linalg.norm(upright)
    nodded = 0.0
    for _ in range(ROUNDS):
        axes = _nodded(left, upright, nodded)
        nodded += _fall(_within_skull(places_mm @ axes.T)) + np.deg2rad(AXIS_FALLS_DEGREES)
        nodded = float(np.clip(nodded, *np.deg2rad([-NODDED_MOST_DEGREES, NODDED_MOST_DEGREES])))
    return _nodded(left, upright, nodded)


def _nodded(left: Points, upright: Points, angle: float) -> Points:
    back = np.cross(upright, left)
    return np.stack([left, np.cos(angle) * back + np.sin(angle) * upright,
                     np.cos(angle) * upright - np.sin(angle) * back])  # fmt: skip


def _within_skull(along_axes: Points) -> Points:
    """Without what lies below the foramen magnum."""
    (right, _, _), (left, _, top) = np.percentile(along_axes, ENDS_PERCENT, axis=0)
    return np.asarray(along_axes[along_axes[:, 2] > top - HEIGHT_OF_WIDTH * (left - right)])


def _fall(along_axes: Points) -> float:
    """How the longest axis in the plane of front, back and top rises to the back, in radians."""
    _, directions = np.linalg.eigh(np.cov(along_axes[:, 1:].T))
    back, up = directions[:, 1]
    return float(np.arctan(up / back))


def _cut_off(plane: Midplane, brain_mm: Points, up: Points) -> bool:
    scanned = plane.cells.scanned(plane.cells.indices(brain_mm + OVER_THE_BRAIN_MM * up))
    return bool((~scanned).mean() > CUT_OFF_SHARE)
