"""Who may use the device next: the most urgent of those that wait, and among equals who came first."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[int, int]] = []
        self._tickets = 0
        self._taken = False

    @property
    def taken(self) -> bool:
        return self._taken

    @contextmanager
    def turn(self, priority: int) -> Iterator[None]:
        """A smaller number is more urgent."""
        with self._changed:
            self._tickets += 1
            mine = (priority, self._tickets)
            heapq.heappush(self._waiting, mine)
            self._changed.wait_for(lambda: not self._taken and self._waiting[0] == mine)
            heapq.heappop(self._waiting)
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
