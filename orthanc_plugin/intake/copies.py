"""A job of Orthanc that wrote a study anew in, the copies of our results that it made and broke taken out of it again.

Orthanc gives everything new UIDs when it modifies, anonymises or merges, and leaves the references inside as they were.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.results import made_by_a_node

logger = logging.getLogger(__name__)

REFERENCE = "ReferencedSOPInstanceUID"
REWRITTEN = frozenset({"ModifiedFrom", "AnonymizedFrom"})


class Copies:
    def __init__(self, orthanc: Orthanc, archive: Archive, ledger: Ledger) -> None:
        self._orthanc = orthanc
        self._archive = archive
        self._standing = ledger.standing

    def look_at(self, job_id: str) -> None:
        """Results do not follow a study that is written anew: its images get results of their own."""
        for study_id in rewritten(self._orthanc, job_id):
            for series in self._orthanc.get(f"/studies/{study_id}/series"):
                for instance_id in series["Instances"]:
                    header = self._orthanc.header(instance_id)
                    if not made_by_a_node(header):
                        break
                    if self._is_broken_copy(study_id, instance_id, header):
                        self._archive.withdraw(str(header["SOPInstanceUID"]))
                        logger.info("A copy of a result was taken out", extra={"study": study_id})

    def _is_broken_copy(self, study_id: str, instance_id: str, header: Mapping[str, object]) -> bool:
        """Ours, not as we stored it, and of all that it names its study holds nothing."""
        if self._standing.with_result(str(header.get("SOPInstanceUID"))) is not None:
            return False
        digest = str(header.get("DeviceSerialNumber") or "")
        ours = (digest != "" and self._standing.knows_digest(digest)) or is_rewritten(self._orthanc, instance_id)
        return ours and not any(holds(self._orthanc, study_id, uid) for uid in references(header))


def rewritten(orthanc: Orthanc, job_id: str) -> tuple[str, ...]:
    """The studies that a job of Orthanc has written anew, by Orthanc's own names; most jobs write none."""
    job = orthanc.get(f"/jobs/{job_id}")
    content = job.get("Content", {})
    match job.get("Type"), content.get("Type"):
        case "MergeStudy" | "SplitStudy", _:
            found = content.get("TargetStudy")
        case "ResourceModification", "Study":
            found = content.get("ID")
        case "ResourceModification", "Series":
            found = orthanc.get(f"/series/{content['ID']}")["ParentStudy"]
        case "ResourceModification", "Patient":
            return tuple(orthanc.get(f"/patients/{content['ID']}")["Studies"])
        case _:
            found = None
    return (found,) if found else ()


def is_rewritten(orthanc: Orthanc, instance_id: str) -> bool:
    return not REWRITTEN.isdisjoint(orthanc.get(f"/instances/{instance_id}/metadata"))


def holds(orthanc: Orthanc, study_id: str, sop_instance_uid: str) -> bool:
    found = (entry["ID"] for entry in orthanc.post("/tools/lookup", sop_instance_uid) if entry["Type"] == "Instance")
    return any(orthanc.get(f"/instances/{instance_id}/study")["ID"] == study_id for instance_id in found)


def references(found: object) -> Iterator[str]:
    """Each once, wherever it stands in a header."""
    seen: dict[str, None] = {}
    waiting = [found]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            if each.get(REFERENCE):
                seen[str(each[REFERENCE])] = None
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return iter(seen)
