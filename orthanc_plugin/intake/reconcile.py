"""All series of Orthanc in, those that nobody has settled out: a few at a time, and only when the counts disagree."""

from __future__ import annotations

from orthanc_plugin.intake.changes import KeptValues, News
from orthanc_plugin.intake.orthanc import Counts, Orthanc, Series

SERIES_AT_ONCE = 50
WHOLE_EVERY_S = 3600.0
"""Counts that agree by chance (one deleted, one lost) are no worse than an hour late."""


class Marks:
    """Which series was settled in which state; one row in the ledger's kept values for each.

    With its UID, since of a series that left Orthanc tells its own name alone.
    """

    def __init__(self, kept: KeptValues, identity: str) -> None:
        self._kept = kept
        self._identity = identity
        self._reopened: list[str] = []

    def settle(self, series: Series) -> None:
        self._kept.remember(self._key(series.id), f"{series.mark}\n{series.uid}")

    def unsettle(self, series_id: str, series_uid: str) -> None:
        """It counts as other than it was, although Orthanc may hold it as before: its mark tells whole seconds."""
        self._kept.remember(self._key(series_id), f"\n{series_uid}")

    def reopen(self, series: Series) -> None:
        """What is to be made of it is other than it was, so it is attended anew."""
        self.unsettle(series.id, series.uid)
        self._reopened.append(series.id)

    def reopened(self) -> tuple[str, ...]:
        """As Orthanc names them; each is told once."""
        told, self._reopened = tuple(dict.fromkeys(self._reopened)), []
        return told

    def settled(self, series: Series) -> bool:
        return self._recalled(series.id)[0] == series.mark

    def uid(self, series_id: str) -> str | None:
        """Of a series that was settled once, be it gone by now."""
        return self._recalled(series_id)[1] or None

    def _recalled(self, series_id: str) -> tuple[str, str]:
        mark, _, uid = (self._kept.recall(self._key(series_id)) or "").partition("\n")
        return mark, uid

    def _key(self, series_id: str) -> str:
        return f"{self._identity}/series/{series_id}"


class Reconcile:
    """A pass goes through all series; between passes it costs one question to Orthanc each time."""

    def __init__(self, orthanc: Orthanc, marks: Marks, every_s: float) -> None:
        self._orthanc = orthanc
        self._marks = marks
        self._every_s = every_s
        self._counts: Counts | None = None
        self._offset: int | None = None
        self._whole_at_s = self.due_s = float("-inf")

    def heard(self, news: News) -> None:
        """What the change log told is no surprise for the counts."""
        if self._counts is not None:
            self._counts = Counts(
                self._counts.series + len(news.series_ids), self._counts.instances + len(news.instance_ids)
            )

    def unsettled(self, now_s: float) -> tuple[Series, ...]:
        """The next few, none when nothing is due; `due_s` says when to ask again."""
        if self._offset is None and not self._begin(now_s):
            self.due_s = now_s + self._every_s
            return ()
        page = self._orthanc.page_of_series(self._offset or 0, SERIES_AT_ONCE)
        found = tuple(series for series in page if not self._marks.settled(series))
        if len(page) < SERIES_AT_ONCE:
            self._offset, self.due_s = None, now_s + self._every_s
        else:
            self._offset, self.due_s = (self._offset or 0) + len(page), now_s
        return found

    def _begin(self, now_s: float) -> bool:
        counts = self._orthanc.counts()
        if counts == self._counts and now_s < self._whole_at_s:
            return False
        self._counts, self._offset, self._whole_at_s = counts, 0, now_s + WHOLE_EVERY_S
        return True
