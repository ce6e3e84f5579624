"""The story of one job: a lease on it in, its results in the archive out; one call a step."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from orthanc_plugin import __version__
from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.encode.identity import Identity, Origin
from orthanc_plugin.encode.results import Result, encode
from orthanc_plugin.errors import Broken, NodeError, Temporary, Unsuitable
from orthanc_plugin.imaging import header
from orthanc_plugin.imaging.instance import Instance, decode
from orthanc_plugin.imaging.series import Series, assemble
from orthanc_plugin.imaging.volume import Volume, volume
from orthanc_plugin.inference.device import Device
from orthanc_plugin.inference.segmentation import RawOutput, infer
from orthanc_plugin.jobs.job import Job, PlannedResult, Role
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.measure import body_composition
from orthanc_plugin.measure.findings import Findings
from orthanc_plugin.measure.level import locate
from orthanc_plugin.routing.card import Model
from orthanc_plugin.routing.catalogue import Catalogue

# As many files are decoded at once as there are cores, and a few more lie ready.
DECODERS = len(os.sched_getaffinity(0))
DECODED_AHEAD = 4 * DECODERS
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rooms:
    """What a job needs of the house."""

    archive: Archive
    models: Catalogue
    device: Device


def warm(rooms: Rooms) -> str:
    """The device that runs the graphs; all are loaded before the first job comes, and one that can't be is logged."""
    device = rooms.device.start()
    for model in rooms.models.models:
        try:
            for stage in model.card.stages:
                blank = np.zeros((1, 1, stage.rows, stage.columns), np.float32)
                rooms.device.infer(model.graph(stage), model.digest, {stage.input: blank})
        except (Broken, Temporary) as error:
            log.warning("%s", error.sentence)
    return device


def carry_out(lease: Lease, rooms: Rooms) -> None:
    """Ends without a word when the results are stored; every other end is an error with its sentence."""
    job = lease.job
    role = job.order.input_set.roles[0]
    try:
        model = chosen(rooms.models, job)
        with lease.step("read"):
            unchanged(rooms.archive, role)
            series = read(rooms.archive, role.series_uid)
            scan = volume(series)
        with lease.step("infer"):
            raw = infer(rooms.device, model, scan, lease.check)
        with lease.step("measure"):
            origin = origin_of(job, model, rooms.device)
            findings = measure(model, scan, raw, origin, height_m(series, job))
        with lease.step("encode"):
            results = encode(findings, scan, origin)
            lease.plan(tuple(planned(result) for result in results))
        with lease.step("await"):
            lease.await_release()
        with lease.step("store"):
            store(lease, rooms.archive, role, results)
    except NodeError as error:
        error.series_uid = error.series_uid or role.series_uid
        raise


def chosen(models: Catalogue, job: Job) -> Model:
    """The model that the job was made for, in the version that it was made for."""
    model = models.model(job.order.model)
    if model.digest != job.order.digest:
        raise Unsuitable(
            f"The model {model.card.name} changed after this job was made; run it again to use version "
            f"{model.card.version}."
        )
    return model


def unchanged(archive: Archive, role: Role) -> None:
    """Nothing is made of a source that is not any more what the job was made for: it would recreate the patient."""
    if archive.series(role.series_uid).fingerprint != role.fingerprint:
        raise Unsuitable(
            "The series was changed, anonymised or merged after this job was made, so nothing of it was stored; "
            "what it is now gets a job of its own."
        )


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


def origin_of(job: Job, model: Model, device: Device) -> Origin:
    return Origin.of(
        model,
        parameters=job.order.parameters,
        provider=device.start().partition(":")[0],
        created_at=job.created_at.astimezone(),
        software_version=__version__,
    )


def measure(model: Model, scan: Volume, raw: RawOutput, origin: Origin, height: float | None) -> Findings:
    identity = Identity.of(scan, origin)
    level = locate(raw.offsets_mm, raw.sigmas_mm, raw.slices.positions_mm).on(raw.slices.source_slice)
    tracking_uids = [identity.tracking_uid(segment.label) for segment in model.card.segments]
    return body_composition.findings(model.card, scan, raw.masks_czyx, level, height, tracking_uids)


def height_m(series: Series, job: Job) -> float | None:
    """As given with the order, else as the header has it; one that is no number is as good as none."""
    given = dict(job.order.parameters).get("height_m")
    if isinstance(given, int | float):
        return float(given)
    try:
        return header.number(series.instances[0].header, "PatientSize")
    except Unsuitable:
        return None


def planned(result: Result) -> PlannedResult:
    return PlannedResult(result.kind, result.dataset.SOPInstanceUID, result.dataset.SeriesInstanceUID)


def store(lease: Lease, archive: Archive, role: Role, results: Iterable[Result]) -> None:
    """The source is looked at before and after; what was stored beside a source that went is taken back.

    So is what was made of fewer of its instances, once the results on all of them are there.
    """
    unchanged(archive, role)
    for result in results:
        lease.check()
        lease.receive(archive.store(result.kind, result.dataset))
    try:
        unchanged(archive, role)
    except Unsuitable:
        for result in results:
            archive.withdraw(result.dataset.SOPInstanceUID)
        raise
    for sop_instance_uid in lease.superseded():
        lease.check()
        archive.withdraw(sop_instance_uid)
