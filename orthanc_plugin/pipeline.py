"""The story of one job: a lease on it in, its results in the archive out; one call a step."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from pydicom.dataset import Dataset

from orthanc_plugin import __version__
from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.encode.identity import Identity, Origin
from orthanc_plugin.encode.results import Result, encode
from orthanc_plugin.errors import NodeError, SourceGone, Temporary, Unsuitable
from orthanc_plugin.imaging.image import Imaged, images
from orthanc_plugin.imaging.instance import Instance, decode
from orthanc_plugin.imaging.series import Series, assemble
from orthanc_plugin.imaging.volume import Volume, volume
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.model import RawOutput, infer
from orthanc_plugin.jobs.job import SHADOW, Job, PlannedResult, Role
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.measure import body_composition, classes, outlines
from orthanc_plugin.measure.clinical import Clinical, clinical
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.measure.level import locate
from orthanc_plugin.routing.card import BodyComposition, Card
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


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a job works on, by role; results lie on the images of `main`, the others are `beside`."""

    by_role: Mapping[str, Imaged]
    main: Imaged
    beside: tuple[Imaged, ...]

    @property
    def headers_beside(self) -> tuple[Dataset, ...]:
        return tuple(header for imaged in self.beside for header in imaged.headers)


def carry_out(lease: Lease, rooms: Rooms) -> None:
    """Ends without a word when the results are stored; every other end is an error with its sentence."""
    job = lease.job
    roles = job.order.input_set.roles
    try:
        model = rooms.models.model(job.order.model, job.order.digest)
        with lease.step("read"):
            unchanged(rooms.archive, roles)
            inputs = inputs_of(model.card, {role.name: read(rooms.archive, role.series_uid) for role in roles})
            given = clinical(model.card, dict(job.order.parameters), inputs.main.headers[0])
        with lease.step("infer"):
            raw = infer(rooms.device, model, inputs.by_role, job.order.priority, lease.check)
        with lease.step("measure"):
            origin = origin_of(job, model, rooms.device, given, inputs)
            findings = measured(model, inputs, raw, origin, given)
        with lease.step("encode"):
            results = encode(with_fallback(findings, rooms.device), inputs.main, origin, inputs.headers_beside)
            lease.plan(tuple(planned(result) for result in results))
        if job.order.shadow:
            return
        with lease.step("await"):
            lease.await_release(partial(still_there, rooms.archive, roles))
        with lease.step("store"):
            store(lease, rooms.archive, roles, results)
    except SourceGone:
        raise
    except NodeError as error:
        if isinstance(error, Unsuitable):
            unchanged(rooms.archive, roles)
        error.series_uid = error.series_uid or roles[0].series_uid
        raise


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


def read(archive: Archive, series_uid: str) -> Series:
    with ThreadPoolExecutor(DECODERS) as pool:
        return assemble(decoded(pool, archive.read(series_uid)))


def decoded(pool: ThreadPoolExecutor, files: Iterable[bytes]) -> Iterator[Instance]:
    """Decodes beside the reading, never far ahead of who takes the instances."""
    ahead: deque[Future[Instance]] = deque()
    for file in files:
        ahead.append(pool.submit(decode, file))
        if len(ahead) > DECODED_AHEAD:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()


def inputs_of(card: Card, series: Mapping[str, Series]) -> Inputs:
    """Each role as its stages take it: a volume, or single images. A set of one role may name it as it likes."""
    if len(series) == 1 and len(card.inputs) == 1:
        series = dict(zip(card.inputs, series.values(), strict=True))
    flat = {role for stage in card.stages if stage.kind == "image" for role in stage.roles}
    by_role = {role: images(found) if role in flat else volume(found) for role, found in series.items()}
    main = main_role(card)
    for role, wanted in card.inputs.items():
        if role not in by_role and (wanted.required or role == main):
            raise Unsuitable(f"The job has no series for the role {role}, which the model {card.name} needs.")
    return Inputs(by_role, by_role[main], tuple(imaged for role, imaged in by_role.items() if role != main))


def main_role(card: Card) -> str:
    """The first role of the stage that outlines, or of the one that classifies."""
    drawn = card.outputs.segments or card.outputs.classes
    return card.stage(drawn.source.stage).roles[0] if drawn is not None else next(iter(card.inputs))


def origin_of(job: Job, model: Model, device: Device, given: Clinical, inputs: Inputs) -> Origin:
    """Clinical values count as parameters wherever they come from: another value makes another result."""
    parameters = {name: value for name, value in job.order.parameters if name != SHADOW} | dict(given.values)
    provider = device.start().partition(":")[0]
    return Origin.of(
        model,
        parameters=tuple(sorted(parameters.items())),
        provider=f"{provider} instead of {device.wanted}" if device.fallback else provider,
        created_at=job.created_at.astimezone(),
        software_version=__version__,
        beside=tuple(digest_of(role, imaged) for role, imaged in inputs.by_role.items() if imaged is not inputs.main),
        remarks=job.order.remarks,
    )


def digest_of(role: str, imaged: Imaged) -> str:
    """The same images in another role make another result."""
    sources = [f"{source.sop_instance_uid} {source.frame_number}" for source in imaged.sources]
    return hashlib.sha256("\n".join([role, *sources, *imaged.pixel_digests]).encode()).hexdigest()


def measured(model: Model, inputs: Inputs, raw: RawOutput, origin: Origin, given: Clinical) -> Findings:
    found = [*outlined(model.card, inputs, raw, origin, given), *classified(model.card, inputs, raw, origin)]
    findings = found[0] if len(found) == 1 else classes.joined(*found)
    cautions = (*findings.cautions, *given.cautions, *missing(model.card, inputs), *origin.remarks)
    return replace(findings, cautions=tuple(dict.fromkeys(cautions)))


def missing(card: Card, inputs: Inputs) -> Iterator[str]:
    """What the card says about the roles that nobody took."""
    absent = (wanted for role, wanted in card.inputs.items() if role not in inputs.by_role)
    yield from (wanted.meaning_of_missing for wanted in absent if wanted.meaning_of_missing)


def outlined(card: Card, inputs: Inputs, raw: RawOutput, origin: Origin, given: Clinical) -> Iterator[Findings]:
    if raw.masks_szyx is None or not isinstance(inputs.main, Volume):
        return
    identity = Identity.of(inputs.main, origin)
    tracking_uids = [identity.tracking_uid(segment.label) for segment in card.segments]
    for measure in card.outputs.measurements:
        if isinstance(measure, BodyComposition):
            said, sure = raw.said[measure.offset_mm.stage], raw.said[measure.sigma_mm.stage]
            level = locate(said.numbers(measure.offset_mm), sure.numbers(measure.sigma_mm), said.positions_mm)
            on_source = level.on(said.source_slice)
            yield body_composition.findings(
                card, inputs.main, raw.masks_szyx, on_source, given.number("height_m"), tracking_uids
            )
            return
    measures = bool(card.outputs.measurements)
    yield outlines.findings(card, inputs.main, raw.masks_szyx, tracking_uids, measured=measures)


def classified(card: Card, inputs: Inputs, raw: RawOutput, origin: Origin) -> Iterator[Findings]:
    if raw.classification is None or card.outputs.classes is None:
        return
    identity = Identity.of(inputs.main, origin)
    tracking_uids = [identity.tracking_uid(item.label) for item in card.outputs.classes.items]
    cautions = inputs.main.cautions
    yield classes.findings(card.outputs.classes, inputs.main, raw.classification, tracking_uids, cautions)


def with_fallback(findings: Findings, device: Device) -> Findings:
    if not device.fallback:
        return findings
    return replace(findings, cautions=(*findings.cautions, device.fallback))


def planned(result: Result) -> PlannedResult:
    return PlannedResult(result.kind, result.dataset.SOPInstanceUID, result.dataset.SeriesInstanceUID)


def store(lease: Lease, archive: Archive, roles: Iterable[Role], results: Iterable[Result]) -> None:
    """The source is looked at before and after; what was stored beside a source that went is taken back.

    So is what was made of fewer of its instances, once the results on all of them are there.
    """
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
    for sop_instance_uid in lease.superseded():
        lease.check()
        archive.withdraw(sop_instance_uid)
