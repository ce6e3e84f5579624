"""Slices that tell something, the most telling first, in; the few that are worth opening out."""

from __future__ import annotations

from collections.abc import Iterable

# More than these nobody pages through.
MOST = 5


def worth_opening(slices: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(slices))[:MOST]
