"""Where the slices of a series lie in, whether they are one stack without a hole out; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from statistics import median

ENOUGH_SLICES = 3
"""Two slices have one distance: nothing tells whether a third belongs between them."""
HOLE = 1.5
"""A distance of 1.5 times the usual one leaves room for half a slice: more than any jitter of positions."""
SAME_PLACE_MM = 0.01
SAME_DIRECTION = 0.999
"""Cosine: 2.5 degrees, as much as positions within one series ever turn."""

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Plane:
    """ImagePositionPatient and the normal of ImageOrientationPatient."""

    position_mm: Vector
    normal: Vector


def plane(position: str, orientation: str) -> Plane | None:
    """From the two values as DICOM writes them; None when either is missing or odd."""
    try:
        x, y, z = numbers(position)
        row_x, row_y, row_z, column_x, column_y, column_z = numbers(orientation)
    except ValueError:
        return None
    normal = (
        row_y * column_z - row_z * column_y,
        row_z * column_x - row_x * column_z,
        row_x * column_y - row_y * column_x,
    )
    return Plane((x, y, z), normal)


def numbers(value: str) -> list[float]:
    parsed = [float(part) for part in value.split("\\")]
    if not all(map(isfinite, parsed)):
        raise ValueError(value)
    return parsed


def contiguous(planes: Sequence[Plane | None]) -> bool | None:
    """True for one stack without a hole, False when a slice is missing in it, None when positions can't tell.

    Several slices may share a place: phases of one stack.
    """
    known = [each for each in planes if each is not None]
    if len(known) < len(planes) or not parallel(known):
        return None
    places_mm = sorted(dot(each.position_mm, known[0].normal) for each in known)
    steps_mm = [above - below for below, above in pairwise(places_mm)]
    distances_mm = [step_mm for step_mm in steps_mm if step_mm > SAME_PLACE_MM]
    if len(distances_mm) < ENOUGH_SLICES - 1:
        return None
    return max(distances_mm) < HOLE * median(distances_mm)


def parallel(planes: Sequence[Plane]) -> bool:
    return all(dot(each.normal, planes[0].normal) > SAME_DIRECTION for each in planes)


def dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
