"""A stored series in, its jobs in the ledger out: by routing when it came by itself, as asked when a person orders."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_plugin.archive.protocol import Archive, StoredSeries
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.orthanc import Orthanc, Series
from orthanc_plugin.intake.results import result_kind
from orthanc_plugin.jobs.job import InputSet, Job, Order, Parameter, Priority, Role
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.card import Model
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.rules import Headers, Verdict, explain

ROLE = "series"


@dataclass(frozen=True)
class Terms:
    """How jobs are ordered."""

    priority: Priority = Priority.ROUTINE
    parameters: tuple[tuple[str, Parameter], ...] = ()
    released: bool = True


AT_ONCE = Terms()
EARLY = Terms(released=False)


@dataclass(frozen=True)
class Placed:
    """A job and what the person who ordered it should know; `remark` is empty where routing agrees."""

    job: Job
    remark: str = ""


class Orders:
    def __init__(self, orthanc: Orthanc, archive: Archive, catalogue: Catalogue, ledger: Ledger) -> None:
        self._orthanc = orthanc
        self._archive = archive
        self._catalogue = catalogue
        self._ledger = ledger

    def place(self, series: Series, headers: Headers, terms: Terms) -> tuple[Job, ...] | None:
        """None when the series moved on while it was read; one that the archive can't give gets a line that says so."""
        try:
            stored = self._archive.series(series.uid)
        except Unsuitable as error:
            self._orthanc.series(series.id)
            return (self._ledger.skip(nobody(unread(series, headers)), error.sentence),) if terms.released else ()
        if len(stored.sop_instance_uids) != len(series.instance_ids):
            return None
        if self._forgotten(stored):
            return ()
        return self._routed(stored, headers, terms)

    def orders_for(self, series_uid: str, model: str | None = None, terms: Terms = AT_ONCE) -> tuple[Placed, ...]:
        """By hand: the named model runs even where routing would not choose it, and the remark says so."""
        chosen = self._catalogue.model(model) if model else None
        headers = self._headers(series_uid)
        if kind := result_kind(headers.values):
            raise Unsuitable(
                f"The series {series_uid} is a result ({kind}); the node never runs on results.", series_uid=series_uid
            )
        stored = self._archive.series(series_uid)
        if chosen is None:
            return tuple(Placed(job) for job in self._routed(stored, headers, terms))
        job = self._ledger.propose(order(input_set_of(stored), chosen, terms))
        return (Placed(job, remark(chosen, headers)),)

    def _routed(self, stored: StoredSeries, headers: Headers, terms: Terms) -> tuple[Job, ...]:
        """A job for each model that fits, replacing those on other instances; else a line that says why there is none.

        Early there is no such line: what is still to come may change it.
        """
        input_set = input_set_of(stored)
        # First, so that whatever happens in between the new job finds the old ones marked, whose results it takes back.
        self._ledger.replace(stored.series_uid, input_set.key)
        fitting = [model for model in self._catalogue.models if explain(model.card, headers).matches]
        jobs = tuple(self._ledger.propose(order(input_set, model, terms)) for model in fitting)
        if not fitting and terms.released:
            jobs = (self._ledger.skip(nobody(input_set), why_not(self._catalogue, headers)),)
        return jobs

    def _forgotten(self, stored: StoredSeries) -> bool:
        """Settled so long ago that the ledger's retention has taken the jobs: nothing old is done anew."""
        if not self._ledger.settled(stored.series_uid, stored.fingerprint):
            return False
        jobs, _ = self._ledger.jobs(series=stored.series_uid)
        return all(job.order.input_set.roles[0].fingerprint != stored.fingerprint for job in jobs)

    def _headers(self, series_uid: str) -> Headers:
        found = self._orthanc.find_series(series_uid)
        if not found:
            raise Unsuitable(
                f"There is no series {series_uid} in the archive; send it or correct its UID.", series_uid=series_uid
            )
        slices = sum(each.frames for each in self._orthanc.slices(found[0].id))
        return Headers(self._orthanc.header(found[0].instance_ids[0]), slices)


def input_set_of(stored: StoredSeries) -> InputSet:
    role = Role(ROLE, stored.series_uid, stored.sop_instance_uids, stored.fingerprint)
    return InputSet(stored.study_uid, (role,))


def unread(series: Series, headers: Headers) -> InputSet:
    """For a series that the archive has and can't give: known by what its index says."""
    study_uid = str(headers.values.get("StudyInstanceUID") or "")
    return InputSet(study_uid, (Role(ROLE, series.uid, (), series.mark),))


def nobody(input_set: InputSet) -> Order:
    return Order(input_set, model="", version="", digest="")


def order(input_set: InputSet, model: Model, terms: Terms) -> Order:
    return Order(
        input_set=input_set,
        model=model.card.name,
        version=model.card.version,
        digest=model.digest,
        parameters=tuple(sorted(terms.parameters)),
        priority=terms.priority,
        released=terms.released,
        limit_s=model.card.limits.seconds,
    )


def why_not(catalogue: Catalogue, headers: Headers) -> str:
    """The sentence of a series that no model is for."""
    if not catalogue.models:
        return "No model is installed; put one into the models folder."
    modality, body_part = headers.text("Modality"), headers.text("BodyPartExamined")
    series = f"modality {modality}" if modality else "a series without a modality"
    part = f"body part {body_part}" if body_part else "no stated body part"
    sentence = f"No model is for {series} and {part}"
    if any(only_too_few(model, headers) for model in catalogue.models):
        return f"{sentence} with {headers.slices} slice{'s' if headers.slices != 1 else ''}."
    return f"{sentence}."


def only_too_few(model: Model, headers: Headers) -> bool:
    *others, slices = explain(model.card, headers).reasons
    return slices.verdict is Verdict.NO and all(reason.verdict is not Verdict.NO for reason in others)


def remark(model: Model, headers: Headers) -> str:
    decision = explain(model.card, headers)
    if decision.matches:
        return ""
    unmet = [reason for reason in decision.reasons if reason.verdict is not Verdict.YES]
    met = "; ".join(f"{reason.rule}, here it is {reason.value or 'not stated'}" for reason in unmet)
    return f"Routing would not choose {model.card.name} for this series: {met}."
