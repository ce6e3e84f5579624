"""Orthanc and a ledger in, every stored series with its line in the ledger out: one look after another."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.attend import Attendant
from orthanc_plugin.intake.changes import ChangeLog
from orthanc_plugin.intake.completeness import Bounds
from orthanc_plugin.intake.copies import Copies
from orthanc_plugin.intake.elsewhere import Elsewhere
from orthanc_plugin.intake.habits import Habits
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.reconcile import Marks, Reconcile
from orthanc_plugin.intake.rejected import Rejected
from orthanc_plugin.intake.senders import Senders
from orthanc_plugin.intake.sets import Sets
from orthanc_plugin.intake.watch import Watch
from orthanc_plugin.intake.withdrawals import Withdrawals
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.settings import Settings

logger = logging.getLogger(__name__)

LOOK_LEAST_S = 0.1
"""While instances pour in, looking more often would cost them more than it tells."""
LOOK_MOST_S = 2.0
"""Wakes may get lost, and a question of half a millisecond is cheap."""
OPEN_AT_ONCE = 200
"""More than so many open series are not taken up from the past."""


class Intake:
    """`answered` is called from another thread when a sender or an archive said something.

    The owner then calls `heard_sender`.
    """

    def __init__(
        self,
        orthanc: Orthanc,
        archive: Archive,
        orders: Orders,
        ledger: Ledger,
        settings: Settings,
        answered: Callable[[], None],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        identity = orthanc.identity()
        bounds = Bounds(settings.quiet_least_s, settings.quiet_most_s)
        marks = Marks(ledger, identity)
        senders = Senders(orthanc, answered, asks=settings.ask_senders)
        elsewhere = Elsewhere(orthanc, ledger, identity, settings.priors_from, settings.priors_wait_s, answered)
        self._sets = Sets(orders.sets, ledger, marks, identity, elsewhere, wall_clock)
        self._withdrawals = Withdrawals(orthanc, archive, ledger, marks)
        self._rejected = Rejected(orthanc, archive, ledger, marks, self._withdrawals)
        habits = Habits(ledger, bounds.most_s)
        attendant = Attendant(
            orthanc, orders, self._sets, habits, marks, senders, bounds, self._rejected, self._withdrawals
        )
        self._copies = Copies(orthanc, archive, ledger)
        self._marks = marks
        self._orthanc = orthanc
        self._orders = orders
        self._changes = ChangeLog(orthanc, ledger, identity)
        self._watch = Watch(orthanc, attendant)
        self._reconcile = Reconcile(orthanc, marks, settings.reconcile_every_s)

    def look(self, now_s: float, noticed_s: float) -> float:
        """Everything that is due; the moment of the next look. `noticed_s` is when the latest news came in."""
        news = self._changes.news(now_s)
        self._reconcile.heard(news)
        self._watch.hear(news, noticed_s)
        self._orders.look_at_models()
        self._watch.attend(now_s)
        self._watch.take_up(self._marks.reopened(), now_s)
        self._sets.look(self._watch.open_studies)
        if now_s >= self._reconcile.due_s and self._watch.open_series < OPEN_AT_ONCE:
            unsettled = self._reconcile.unsettled(now_s)
            self._watch.take_up((series.id for series in unsettled), now_s)
        self._withdrawals.look(now_s)
        return min(self._watch.due_s(), self._reconcile.due_s, self._withdrawals.due_s, now_s + LOOK_MOST_S)

    def heard_gone(self, series_id: str, now_s: float) -> None:
        """A series left, as Orthanc names it; one that was never settled has no results."""
        self._watch.forget(series_id)
        series_uid = self._marks.uid(series_id)
        if series_uid is not None:
            self._marks.unsettle(series_id, series_uid)
            self._withdrawals.left(series_uid, now_s)
            self._rejected.left(series_uid)
            for later in self._orders.compared_with(series_uid):
                self._marks.reopen(later)

    def heard_job_end(self, job_id: str) -> None:
        """Orthanc's own jobs; some have written a study anew, with copies of what the node made."""
        try:
            self._copies.look_at(job_id)
        except Unsuitable:
            return

    def heard_sender(self, now_s: float) -> None:
        self._watch.hurry(now_s)

    def heard_job(self, job_id: str, now_s: float) -> None:
        """Orthanc's own jobs; those for storage commitment tell that a sender is done."""
        try:
            sender = self._orthanc.committed_sender(job_id)
        except Unsuitable:
            return
        if sender is not None:
            logger.info("A sender asked for storage commitment", extra={"orthanc_job": job_id})
            self._watch.commitment_asked(sender, now_s)
