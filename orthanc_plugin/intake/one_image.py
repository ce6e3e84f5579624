"""One image of a series, for a job of its own beside those on the whole series."""

from __future__ import annotations

from dataclasses import dataclass, replace

from orthanc_plugin.archive.protocol import StoredSeries
from orthanc_plugin.intake.terms import Terms
from orthanc_plugin.jobs.job import FRAME, InputSet, Role
from orthanc_plugin.routing.card import Card


@dataclass(frozen=True)
class OneImage:
    """An instance of a series, or one of its frames, counted from one."""

    series_uid: str
    sop_instance_uid: str
    frame: int | None = None

    def input_set(self, stored: StoredSeries, card: Card) -> InputSet:
        """The role that it takes, with the state of the whole series: whatever becomes of that, the job minds."""
        role = Role(card.main_role, self.series_uid, (self.sop_instance_uid,), stored.fingerprint)
        return InputSet(stored.study_uid, (role,))

    def terms(self, terms: Terms) -> Terms:
        if self.frame is None:
            return terms
        return replace(terms, parameters=(*terms.parameters, (FRAME, self.frame)))
