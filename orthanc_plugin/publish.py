"""Results that are made and planned in, stored in the archive out: only beside the source that they were made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.deliver.profile import Superseded
from orthanc_plugin.encode.results import Result
from orthanc_plugin.errors import SourceGone, Temporary, Unsuitable
from orthanc_plugin.jobs.job import Role
from orthanc_plugin.jobs.lease import Lease


def unchanged(archive: Archive, roles: Iterable[Role]) -> None:
    """Nothing is made of a source that is not any more what the job was made for: it would recreate the patient."""
    for role in roles:
        try:
            found = archive.series(role.series_uid)
        except Unsuitable as error:
            raise SourceGone(error.sentence, stage=error.stage, series_uid=role.series_uid) from error
        if found.fingerprint != role.fingerprint:
            raise SourceGone(
                "The series was changed, anonymised or merged after this job was made, so nothing of it was stored; "
                "what it is now gets a job of its own.",
                series_uid=role.series_uid,
            )


def still_there(archive: Archive, roles: Iterable[Role]) -> None:
    """As `unchanged`, for a job that only waits: an archive that is away for a moment costs it nothing."""
    try:
        unchanged(archive, roles)
    except Temporary:
        return


def publish(lease: Lease, archive: Archive, results: Sequence[Result], superseded: Superseded) -> None:
    """Earlier results whose place these take go once all of these are there, where they are not kept."""
    store(lease, archive, results)
    removed = superseded == "remove"
    for sop_instance_uid in lease.superseded(removed=removed):
        lease.check()
        archive.withdraw(sop_instance_uid)
    lease.succeed(removed=removed)


def store(lease: Lease, archive: Archive, results: Sequence[Result]) -> None:
    """The source is looked at before and after; what was stored beside a source that went is taken back."""
    roles = lease.job.order.input_set.roles
    unchanged(archive, roles)
    for result in results:
        lease.check()
        lease.receive(archive.store(result.kind, result.dataset))
    try:
        unchanged(archive, roles)
    except Unsuitable:
        for result in results:
            archive.withdraw(result.dataset.SOPInstanceUID)
        raise
