"""The story of one job: a lease on it in, its results in the archive out; one call a step."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from pydicom.dataset import Dataset

from orthanc_plugin import __version__, suited
from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.earlier import Judge, compared, unusable
from orthanc_plugin.encode.context import moment
from orthanc_plugin.encode.identity import Origin
from orthanc_plugin.encode.lettering import typeface
from orthanc_plugin.encode.making import Making, Predecessor
from orthanc_plugin.encode.rejection import SUPERSEDED, Rejection, rejection_note
from orthanc_plugin.encode.results import Result, encode
from orthanc_plugin.errors import NodeError, SourceGone, Unsuitable
from orthanc_plugin.imaging.instance import Instance, decode
from orthanc_plugin.imaging.roi import given_region
from orthanc_plugin.imaging.series import Series, assemble, together
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.model import infer
from orthanc_plugin.inputs import Inputs, inputs_of, missing
from orthanc_plugin.jobs.job import FRAME, REJECTION, SHADOW, Job, PlannedResult, Role
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.measure.clinical import Clinical, clinical
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.measured import measured
from orthanc_plugin.not_made import tell
from orthanc_plugin.publish import publish, still_there, unchanged
from orthanc_plugin.record import digest_of, ordered_at, record_of
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model

# As many files are decoded at once as there are cores, and a few more lie ready.
DECODERS = len(os.sched_getaffinity(0))
DECODED_AHEAD = 4 * DECODERS


@dataclass(frozen=True)
class Rooms:
    """What a job needs of the house."""

    archive: Archive
    models: Catalogue
    device: Device
    profile: Profile = field(default_factory=Profile)


def carry_out(lease: Lease, rooms: Rooms) -> None:
    """Ends without a word when the results are stored; every other end is an error with its sentence."""
    roles = lease.job.order.input_set.roles
    try:
        results = made(lease, rooms)
        if lease.job.order.shadow:
            return
        with lease.step("await"):
            lease.await_release(partial(still_there, rooms.archive, roles))
        with lease.step("store"):
            publish(lease, rooms.archive, results, rooms.profile.superseded)
    except SourceGone:
        raise
    except NodeError as error:
        if isinstance(error, Unsuitable):
            unchanged(rooms.archive, roles)
        error.series_uid = error.series_uid or roles[0].series_uid
        tell(lease, rooms.archive, rooms.models, rooms.profile, error)
        raise


def made(lease: Lease, rooms: Rooms) -> tuple[Result, ...]:
    """From the source to results that are planned and not stored: what is done again to see whether the same comes."""
    job = lease.job
    roles = job.order.input_set.roles
    model = rooms.models.model(job.order.model, job.order.digest)
    with lease.step("read"):
        unchanged(rooms.archive, roles)
        frame = dict(job.order.parameters).get(FRAME)
        inputs = inputs_of(model.card, by_role(rooms.archive, roles), frame)
        given = clinical(model.card, dict(job.order.parameters), inputs.main.headers[0])
        region = given_region(dict(job.order.parameters))
        strange = suited.by_header(model.card, inputs.main)
        superseded = lease.predecessors(lambda uid: rooms.archive.file(uid) is not None)
    with lease.step("infer"):
        soft = softly(model.card, rooms.profile)
        ask = partial(infer, rooms.device, model, priority=job.order.priority, check=lease.check)
        raw = ask(inputs.by_role, soft=soft, clinical=dict(given.counted), given=region)
        strange += suited.by_answers(model.card, raw.said)
    with lease.step("measure"):
        origin = origin_of(job, model, rooms, given, inputs, superseded)
        findings = measured(model.card, inputs.main, raw, origin, given)
    if inputs.earlier is not None:
        with lease.step("compare"):
            judge = Judge(model.card, origin, dict(job.order.parameters), ask)
            findings = compared(findings, inputs.main, inputs.earlier, judge)
    with lease.step("encode"):
        findings = cautioned(
            findings,
            (*strange, *missing(model.card, inputs), *inputs.said, *origin.remarks, rooms.device.fallback),
        )
        predecessors = tuple(predecessor(each, inputs.main.headers[0]) for each in superseded)
        making = Making(findings, inputs.main, origin, rooms.profile, inputs.headers_beside, predecessors, inputs.laid)
        results = (*encode(making), *rejecting(making))
        record = record_of(inputs.used, origin, rooms.profile.encoding, superseded)
        lease.plan(tuple(map(planned, results)), record)
    return results


def by_role(archive: Archive, roles: Iterable[Role]) -> dict[str, Series]:
    """Several series of one role count as one."""
    found: dict[str, list[Series]] = {}
    for role in roles:
        found.setdefault(role.name, []).append(read(archive, role))
    return {name: together(several) for name, several in found.items()}


def read(archive: Archive, role: Role) -> Series:
    with ThreadPoolExecutor(DECODERS) as pool:
        return assemble(decoded(pool, archive.read(role.series_uid, role.sop_instance_uids)))


def decoded(pool: ThreadPoolExecutor, files: Iterable[bytes]) -> Iterator[Instance]:
    """Decodes beside the reading, never far ahead of who takes the instances."""
    ahead: deque[Future[Instance]] = deque()
    for file in files:
        ahead.append(pool.submit(decode, file))
        if len(ahead) > DECODED_AHEAD:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def softly(card: Card, profile: Profile) -> bool:
    """Whether the outlines are written with how sure the network is at each boundary."""
    segments = card.outputs.segments
    return segments is not None and profile.segmentation(segments.encoding) == "fractional"


def origin_of(
    job: Job, model: Model, rooms: Rooms, given: Clinical, inputs: Inputs, superseded: Sequence[PlannedResult]
) -> Origin:
    """Clinical values count as parameters wherever they come from: another value makes another result."""
    parameters = {name: value for name, value in job.order.parameters if name != SHADOW} | dict(given.values)
    provider, device = rooms.device.start().partition(":")[0], rooms.device
    return Origin.of(
        model,
        parameters=tuple(sorted(parameters.items())),
        provider=f"{provider} instead of {device.wanted}" if device.fallback else provider,
        created_at=ordered_at(job),
        software_version=__version__,
        beside=tuple(digest_of(role, imaged) for role, imaged in inputs.used.items() if imaged is not inputs.main),
        remarks=(*job.order.remarks, *unusable(inputs)),
        encoding=f"{rooms.profile.encoding} {typeface()}",
        predecessors=tuple(each.sop_instance_uid for each in superseded),
    )


def cautioned(findings: Findings, more: Iterable[str]) -> Findings:
    """With more cautions, each said once; what is empty says nothing."""
    cautions = dict.fromkeys((*findings.cautions, *filter(None, more)))
    return replace(findings, cautions=tuple(cautions))


def rejecting(making: Making) -> tuple[Result, ...]:
    """Where what is superseded stays in the archive and is to be marked."""
    if not making.predecessors or making.profile.superseded != "mark":
        return ()
    origin, header = making.origin, making.imaged.headers[0]
    why = f"Superseded by newer results of {origin.name} {origin.version}."
    note = rejection_note(header, Rejection(SUPERSEDED, why, making.predecessors), moment(header, origin))
    return (Result(REJECTION, note),)


def predecessor(earlier: PlannedResult, header: Dataset) -> Predecessor:
    """An earlier result on the same series, so in the same study."""
    of_series = (str(header.StudyInstanceUID), earlier.series_instance_uid)
    return Predecessor(*of_series, earlier.sop_class_uid, earlier.sop_instance_uid)


def planned(result: Result) -> PlannedResult:
    dataset = result.dataset
    return PlannedResult(result.kind, dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.SOPClassUID)
