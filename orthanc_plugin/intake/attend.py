"""One series as it was left in, read, judged and acted upon out: the story of a series on its way to its jobs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.arrivals import Arrivals
from orthanc_plugin.intake.completeness import Bounds, Known, Step, Verdict, early_s, judge
from orthanc_plugin.intake.habits import Habits
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.orthanc import Orthanc, Series, Slice
from orthanc_plugin.intake.positions import contiguous
from orthanc_plugin.intake.reconcile import Marks
from orthanc_plugin.intake.rejected import Rejected
from orthanc_plugin.intake.senders import Question, Senders
from orthanc_plugin.intake.sets import PRIOR_LOOK_S, Sets
from orthanc_plugin.intake.terms import AT_ONCE, EARLY, Terms
from orthanc_plugin.intake.unclaimed import Unclaimed
from orthanc_plugin.intake.withdrawals import Withdrawals
from orthanc_plugin.jobs.job import Job
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.results import result_kind

logger = logging.getLogger(__name__)

MOVED_ON_S = 0.2


@dataclass(frozen=True)
class Introduction:
    """Read once a series: who sent its first instance, and the header of that."""

    sender: str
    header: Mapping[str, object]

    def number(self, keyword: str) -> int | None:
        value = str(self.header.get(keyword) or "").strip()
        return int(value) if value.isdecimal() and int(value) > 0 else None


@dataclass(frozen=True)
class Attended:
    """A series as far as it was looked at; `looked_mark` and `ordered_mark` say in which state of it.

    `from_beginning` when every arrival was noticed as it happened: only then its pauses tell of the sender.
    """

    series_id: str
    due_s: float
    from_beginning: bool
    stamps_s: tuple[float, ...] = ()
    instances: int = 0
    introduction: Introduction | None = None
    slices: tuple[Slice, ...] = ()
    looked_mark: str = ""
    ordered_mark: str = ""
    commitment_s: float | None = None
    closed: bool = False
    setbacks: int = 0

    @property
    def arrivals(self) -> Arrivals:
        return Arrivals(self.stamps_s, self.instances)

    def joined_by(self, stamps_s: tuple[float, ...], instances: int, now_s: float) -> Attended:
        """Instances whose arrival nobody noticed came at the latest now."""
        unnoticed = instances > self.instances and not stamps_s
        arrivals = self.arrivals.joined_by((now_s,) if unnoticed else stamps_s, instances)
        return replace(self, stamps_s=arrivals.stamps_s or (now_s,), instances=instances)


class Attendant:
    def __init__(
        self,
        orthanc: Orthanc,
        orders: Orders,
        sets: Sets,
        habits: Habits,
        marks: Marks,
        senders: Senders,
        bounds: Bounds,
        rejected: Rejected,
        withdrawals: Withdrawals,
    ) -> None:
        self._orthanc = orthanc
        self._orders = orders
        self._sets = sets
        self._habits = habits
        self._marks = marks
        self._senders = senders
        self._bounds = bounds
        self._rejected = rejected
        self._withdrawals = withdrawals

    def attend(self, attended: Attended, unclaimed: Unclaimed, now_s: float) -> Attended:
        """The next step of a series; Unsuitable when it is gone."""
        series = self._orthanc.series(attended.series_id)
        if not series.instance_ids:
            raise Unsuitable("The series has no instances any more.", stage="intake", series_uid=series.uid)
        attended = attended.joined_by(unclaimed.claim(series.instance_ids), len(series.instance_ids), now_s)
        if attended.introduction is None and self._marks.settled(series):
            return replace(attended, closed=True)
        introduction = attended.introduction or self._introduction(series)
        attended = replace(attended, introduction=introduction)
        if result_kind(introduction.header) and not self._orders.take(introduction.header):
            self._rejected.obey(series, introduction.header)
            self._marks.settle(series)
            return replace(attended, closed=True)
        return self._judged(attended, series, introduction, now_s)

    def _introduction(self, series: Series) -> Introduction:
        first = series.instance_ids[0]
        return Introduction(self._orthanc.sender_of(first), self._orthanc.header(first))

    def _judged(self, attended: Attended, series: Series, introduction: Introduction, now_s: float) -> Attended:
        known = self._known(attended, series, introduction)
        if attended.looked_mark != series.mark and now_s >= early_s(known, self._bounds):
            self._ask_sender(series, introduction)
            attended = replace(attended, slices=self._orthanc.slices(series.id), looked_mark=series.mark)
            known = self._known(attended, series, introduction)
        verdict = judge(known, self._bounds, now_s)
        if verdict.step is Step.PUBLISH:
            return self._published(attended, series, introduction, verdict, now_s)
        attended = replace(attended, due_s=now_s if verdict.until_s is None else verdict.until_s)
        if verdict.step is Step.COMPUTE and attended.ordered_mark != series.mark:
            seen = self._orders.seen(series, headers(attended, introduction))
            said = self._sets.prior_for(self._orders.comparing(seen), seen)
            self._placed(series, seen, EARLY, said)
            if said is None:
                return replace(attended, due_s=min(attended.due_s, now_s + PRIOR_LOOK_S))
            return replace(attended, ordered_mark=series.mark)
        return attended

    def _placed(self, series: Series, seen: Headers, terms: Terms, said: str | None) -> tuple[Job, ...] | None:
        return self._orders.place(series, seen, terms, to_compare=self._sets.brought(seen), said=said)

    def _known(self, attended: Attended, series: Series, introduction: Introduction) -> Known:
        """Frames of one concatenation come as several instances, and say how many (PS3.3 C.7.6.16.2.2.4)."""
        concatenated = introduction.number("InConcatenationTotalNumber")
        return Known(
            arrivals=attended.arrivals,
            habit=self._habits.of(introduction.sender),
            modality=series.modality,
            multi_frame=(introduction.number("NumberOfFrames") or 1) > 1 and concatenated is None,
            contiguous=contiguous([each.plane for each in attended.slices]),
            stated=concatenated or series.stated,
            counted_by_sender=self._senders.count(series.uid),
            commitment_s=attended.commitment_s,
        )

    def _ask_sender(self, series: Series, introduction: Introduction) -> None:
        study_uid = str(introduction.header.get("StudyInstanceUID") or "")
        self._senders.ask(Question(introduction.sender, study_uid, series.uid, len(series.instance_ids)))

    def _published(
        self, attended: Attended, series: Series, introduction: Introduction, verdict: Verdict, now_s: float
    ) -> Attended:
        seen = self._orders.seen(series, headers(attended, introduction))
        comparing = self._orders.comparing(seen)
        said = self._sets.prior_for(comparing, seen)
        if self._placed(series, seen, AT_ONCE, said) is None:
            return replace(attended, due_s=now_s + MOVED_ON_S)
        if said is None:
            return replace(attended, due_s=now_s + PRIOR_LOOK_S)
        self._sets.have_prior_for(comparing, seen)
        self._withdrawals.compare(series.uid)
        self._sets.join(seen)
        for later in self._orders.compared_with(series.uid, next(iter(seen.texts("StudyInstanceUID")), "")):
            self._marks.reopen(later)
        logger.info("A series is complete: %s", verdict.why, extra={"series": series.uid})
        self._marks.settle(series)
        self._senders.forget(series.uid)
        if attended.from_beginning and not self._known(attended, series, introduction).stands_alone:
            self._habits.learn(introduction.sender, attended.arrivals)
        return replace(attended, closed=True)


def headers(attended: Attended, introduction: Introduction) -> Headers:
    return Headers(introduction.header, sum(each.frames for each in attended.slices))
