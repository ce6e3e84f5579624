"""Key objects that reject (IHE IOCM) in, the images that nobody is to read and the results that go with them out."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.intake.orthanc import Orthanc, Series
from orthanc_plugin.intake.reconcile import Marks
from orthanc_plugin.intake.withdrawals import Withdrawals
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.results import made_by_a_node

logger = logging.getLogger(__name__)

KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
TITLES = frozenset({"113001", "113037", "113038", "113039"})
"""Rejected for quality reasons, for patient safety; incorrect worklist entry; retention expired (DCM, CID 7010)."""
NAMED = "It was rejected by a key object, so it was taken back."


@dataclass(frozen=True)
class Rejection:
    """A key object and the SOPInstanceUIDs that it rejects, by their series."""

    document_uid: str
    instances: Mapping[str, tuple[str, ...]]


class Rejected:
    """Whoever wrote the key object is obeyed, save a node: what that replaces stays as it was told to keep it."""

    def __init__(
        self, orthanc: Orthanc, archive: Archive, ledger: Ledger, marks: Marks, withdrawals: Withdrawals
    ) -> None:
        self._orthanc = orthanc
        self._archive = archive
        self._rejections = ledger.rejections
        self._standing = ledger.standing
        self._marks = marks
        self._withdrawals = withdrawals

    def obey(self, series: Series, header: Mapping[str, object]) -> None:
        """A series with its first header; nothing happens where it holds no rejection."""
        if header.get("SOPClassUID") != KEY_OBJECT_SELECTION or made_by_a_node(header):
            return
        for instance_id in series.instance_ids:
            found = rejection(self._orthanc.header(instance_id))
            if found is not None:
                self._rejections.note(found.document_uid, series.uid, found.instances)
                for series_uid, uids in found.instances.items():
                    self._reject(series_uid, uids)

    def left(self, series_uid: str) -> None:
        """What the key objects of that series rejected counts again, and its series are attended anew."""
        for rejected in self._rejections.lift(series_uid):
            self._attend(rejected)

    def _reject(self, series_uid: str, uids: tuple[str, ...]) -> None:
        for uid in uids:
            self._take_back(uid)
        self._withdrawals.compare(series_uid)
        self._attend(series_uid)
        logger.info("A key object rejects %d instances", len(uids), extra={"series": series_uid})

    def _take_back(self, sop_instance_uid: str) -> None:
        """A result of ours that is rejected by name."""
        job = self._standing.with_result(sop_instance_uid)
        stored = frozenset() if job is None else frozenset(each.sop_instance_uid for each in job.results)
        if job is not None and sop_instance_uid in stored:
            self._archive.withdraw(sop_instance_uid)
            self._standing.taken_back(job.id, NAMED, but=stored - {sop_instance_uid})

    def _attend(self, series_uid: str) -> None:
        for series in self._orthanc.find_series(series_uid):
            self._marks.reopen(series)


def rejection(header: Mapping[str, object]) -> Rejection | None:
    """None for a key object with another title."""
    titles = items(header, "ConceptNameCodeSequence")
    if not any(str(title.get("CodeValue")) in TITLES for title in titles):
        return None
    instances: dict[str, tuple[str, ...]] = {}
    for study in items(header, "CurrentRequestedProcedureEvidenceSequence"):
        for series in items(study, "ReferencedSeriesSequence"):
            uids = (str(each.get("ReferencedSOPInstanceUID")) for each in items(series, "ReferencedSOPSequence"))
            instances[str(series.get("SeriesInstanceUID"))] = tuple(uids)
    return Rejection(str(header.get("SOPInstanceUID")), instances)


def items(header: Mapping[str, object], keyword: str) -> list[Mapping[str, object]]:
    found = header.get(keyword)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
