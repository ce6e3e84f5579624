"""Series as the archive has them now in, results on what is no longer there taken back out: no ghosts stay behind."""

from __future__ import annotations

import logging

from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.jobs.job import Job, Role
from orthanc_plugin.jobs.ledger import Ledger

logger = logging.getLogger(__name__)

GONE = "Its source left the archive (deleted, moved, merged or modified), so its results were taken back."
REJECTED = "Images that it worked on were rejected by a key object, so its results were taken back."
JOBS_AT_ONCE = 20


class Withdrawals:
    """Only ever what the ledger knows as stored by its own jobs, and no other job of its own has as well."""

    def __init__(self, orthanc: Orthanc, archive: Archive, ledger: Ledger) -> None:
        self._orthanc = orthanc
        self._archive = archive
        self._standing = ledger.standing
        self._rejections = ledger.rejections
        self._after: int | None = None

    def compare(self, series_uid: str) -> None:
        """A job that worked on instances of the series that are no longer there, or were rejected, loses its results.

        One that worked on fewer than there are now keeps them until those on all are stored.
        """
        for job in self._standing.on_series(series_uid):
            for role in job.order.input_set.roles:
                if role.series_uid == series_uid and not self._holds(role):
                    rejected = self._rejections.of_series(series_uid) & frozenset(role.sop_instance_uids)
                    self._take_back(job, REJECTED if rejected else GONE)

    def begin(self) -> None:
        """A pass through all that stands, for what left while nobody watched."""
        self._after = 0 if self._after is None else self._after

    def go_on(self) -> bool:
        """The next few jobs of the pass; False when there is none under way."""
        if self._after is None:
            return False
        page = self._standing.page(self._after, JOBS_AT_ONCE)
        for job in page:
            for role in job.order.input_set.roles:
                if not self._seems_whole(role):
                    self.compare(role.series_uid)
        self._after = int(page[-1].id) if len(page) == JOBS_AT_ONCE else None
        return self._after is not None

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

    def _take_back(self, job: Job, sentence: str) -> None:
        for sop_instance_uid in self._standing.of_this_alone(job):
            self._archive.withdraw(sop_instance_uid)
        self._standing.taken_back(job.id, sentence)
        logger.info("Results were taken back", extra={"job": job.id})
