"""What arrives in, every series attended until it is closed out; called by one thread alone."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from orthanc_plugin.errors import Temporary, Unsuitable
from orthanc_plugin.intake.attend import Attendant, Attended
from orthanc_plugin.intake.changes import News
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.unclaimed import Unclaimed

logger = logging.getLogger(__name__)

ORPHAN_S = 1.0
"""So long an instance waits for an open series to claim it; then it is asked whose it is."""
AGAIN_S, AGAIN_MOST_S = 2.0, 60.0
"""The others come first, as it may be this one alone that Orthanc can't give."""
AGAIN_AFTER_ERROR_S = 30.0
ATTENDED_AT_ONCE = 8
"""Then it is looked whether something new came in, which goes before a backlog."""
REMEMBERED = 500
"""Closed series whose arrivals are kept, so that the pause before a late slice is known."""


class Watch:
    def __init__(self, orthanc: Orthanc, attendant: Attendant) -> None:
        self._orthanc = orthanc
        self._attendant = attendant
        self._open: dict[str, Attended] = {}
        self._closed: dict[str, Attended] = {}
        self._unclaimed = Unclaimed()

    @property
    def open_series(self) -> int:
        return len(self._open)

    @property
    def open_studies(self) -> frozenset[str]:
        """As far as it is known already whose the series are."""
        introductions = (each.introduction for each in self._open.values())
        known = (each.header.get("StudyInstanceUID") for each in introductions if each is not None)
        return frozenset(uid for uid in known if isinstance(uid, str))

    def hear(self, news: News, stamp_s: float) -> None:
        self._unclaimed.put(news.instance_ids, stamp_s)
        for series_id in news.series_ids:
            self._look_at(series_id, stamp_s, from_beginning=True)

    def take_up(self, series_ids: Iterable[str], now_s: float) -> None:
        """Series that came while nobody watched."""
        for series_id in series_ids:
            self._look_at(series_id, now_s, from_beginning=False)

    def commitment_asked(self, sender: str, now_s: float) -> None:
        """The sender wants to delete what it sent, so it has sent it."""
        for each in self._open.values():
            if each.introduction is not None and each.introduction.sender == sender:
                self._open[each.series_id] = replace(each, commitment_s=now_s, due_s=now_s)

    def hurry(self, now_s: float) -> None:
        """Something became known that may end the waiting for some series."""
        self._open = {each.series_id: replace(each, due_s=min(each.due_s, now_s)) for each in self._open.values()}

    def forget(self, series_id: str) -> None:
        """A series left; should it come back, the time in between is no pause of its sender."""
        self._closed.pop(series_id, None)

    def due_s(self) -> float:
        """When to attend again; infinity when nothing is open."""
        moments_s = [each.due_s for each in self._open.values()]
        return min([*moments_s, self._orphan_due_s()], default=float("inf"))

    def attend(self, now_s: float) -> None:
        """The most urgent of what is due. Temporary when Orthanc is away: what was not attended then is later."""
        while now_s >= self._orphan_due_s():
            self._find_family(now_s)
        due = sorted((each for each in self._open.values() if each.due_s <= now_s), key=urgency)
        for each in due[:ATTENDED_AT_ONCE]:
            self._attend_one(each, now_s)

    def _attend_one(self, each: Attended, now_s: float) -> None:
        try:
            after = self._attendant.attend(each, self._unclaimed, now_s)
        except Unsuitable:
            del self._open[each.series_id]
        except Temporary:
            pause_s = min(AGAIN_S * 2**each.setbacks, AGAIN_MOST_S)
            self._open[each.series_id] = replace(each, due_s=now_s + pause_s, setbacks=each.setbacks + 1)
            raise
        except Exception:  # one odd series must not keep the others waiting
            logger.exception("A series could not be attended; it is tried again in %.0f s", AGAIN_AFTER_ERROR_S)
            self._open[each.series_id] = replace(each, due_s=now_s + AGAIN_AFTER_ERROR_S)
        else:
            self._keep(replace(after, setbacks=0))

    def _keep(self, after: Attended) -> None:
        if not after.closed:
            self._open[after.series_id] = after
            return
        del self._open[after.series_id]
        self._closed[after.series_id] = after
        while len(self._closed) > REMEMBERED:
            del self._closed[next(iter(self._closed))]

    def _look_at(self, series_id: str, due_s: float, *, from_beginning: bool) -> None:
        """A late instance opens its series again, with the arrivals before it."""
        if series_id in self._open:
            self._open[series_id] = replace(self._open[series_id], due_s=due_s)
        elif series_id in self._closed:
            self._open[series_id] = replace(self._closed.pop(series_id), due_s=due_s, closed=False)
        else:
            self._open[series_id] = Attended(series_id, due_s, from_beginning)

    def _orphan_due_s(self) -> float:
        oldest = self._unclaimed.oldest()
        if oldest is None:
            return float("inf")
        return oldest[1] + (ORPHAN_S if self._open else 0.0)

    def _find_family(self, now_s: float) -> None:
        oldest = self._unclaimed.oldest()
        if oldest is None:
            return
        instance_id, _ = oldest
        try:
            series_id = self._orthanc.parent_series(instance_id)
        except Unsuitable:
            self._unclaimed.drop(instance_id)
            return
        self._look_at(series_id, now_s, from_beginning=False)
        self._attend_one(self._open[series_id], now_s)
        self._unclaimed.drop(instance_id)


def urgency(attended: Attended) -> tuple[bool, float]:
    """What arrives now goes before what nobody watched when it came."""
    return not attended.from_beginning, attended.due_s
