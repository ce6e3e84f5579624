"""Instances that the change log named in, the moments when they came out, once it is known whose they are."""

from __future__ import annotations

from collections.abc import Iterable


class Unclaimed:
    """The log names instances without their series, and asking for each would slow down what is coming in."""

    def __init__(self) -> None:
        self._stamps_s: dict[str, float] = {}

    def put(self, instance_ids: Iterable[str], stamp_s: float) -> None:
        for instance_id in instance_ids:
            self._stamps_s.setdefault(instance_id, stamp_s)

    def claim(self, instance_ids: Iterable[str]) -> tuple[float, ...]:
        """Each moment is given once."""
        stamps_s = (self._stamps_s.pop(instance_id, None) for instance_id in instance_ids)
        return tuple(sorted({stamp_s for stamp_s in stamps_s if stamp_s is not None}))

    def oldest(self) -> tuple[str, float] | None:
        """The instance that waits longest, and since when."""
        return next(iter(self._stamps_s.items()), None)

    def drop(self, instance_id: str) -> None:
        self._stamps_s.pop(instance_id, None)
