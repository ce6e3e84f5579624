"""`recall`: a model and a version in, everything of it that stands listed, rejected or computed anew out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TypeVar

import pydicom

from orthanc_plugin import settings
from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.archive.rest import RestArchive
from orthanc_plugin.deliver.profile import Superseded
from orthanc_plugin.encode.making import Predecessor
from orthanc_plugin.encode.rejection import RECALLED, Rejection, rejection_note
from orthanc_plugin.errors import NodeError, Unsuitable
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.terms import Terms
from orthanc_plugin.jobs.job import FRAME, REJECTION, SHADOW, STATUS, Job
from orthanc_plugin.jobs.ledger import Ledger, NotNow
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.web import jobs as views
from orthanc_plugin.web.message import Wrong

T = TypeVar("T")
DONE, FAILED = 0, 1
CANCELLED = "The version of the model that it was made for was recalled."


@dataclass(frozen=True)
class Recall:
    """What a recall found and did: jobs by number, and a sentence for each that could not be dealt with."""

    found: tuple[Job, ...]
    under_way: tuple[Job, ...]
    rejected: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Books:
    """The recall of one model: `version` is the card's word or the first digits of a digest, empty for all."""

    def __init__(self, ledger: Ledger, archive: Archive, superseded: Superseded, model: str, version: str) -> None:
        self._ledger = ledger
        self._archive = archive
        self._superseded = superseded
        self._model = model
        self._version = version
        self.found = tuple(ledger.standing.of_model(model, version))
        self.under_way = tuple(ledger.standing.under_way(model, version))

    def reject(self, job: Job) -> None:
        """Taken back where the archive beside the node removes what is replaced, else rejected by a key object."""
        why = f"Recalled: {job.order.model} {job.order.version} ({job.order.digest[:12]})."
        standing = self._ledger.standing
        if self._superseded == "remove":
            for sop_instance_uid in standing.of_this_alone(job):
                self._archive.withdraw(sop_instance_uid)
            standing.taken_back(job.id, f"{why} Its results were taken back.")
            return
        rejected = tuple(self._named(job))
        if not rejected:
            raise Unsuitable(f"The job {job.id} is older than the node's records; delete its results by hand.")
        rejection = Rejection(RECALLED, why, rejected)
        note = rejection_note(self._header(job), rejection, datetime.now().astimezone())
        receipt = self._archive.store(REJECTION, note)
        standing.add(job.id, receipt, str(note.SOPClassUID))
        stays = (*_uids(job), receipt.sop_instance_uid)
        standing.taken_back(job.id, f"{why} A key object rejects its results.", but=stays)

    def cancel(self, job: Job) -> None:
        try:
            self._ledger.cancel(job.id, CANCELLED)
        except NotNow:
            return  # it ended meanwhile, and is found the next time

    def _named(self, job: Job) -> Iterator[Predecessor]:
        classes = {each.sop_instance_uid: each.sop_class_uid for each in job.planned}
        for result in job.results:
            if result.kind not in (REJECTION, STATUS) and classes[result.sop_instance_uid]:
                of_series = (job.order.input_set.study_uid, result.series_instance_uid)
                yield Predecessor(*of_series, classes[result.sop_instance_uid], result.sop_instance_uid)

    def _header(self, job: Job) -> pydicom.Dataset:
        """Of the first result that the archive still holds."""
        for uid in _uids(job):
            file = self._archive.file(uid)
            if file is not None:
                return pydicom.dcmread(BytesIO(file), stop_before_pixels=True)
        raise Unsuitable(f"The archive holds none of the results of the job {job.id} any more; nothing is rejected.")


def recall(chosen: argparse.Namespace) -> int:
    model, _, version = chosen.named.partition("@")
    known = settings.from_environment()
    authorization = known.authorization()
    with (
        closing(Ledger(known.database_url)) as ledger,
        closing(RestArchive(known.orthanc_url, authorization, rejected=ledger.rejections.of_series)) as archive,
    ):
        books = Books(ledger, archive, known.local_profile.superseded, model, version)
        orders = _orders(known, authorization, archive, ledger) if chosen.recompute else None
        done = carried_out(books, orders, reject=chosen.reject, watched=with_progress)
    print(json.dumps(entries(done), indent=2) if chosen.json else "\n".join(lines(done, chosen.named)))
    return FAILED if done.problems else DONE


def carried_out(
    books: Books,
    orders: Orders | None,
    *,
    reject: bool,
    watched: Callable[[Sequence[Job], str], Iterable[Job]] = lambda jobs, _: jobs,
) -> Recall:
    """Rejected first, so that nothing wrong stands while the new is computed; one that fails holds up no other."""
    problems: list[str] = []
    rejected = _each(watched(books.found, "rejecting"), books.reject, problems) if reject else ()
    for job in books.under_way if reject else ():
        books.cancel(job)
    ordered: list[str] = []
    if orders is not None:

        def order(job: Job) -> None:
            ordered.extend(anew(job, orders))

        _each(watched((*books.found, *books.under_way), "ordering anew"), order, problems)
    return Recall(books.found, books.under_way, rejected, tuple(dict.fromkeys(ordered)), tuple(problems))


def anew(job: Job, orders: Orders) -> tuple[str, ...]:
    """Ordered as it was, of the version that is there now; its results take the place of these."""
    parameters, roles = dict(job.order.parameters), job.order.input_set.roles
    if SHADOW in parameters:
        raise Unsuitable(f"The job {job.id} was a trial in the shadow; it is not computed anew.")
    if orders.named(job.order.model).digest == job.order.digest:
        raise Unsuitable(f"The job {job.id} was done by the version that is installed; nothing is computed anew.")
    frame = parameters.pop(FRAME, None)
    terms = Terms(job.order.priority, tuple(sorted(parameters.items())))
    if len(roles) == 1 and len(roles[0].sop_instance_uids) == 1:
        image = OneImage(roles[0].series_uid, roles[0].sop_instance_uids[0], None if frame is None else int(frame))
        placed = orders.order_image(image, job.order.model, terms)
    else:
        placed = orders.orders_for(roles[0].series_uid, job.order.model, terms)
    return tuple(each.job.id for each in placed)


def with_progress(jobs: Sequence[T], doing: str) -> Iterable[T]:
    from rich.console import Console
    from rich.progress import track

    return track(jobs, doing, console=Console(stderr=True), disable=not jobs)


def entries(done: Recall) -> dict[str, object]:
    listed = {"found": done.found, "under_way": done.under_way}
    told = {"rejected": done.rejected, "ordered": done.ordered, "problems": done.problems}
    return {name: [views.view(job) for job in jobs] for name, jobs in listed.items()} | {
        name: list(values) for name, values in told.items()
    }


def lines(done: Recall, named: str) -> Iterator[str]:
    for job in (*done.found, *done.under_way):
        order = job.order
        kinds = ", ".join(each.kind for each in job.results) or job.state
        yield f"{job.id:>8}  {order.version:10} {order.digest[:12]}  {', '.join(order.input_set.series_uids)}  {kinds}"
    yield f"{len(done.found)} jobs of {named} have results in the archive, {len(done.under_way)} are under way."
    if done.rejected:
        yield f"Rejected: {len(done.rejected)}."
    if done.ordered:
        yield f"Ordered anew: {', '.join(done.ordered)}."
    yield from done.problems


def _orders(known: settings.Settings, authorization: str, archive: Archive, ledger: Ledger) -> Orders:
    from orthanc_plugin.intake.orthanc import Orthanc

    catalogue = Catalogue(known.models_folder, known.state_folder)
    return Orders(Orthanc(known.orthanc_url, authorization), archive, catalogue, ledger)


def _each(jobs: Iterable[Job], deal_with: Callable[[Job], None], problems: list[str]) -> tuple[str, ...]:
    dealt_with = []
    for job in jobs:
        try:
            deal_with(job)
        except Wrong:
            raise
        except NodeError as error:
            problems.append(error.sentence)
        else:
            dealt_with.append(job.id)
    return tuple(dealt_with)


def _uids(job: Job) -> tuple[str, ...]:
    return tuple(each.sop_instance_uid for each in job.results)
