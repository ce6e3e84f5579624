"""Moments at which instances came in, the pauses within a transfer and the habits of its sender out; pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

REMEMBERED_TRANSFERS = 32
HABITUAL = 0.9
"""Nine of ten transfers had no longer pause: one accident in a while does not slow down what follows."""


@dataclass(frozen=True)
class Arrivals:
    """When instances of one series were noticed: `stamps_s` ascending, and how many instances there are by now."""

    stamps_s: tuple[float, ...]
    instances: int

    @property
    def last_s(self) -> float:
        return self.stamps_s[-1]

    def joined_by(self, stamps_s: tuple[float, ...], instances: int) -> Arrivals:
        return Arrivals(tuple(sorted({*self.stamps_s, *stamps_s})), instances)

    def pauses_s(self, most_s: float) -> tuple[float, ...]:
        """Longest first. What is longer than `most_s` is no pause: the sender came back another time."""
        between = (after - before for before, after in pairwise(self.stamps_s))
        return tuple(sorted((pause for pause in between if pause <= most_s), reverse=True))

    def usual_pause_s(self, most_s: float) -> float:
        """The second longest pause where there are several: one is an accident, two are a habit."""
        pauses_s = self.pauses_s(most_s)
        if not pauses_s:
            return 0.0
        return pauses_s[1] if len(pauses_s) > 3 else pauses_s[0]


@dataclass(frozen=True)
class Habit:
    """What a sender did before: the longest pause of each of its last transfers, oldest first."""

    longest_pauses_s: tuple[float, ...] = ()

    @property
    def transfers(self) -> int:
        return len(self.longest_pauses_s)

    @property
    def pause_s(self) -> float:
        """The habitual longest pause; with two transfers or more, one outlier is already left out."""
        if not self.longest_pauses_s:
            return 0.0
        return sorted(self.longest_pauses_s)[int(HABITUAL * (self.transfers - 1))]

    def after(self, arrivals: Arrivals, most_s: float) -> Habit:
        """The habit with one more transfer; a transfer noticed in one moment had no pause."""
        longest_s = next(iter(arrivals.pauses_s(most_s)), 0.0)
        return Habit((*self.longest_pauses_s, round(longest_s, 3))[-REMEMBERED_TRANSFERS:])
