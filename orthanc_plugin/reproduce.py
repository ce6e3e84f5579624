"""`reproduce`: a result's UID in, its job done again on the same images by the same version, and a verdict out."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace

from pydicom.dataset import Dataset

from orthanc_plugin import settings
from orthanc_plugin.archive.content import file_of, same_content
from orthanc_plugin.archive.protocol import Archive, Receipt, StoredSeries
from orthanc_plugin.archive.rest import RestArchive
from orthanc_plugin.deliver import profile
from orthanc_plugin.encode.results import Result
from orthanc_plugin.errors import Broken, NodeError, Unsuitable
from orthanc_plugin.jobs.job import Job, PlannedResult, Record
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.models.trial import Unbound
from orthanc_plugin.pipeline import Rooms, made

SAME, OTHER = 0, 1
SAME_BYTES = "the same bytes"
SAME_CONTENT = "the same content, written at another time or by another release"
DIFFERENT = "different"
NOT_STORED = "other bytes, and the archive no longer holds it to compare the contents"
NOT_MADE = "not made this time"


class NoRecord(NodeError):
    """The result is none of this node's, or was made before it kept records."""


@dataclass(frozen=True)
class Compared:
    kind: str
    sop_instance_uid: str
    verdict: str
    sha256_then: str
    sha256_now: str

    @property
    def same(self) -> bool:
        return self.verdict in (SAME_BYTES, SAME_CONTENT)


@dataclass(frozen=True)
class Comparison:
    """`differences` are what was other than the record says, be it without consequence."""

    job: str
    model: str
    version: str
    digest: str
    results: tuple[Compared, ...]
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        return all(result.same for result in self.results)


class Again(Unbound):
    """The lease of a job that is done again: it plans, and stores nothing."""

    def __init__(self, job: Job, says: Callable[[str], None]) -> None:
        super().__init__(job)
        self._says = says
        self.record: Record | None = None

    @contextmanager
    def step(self, verb: str) -> Iterator[None]:
        self._says(verb)
        yield

    def predecessors(self, holds: Callable[[str], bool]) -> tuple[PlannedResult, ...]:
        return () if self.job.record is None else self.job.record.predecessors

    def plan(self, results: Sequence[PlannedResult], record: Record | None = None) -> None:
        self.record = record


class AsItWas:
    """An archive as the job met it: the instances that it worked on, whatever came or was rejected since."""

    def __init__(self, archive: Archive, job: Job) -> None:
        self._archive = archive
        self._roles = {role.series_uid: role for role in job.order.input_set.roles}

    def series(self, series_uid: str) -> StoredSeries:
        role, stored = self._roles[series_uid], self._archive.series(series_uid)
        missing = len(frozenset(role.sop_instance_uids) - frozenset(stored.sop_instance_uids))
        if missing:
            raise Unsuitable(
                f"Of the {len(role.sop_instance_uids)} images of the series {series_uid} that the results were made of "
                f"{missing} are no longer in the archive; send them again.",
                series_uid=series_uid,
            )
        return replace(stored, sop_instance_uids=role.sop_instance_uids, fingerprint=role.fingerprint)

    def read(self, series_uid: str, only: Collection[str] = ()) -> Iterator[bytes]:
        return self._archive.read(series_uid, self._roles[series_uid].sop_instance_uids)

    def file(self, sop_instance_uid: str) -> bytes | None:
        return self._archive.file(sop_instance_uid)

    def store(self, kind: str, dataset: Dataset) -> Receipt:
        raise Broken(f"The {kind} was only to be made again, not stored; report this.")

    def withdraw(self, sop_instance_uid: str) -> None:
        raise Broken("A result was only to be made again, and the earlier one not to be taken back; report this.")


def reproduce(chosen: argparse.Namespace) -> int:
    from rich.console import Console

    from orthanc_plugin.inference.device import Device
    from orthanc_plugin.inference.limits import Limits
    from orthanc_plugin.routing.catalogue import Catalogue

    known = settings.from_environment()
    with closing(Ledger(known.database_url)) as ledger:
        job, record = recorded(ledger, chosen.uid)
    limits = Limits(known.threads, known.host_memory_mb, known.device_memory_mb)
    catalogue = Catalogue(known.models_folder, known.state_folder)
    with (
        closing(RestArchive(known.orthanc_url, known.authorization())) as archive,
        closing(Device(known.device, limits)) as device,
        Console(stderr=True).status("starting") as status,
    ):
        rooms = Rooms(archive, catalogue, device, profile.written(record.encoding))
        found = compared(job, rooms, lambda verb: status.update(f"job {job.id}: {verb}"))
    print(json.dumps(asdict(found) | {"same": found.same}, indent=2) if chosen.json else "\n".join(lines(found)))
    return SAME if found.same else OTHER


def recorded(ledger: Ledger, sop_instance_uid: str) -> tuple[Job, Record]:
    job = ledger.standing.with_result(sop_instance_uid)
    if job is None:
        raise NoRecord(f"No job of this node made {sop_instance_uid}; name a result by its SOPInstanceUID.")
    if job.record is None:
        raise NoRecord(f"The job {job.id} was done before the node kept records; run the series again instead.")
    return job, job.record


def compared(job: Job, rooms: Rooms, says: Callable[[str], None] = lambda _verb: None) -> Comparison:
    """The job done again, result by result; the archive is read and left as it is."""
    lease = Again(job, says)
    again = made(lease, replace(rooms, archive=AsItWas(rooms.archive, job)))
    now = {str(result.dataset.SOPInstanceUID): result for result in again}
    then = {receipt.sop_instance_uid: receipt.sha256 for receipt in job.results}
    results = tuple(
        beside(each, then.get(each.sop_instance_uid, ""), now.get(each.sop_instance_uid), rooms.archive)
        for each in job.planned
    )
    order = job.order
    return Comparison(job.id, order.model, order.version, order.digest, results, differences(job.record, lease.record))


def beside(planned: PlannedResult, sha256_then: str, result: Result | None, archive: Archive) -> Compared:
    named = (planned.kind, planned.sop_instance_uid)
    if result is None:
        return Compared(*named, NOT_MADE, sha256_then, "")
    file = file_of(result.kind, result.dataset)
    sha256_now = hashlib.sha256(file).hexdigest()
    if sha256_now == sha256_then:
        return Compared(*named, SAME_BYTES, sha256_then, sha256_now)
    stored = archive.file(planned.sop_instance_uid)
    if stored is None:
        return Compared(*named, NOT_STORED, sha256_then, sha256_now)
    verdict = SAME_CONTENT if same_content(stored, file) else DIFFERENT
    return Compared(*named, verdict, sha256_then or hashlib.sha256(stored).hexdigest(), sha256_now)


def differences(then: Record | None, now: Record | None) -> tuple[str, ...]:
    if then is None or now is None:
        return ()
    found = [f"the images of {name}" for name, _ in set(then.inputs) ^ set(now.inputs)]
    if then.provider != now.provider:
        found.append(f"computed on {now.provider}, then on {then.provider}")
    if then.parameters != now.parameters:
        found.append(f"parameters {dict(now.parameters)}, then {dict(then.parameters)}")
    if then.result_schema != now.result_schema:
        found.append(f"results are written by schema {now.result_schema}, then by {then.result_schema}")
    before, after = dict(then.versions), dict(now.versions)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            found.append(f"{name} {after.get(name, 'absent')}, then {before.get(name, 'absent')}")
    return tuple(dict.fromkeys(found))


def lines(found: Comparison) -> Iterator[str]:
    yield f"job {found.job}, {found.model} {found.version} ({found.digest[:12]})"
    for result in found.results:
        yield f"  {result.kind:9} {result.sop_instance_uid}  {result.verdict}"
    for difference in found.differences:
        yield f"  other than then: {difference}"
    yield "The same came out." if found.same else "Something else came out."
