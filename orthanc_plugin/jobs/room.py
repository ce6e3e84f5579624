"""Who works beside whom in one worker process: a job that has lost a worker before works alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """Many at once or one alone, so that a job which ends its worker does not count as a death of its neighbours."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._wanted_alone = 0

    @contextmanager
    def place(self, *, alone: bool) -> Iterator[None]:
        """Returns when there is one; who wants to be alone is let in before others that come later."""
        with self._room_of_ones_own() if alone else self._shared_room():
            yield

    @contextmanager
    def _shared_room(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._wanted_alone == 0)
            self._inside += 1
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def _room_of_ones_own(self) -> Iterator[None]:
        with self._changed:
            self._wanted_alone += 1
            self._changed.wait_for(lambda: self._inside == 0)
            self._inside += 1
        try:
            yield
        finally:
            self._leave(was_alone=True)

    def _leave(self, *, was_alone: bool = False) -> None:
        with self._changed:
            self._inside -= 1
            self._wanted_alone -= was_alone
            self._changed.notify_all()
