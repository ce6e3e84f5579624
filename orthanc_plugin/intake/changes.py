"""Orthanc's change log in, the series and instances that are new out, each once, from a cursor that outlives us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from orthanc_plugin.intake.orthanc import Change, Orthanc

ROWS_AT_ONCE = 1000
OVERLAP = 200
"""On PostgreSQL a lower number may become visible after a higher one: so many rows are read again now and then."""
OVERLAP_EVERY_S = 2.0
KEEP_EVERY_S = 5.0


class KeptValues(Protocol):
    """What the ledger keeps for intake between its lives."""

    def remember(self, key: str, value: str) -> None: ...

    def recall(self, key: str) -> str | None: ...


@dataclass(frozen=True)
class News:
    series_ids: tuple[str, ...] = ()
    instance_ids: tuple[str, ...] = ()


class ChangeLog:
    """Hints only: rows vanish with what they name, so whoever reads them looks for the thing itself."""

    def __init__(self, orthanc: Orthanc, kept: KeptValues, identity: str) -> None:
        self._orthanc = orthanc
        self._kept = kept
        self._key = f"{identity}/changes"
        self._cursor = int(kept.recall(self._key) or 0)
        self._kept_cursor = self._cursor
        self._kept_at_s = self._overlapped_at_s = float("-inf")
        self._seen: frozenset[int] = frozenset()

    def news(self, now_s: float) -> News:
        """All that came since the last look; the cursor is kept now and then, as reading anew does no harm."""
        rows: list[Change] = []
        since = self._since(now_s)
        while True:
            changes = self._orthanc.changes(since, ROWS_AT_ONCE)
            rows += (row for row in changes.rows if row.seq not in self._seen)
            since = changes.last
            if changes.done:
                break
        if since < self._cursor:
            self._seen = frozenset()  # the log began anew, and its numbers with it
        self._cursor = since
        self._seen = frozenset(seq for seq in (*self._seen, *(row.seq for row in rows)) if seq > since - OVERLAP)
        self._keep(now_s)
        return News(named(rows, "NewSeries"), named(rows, "NewInstance"))

    def _since(self, now_s: float) -> int:
        if now_s - self._overlapped_at_s < OVERLAP_EVERY_S:
            return self._cursor
        self._overlapped_at_s = now_s
        return max(0, self._cursor - OVERLAP)

    def _keep(self, now_s: float) -> None:
        if self._cursor != self._kept_cursor and now_s - self._kept_at_s >= KEEP_EVERY_S:
            self._kept.remember(self._key, str(self._cursor))
            self._kept_cursor, self._kept_at_s = self._cursor, now_s


def named(rows: list[Change], kind: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.resource_id for row in rows if row.kind == kind))
