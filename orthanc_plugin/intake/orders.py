"""Stored series in, their jobs in the ledger out: by routing when they came by themselves, as asked by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache

from orthanc_plugin.archive.protocol import Archive, StoredSeries
from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.orthanc import Orthanc, Series
from orthanc_plugin.intake.reasons import lacking, passed_over, remark, switched_off, why_not
from orthanc_plugin.intake.results import result_kind
from orthanc_plugin.intake.terms import AT_ONCE, Terms
from orthanc_plugin.jobs.job import SHADOW, InputSet, Job, Order, Parameter, Priority, Role
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import RegionOfPixels, unseen
from orthanc_plugin.routing.roles import Candidate, Seating, may_take_part, seat, wants_a_set
from orthanc_plugin.routing.rules import explain

ROLE = "series"


@dataclass(frozen=True)
class Placed:
    """A job and what the person who ordered it should know; `remark` is empty where routing agrees."""

    job: Job
    remark: str = ""


class Orders:
    """`pixels_of` a series tell the region of the body where its headers leave it open."""

    def __init__(
        self,
        orthanc: Orthanc,
        archive: Archive,
        catalogue: Catalogue,
        ledger: Ledger,
        pixels_of: Callable[[Series], RegionOfPixels] = lambda _series: unseen,
    ) -> None:
        self._orthanc = orthanc
        self._archive = archive
        self._catalogue = catalogue
        self._ledger = ledger
        self._pixels_of = pixels_of

    def look_at_models(self) -> None:
        self._catalogue.look()

    def seen(self, series: Series, headers: Headers) -> Headers:
        """With the question to the pixels, which is asked once if at all."""
        return replace(headers, pixels=cache(self._pixels_of(series)))

    def place(self, series: Series, headers: Headers, terms: Terms) -> tuple[Job, ...] | None:
        """None when the series moved on while it was read; one that the archive can't give gets a line that says so."""
        try:
            stored = self._archive.series(series.uid)
        except Unsuitable as error:
            self._orthanc.series(series.id)
            return (self._ledger.skip(nobody(unread(series, headers)), error.sentence),) if terms.released else ()
        if len(stored.sop_instance_uids) + stored.rejected != len(series.instance_ids):
            return None
        if self._forgotten(stored):
            return ()
        return self._routed(stored, headers, terms)

    def orders_for(self, series_uid: str, model: str | None = None, terms: Terms = AT_ONCE) -> tuple[Placed, ...]:
        """By hand: the named model runs even where routing would not choose it, and the remark says so."""
        chosen = self._named(model) if model else None
        headers = self._headers(series_uid)
        not_on_results(series_uid, headers)
        stored = self._archive.series(series_uid)
        if chosen is None:
            sets = self.wanting_sets(stored.study_uid, headers)
            placed = tuple(Placed(job) for job in self._routed(stored, headers, terms))
            return placed + tuple(self.order_set(stored.study_uid, each, terms) for each in sets)
        if wants_a_set(chosen.card):
            return (self.order_set(stored.study_uid, chosen, terms),)
        job = self._ledger.propose(order(alone(stored, chosen), chosen, terms))
        return (Placed(job, remark(chosen, headers)),)

    def order_image(self, image: OneImage, model: str | None = None, terms: Terms = AT_ONCE) -> tuple[Placed, ...]:
        """By hand, on one image of a series: a job of its own beside those on the whole series."""
        headers = self._headers(image.series_uid)
        not_on_results(image.series_uid, headers)
        stored = self._archive.series(image.series_uid)
        if model is None:
            chosen = [each for each in self._catalogue.serving(stored.study_uid) if explain(each.card, headers).matches]
        else:
            chosen = [self._named(model)]
        fitting = [each for each in chosen if not wants_a_set(each.card)]
        if not fitting:
            raise Unsuitable(
                f"No model that takes a single image is for the series {image.series_uid}; "
                'name one that takes a single series as "model" to run it all the same.'
            )
        return tuple(
            Placed(
                self._ledger.propose(order(image.input_set(stored, each.card), each, image.terms(terms))),
                remark(each, headers),
            )
            for each in fitting
        )

    def order_set(self, study_uid: str, model: Model, terms: Terms = AT_ONCE) -> Placed:
        """By hand, of all the series that the study has now; Unsuitable says which role nobody takes."""
        seating = seat(model.card, self.candidates(self._orthanc.series_of_study(study_uid)))
        if seating.lacking:
            raise Unsuitable(lacking(model, seating.lacking, 0))
        return Placed(self.place_set(study_uid, model, seating, terms))

    def place_set(self, study_uid: str, model: Model, seating: Seating, terms: Terms = AT_ONCE) -> Job:
        """The job on the series that take the roles; it replaces those of the model on other sets of the study."""
        input_set = self._input_set(study_uid, seating)
        job = self._ledger.propose(order(input_set, model, terms))
        self._ledger.supersede(study_uid, model.card.name, input_set.key)
        for candidate in seating.passed_over:
            self._explain_passing(study_uid, model, candidate)
        return job

    def skip_set(self, study_uid: str, model: Model, seating: Seating, waited_s: float) -> Job:
        """The line that says which role nobody took."""
        reason = lacking(model, seating.lacking, waited_s)
        return self._ledger.skip(order(self._input_set(study_uid, seating), model, AT_ONCE), reason)

    def wanting_sets(self, study_uid: str, headers: Headers) -> tuple[Model, ...]:
        """The models that take several series of a study, and that this one may take a role of."""
        serving = [model for model in self._catalogue.serving(study_uid) if wants_a_set(model.card)]
        return tuple(model for model in serving if may_take_part(model.card, headers))

    def serving(self, study_uid: str, name: str) -> Model | None:
        """The version of that model whose turn it is in the study; None when it is gone or switched off."""
        serving = self._catalogue.serving(study_uid)
        return next((model for model in serving if model.card.name == name), None)

    def candidates(self, found: Iterable[Series]) -> tuple[Candidate, ...]:
        """What routing knows of each series that is no result."""
        known = (Candidate(series.uid, self.seen(series, self._orthanc.headers(series))) for series in found)
        return tuple(each for each in known if not result_kind(each.headers.values))

    def _routed(self, stored: StoredSeries, headers: Headers, terms: Terms) -> tuple[Job, ...]:
        """A job for each model that fits, replacing those on other instances; else a line that says why there is none.

        Early there is no such line: what is still to come may change it. Nor is there one while a set is waited for.
        """
        # First, so that whatever happens in between the new job finds the old ones marked, whose results it takes back.
        self._ledger.replace(stored.series_uid, stored.fingerprint)
        serving = self._catalogue.serving(stored.study_uid)
        fitting = [each for each in serving if not wants_a_set(each.card) and explain(each.card, headers).matches]
        jobs = tuple(self._ledger.propose(order(alone(stored, model), model, terms)) for model in fitting)
        if not fitting and terms.released and not self.wanting_sets(stored.study_uid, headers):
            jobs = (self._ledger.skip(nobody(input_set_of(stored)), why_not(serving, headers)),)
        return jobs

    def _named(self, name: str) -> Model:
        model = self._catalogue.model(name)
        if model.switch == "off":
            raise ConfigurationError(switched_off(model))
        return model

    def _input_set(self, study_uid: str, seating: Seating) -> InputSet:
        stored = ((role, self._archive.series(candidate.series_uid)) for role, candidate in seating.filled)
        return InputSet(study_uid, tuple(role_of(name, series) for name, series in stored))

    def _explain_passing(self, study_uid: str, model: Model, candidate: Candidate) -> None:
        """Every series has a line; one that other models run on has it already."""
        found, _ = self._ledger.jobs(series=candidate.series_uid, limit=1)
        if not found:
            stored = self._archive.series(candidate.series_uid)
            self._ledger.skip(nobody(input_set_of(stored)), passed_over(model))

    def _forgotten(self, stored: StoredSeries) -> bool:
        """Settled so long ago that the ledger's retention has taken the jobs: nothing old is done anew."""
        if not self._ledger.settled(stored.series_uid, stored.fingerprint):
            return False
        jobs, _ = self._ledger.jobs(series=stored.series_uid)
        roles = (role for job in jobs for role in job.order.input_set.roles if role.series_uid == stored.series_uid)
        return all(role.fingerprint != stored.fingerprint for role in roles)

    def _headers(self, series_uid: str) -> Headers:
        found = self._orthanc.find_series(series_uid)
        if not found:
            raise Unsuitable(
                f"There is no series {series_uid} in the archive; send it or correct its UID.", series_uid=series_uid
            )
        return self.seen(found[0], self._orthanc.headers(found[0]))


def not_on_results(series_uid: str, headers: Headers) -> None:
    if kind := result_kind(headers.values):
        raise Unsuitable(
            f"The series {series_uid} is a result ({kind}); the node never runs on results.", series_uid=series_uid
        )


def role_of(name: str, stored: StoredSeries) -> Role:
    return Role(name, stored.series_uid, stored.sop_instance_uids, stored.fingerprint)


def alone(stored: StoredSeries, model: Model) -> InputSet:
    """The series as the one role of the model."""
    (name,) = model.card.inputs
    return InputSet(stored.study_uid, (role_of(name, stored),))


def input_set_of(stored: StoredSeries) -> InputSet:
    return InputSet(stored.study_uid, (role_of(ROLE, stored),))


def unread(series: Series, headers: Headers) -> InputSet:
    """For a series that the archive has and can't give: known by what its index says."""
    study_uid = str(headers.values.get("StudyInstanceUID") or "")
    return InputSet(study_uid, (Role(ROLE, series.uid, (), series.mark),))


def nobody(input_set: InputSet) -> Order:
    return Order(input_set, model="", version="", digest="")


def order(input_set: InputSet, model: Model, terms: Terms) -> Order:
    """The model's own urgency counts where nobody asked for more; a shadow's job is another than that of the real."""
    shadow: tuple[tuple[str, Parameter], ...] = ((SHADOW, True),) if model.switch == "shadow" else ()
    return Order(
        input_set=input_set,
        model=model.card.name,
        version=model.card.version,
        digest=model.digest,
        parameters=tuple(sorted({*terms.parameters, *shadow})),
        priority=min(terms.priority, Priority[model.card.priority.upper()]),
        released=terms.released,
        limit_s=model.card.limits.seconds,
    )
