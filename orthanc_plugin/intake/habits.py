"""Transfers of a sender in, its habit out; kept in the ledger, so that a restart does not make friends strangers."""

from __future__ import annotations

import json

from orthanc_plugin.intake.arrivals import Arrivals, Habit
from orthanc_plugin.intake.changes import KeptValues


class Habits:
    def __init__(self, kept: KeptValues, most_s: float) -> None:
        self._kept = kept
        self._most_s = most_s
        self._known: dict[str, Habit] = {}

    def of(self, sender: str) -> Habit:
        if sender not in self._known:
            pauses_s = json.loads(self._kept.recall(key(sender)) or "[]")
            self._known[sender] = Habit(tuple(pauses_s))
        return self._known[sender]

    def learn(self, sender: str, arrivals: Arrivals) -> None:
        """From transfers that were watched from the beginning; one instance alone has no pauses to learn from."""
        if not sender or arrivals.instances < 2:
            return
        habit = self.of(sender).after(arrivals, self._most_s)
        self._known[sender] = habit
        self._kept.remember(key(sender), json.dumps(habit.longest_pauses_s))


def key(sender: str) -> str:
    return f"sender/{sender}"
