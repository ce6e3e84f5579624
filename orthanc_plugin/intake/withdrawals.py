"""Series as the archive has them now in, results on what is no longer there taken back out: no ghosts stay behind."""

from __future__ import annotations

import logging

from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.reconcile import Marks
from orthanc_plugin.jobs.job import Job, Role
from orthanc_plugin.jobs.ledger import Ledger

logger = logging.getLogger(__name__)

GONE = "Its source left the archive (deleted, moved, merged or modified), so its results were taken back."
REJECTED = "Images that it worked on were rejected by a key object, so its results were taken back."
JOBS_AT_ONCE = 20
PASS_EVERY_S = 600.0
"""For what left while nobody watched; half a millisecond a job."""
AGAIN_S = 5.0


class Withdrawals:
    """Only ever what the ledger knows as stored by its own jobs, and no other job of its own has as well."""

    def __init__(self, orthanc: Orthanc, archive: Archive, ledger: Ledger, marks: Marks) -> None:
        self._orthanc = orthanc
        self._archive = archive
        self._marks = marks
        self._standing = ledger.standing
        self._rejections = ledger.rejections
        self._after = 0
        self._pass_due_s = self.due_s = float("-inf")
        self._again_at_s: dict[str, float] = {}

    def left(self, series_uid: str, now_s: float) -> None:
        """Compared now and once more: a job that was just ending has looked at its source for the last time by then."""
        self.compare(series_uid)
        self._again_at_s[series_uid] = now_s + AGAIN_S

    def look(self, now_s: float) -> None:
        """What is due; `due_s` says when to look again."""
        for series_uid in [uid for uid, at_s in self._again_at_s.items() if at_s <= now_s]:
            self.compare(series_uid)
            del self._again_at_s[series_uid]
        if now_s >= self._pass_due_s:
            self._pass_due_s = now_s if self._go_on() else now_s + PASS_EVERY_S
        self.due_s = min([self._pass_due_s, *self._again_at_s.values()])

    def compare(self, series_uid: str) -> None:
        """A job that worked on instances of the series that are no longer there, or were rejected, loses its results.

        One that worked on fewer than there are now keeps them until those on all are stored.
        """
        for job in self._standing.on_series(series_uid):
            for role in job.order.input_set.roles:
                if role.series_uid == series_uid and not self._holds(role):
                    rejected = self._rejections.of_series(series_uid) & frozenset(role.sop_instance_uids)
                    self._take_back(job, REJECTED if rejected else GONE)
                    self._reopen_others(job, series_uid)

    def _go_on(self) -> bool:
        """The next few jobs of a pass through all that stands; False when there are no more."""
        page = self._standing.page(self._after, JOBS_AT_ONCE)
        for job in page:
            for role in job.order.input_set.roles:
                if not self._seems_whole(role):
                    self.compare(role.series_uid)
        is_last = len(page) < JOBS_AT_ONCE
        self._after = 0 if is_last else int(page[-1].id)
        return not is_last

    def _seems_whole(self, role: Role) -> bool:
        """By numbers alone, which is cheap; what changed otherwise is attended as if it came now, and compared then."""
        found = self._orthanc.find_series(role.series_uid)
        return any(len(series.instance_ids) >= len(role.sop_instance_uids) for series in found)

    def _holds(self, role: Role) -> bool:
        found = self._orthanc.find_series(role.series_uid)
        if len(found) > 1:
            return True  # under two patients or studies: whoever made it so has not finished
        try:
            stored = self._archive.series(role.series_uid)
        except Unsuitable:
            return False
        return frozenset(role.sop_instance_uids) <= frozenset(stored.sop_instance_uids)

    def _reopen_others(self, job: Job, series_uid: str) -> None:
        """What worked with the series, or was compared with it, is worked on without it."""
        for other in {role.series_uid for role in job.order.input_set.roles} - {series_uid}:
            for series in self._orthanc.find_series(other):
                self._marks.reopen(series)

    def _take_back(self, job: Job, sentence: str) -> None:
        for sop_instance_uid in self._standing.of_this_alone(job):
            self._archive.withdraw(sop_instance_uid)
        self._standing.taken_back(job.id, sentence)
        logger.info("Results were taken back", extra={"job": job.id})
