"""Stored series in, their jobs in the ledger out: by routing when they came by themselves, as asked by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from orthanc_plugin.archive.protocol import Archive, StoredSeries
from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.intake.elsewhere import NOTHING
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.order import Placed, input_set_of, nobody, order, role_of, unread
from orthanc_plugin.intake.orthanc import Orthanc, Series
from orthanc_plugin.intake.reasons import brought, remark, switched_off, why_not
from orthanc_plugin.intake.seats import Seats
from orthanc_plugin.intake.set_orders import SetOrders, remarks
from orthanc_plugin.intake.terms import AT_ONCE, Terms
from orthanc_plugin.jobs.job import InputSet, Job, Role
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import RegionOfPixels, unseen
from orthanc_plugin.routing.results import derived_by, result_kind
from orthanc_plugin.routing.roles import Candidate, wants_a_set
from orthanc_plugin.routing.rules import explain


class Orders:
    """`pixels_of` a series tell the region of the body where its headers leave it open.

    `sets` are the orders of models that take several series of a study.
    """

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
        self._seats = Seats(orthanc, pixels_of)
        self.sets = SetOrders(self._seats, archive, catalogue, ledger)

    def look_at_models(self) -> None:
        self._catalogue.look()

    def seen(self, series: Series, headers: Headers) -> Headers:
        """With the question to the pixels, which is asked once if at all."""
        return self._seats.seen(series, headers)

    def place(
        self, series: Series, headers: Headers, terms: Terms, *, to_compare: bool = False, said: str | None = NOTHING
    ) -> tuple[Job, ...] | None:
        """None when the series moved on while it was read; one that the archive can't give gets a line that says so.

        What came `to_compare` others with, and for nothing else, gets a line alone. `said` is what went wrong where
        another archive was asked for an earlier study, None while it is: models that compare come later then.
        """
        try:
            stored = self._archive.series(series.uid)
        except Unsuitable as error:
            self._orthanc.series(series.id)
            return (self._ledger.skip(nobody(unread(series, headers)), error.sentence),) if terms.released else ()
        if len(stored.sop_instance_uids) + stored.rejected != len(series.instance_ids):
            return None
        if self._forgotten(stored):
            return ()
        if to_compare:
            self._ledger.replace(stored.series_uid, stored.fingerprint)
            return (self._ledger.skip(nobody(input_set_of(stored)), brought()),) if terms.released else ()
        return self._routed(stored, headers, terms, said)

    def take(self, header: Mapping[str, object], by: Model | None = None) -> bool:
        """Whether it is an image that a model derived and another one takes, the one that is named or any."""
        maker = derived_by(header)
        if maker is None:
            return False
        models = self._catalogue.serving(str(header.get("StudyInstanceUID") or "")) if by is None else (by,)
        return any(role.derived_by == maker for model in models for role in model.card.inputs.values())

    def comparing(self, headers: Headers) -> tuple[Model, ...]:
        """The models for the series that take it by itself and compare it with an earlier study."""
        serving = self._catalogue.serving(next(iter(headers.texts("StudyInstanceUID")), ""))
        return tuple(model for model in fitting(serving, headers) if model.card.compared)

    def compared_with(self, series_uid: str, study_uid: str = "") -> tuple[Series, ...]:
        """The series of other studies than its own that models took by themselves and compared with this one."""
        found: dict[str, None] = {}
        for job in self._ledger.jobs(series=series_uid)[0]:
            of_study, (first, *_) = job.order.input_set.study_uid, job.order.input_set.roles
            alone = (each.card.name for each in self._catalogue.serving(of_study) if not wants_a_set(each.card))
            if of_study != study_uid and first.series_uid != series_uid and job.order.model in alone:
                found[first.series_uid] = None
        return tuple(series for uid in found for series in self._orthanc.find_series(uid))

    def orders_for(self, series_uid: str, model: str | None = None, terms: Terms = AT_ONCE) -> tuple[Placed, ...]:
        """By hand: the named model runs even where routing would not choose it, and the remark says so."""
        chosen = self.named(model) if model else None
        headers = self._headers(series_uid)
        self._not_on_results(series_uid, headers, chosen)
        stored = self._archive.series(series_uid)
        if chosen is None:
            sets = self.sets.wanting(stored.study_uid, headers)
            placed = tuple(Placed(job) for job in self._routed(stored, headers, terms))
            return placed + tuple(self.sets.by_hand_if_whole(stored.study_uid, each, terms) for each in sets)
        if wants_a_set(chosen.card):
            return (self.sets.by_hand(stored.study_uid, chosen, terms),)
        return (Placed(self._alone(stored, chosen, headers, terms), remark(chosen, headers)),)

    def order_image(self, image: OneImage, model: str | None = None, terms: Terms = AT_ONCE) -> tuple[Placed, ...]:
        """By hand, on one image of a series: a job of its own beside those on the whole series."""
        by, headers = self.named(model) if model else None, self._headers(image.series_uid)
        self._not_on_results(image.series_uid, headers, by)
        stored = self._archive.series(image.series_uid)
        chosen = [by] if by else fitting(self._catalogue.serving(stored.study_uid), headers)
        of_one = [each for each in chosen if not wants_a_set(each.card)]
        if not of_one:
            raise Unsuitable(
                f"No model that takes a single image is for the series {image.series_uid}; "
                'name one that takes a single series as "model" to run it all the same.'
            )
        return tuple(
            Placed(
                self._ledger.propose(
                    order(
                        image.input_set(stored, each.card),
                        each,
                        image.terms(terms),
                        explain(each.card, headers).contradictions,
                    )
                ),
                remark(each, headers),
            )
            for each in of_one
        )

    def _routed(
        self, stored: StoredSeries, headers: Headers, terms: Terms, said: str | None = NOTHING
    ) -> tuple[Job, ...]:
        """A job for each model that fits, replacing those on other instances; else a line that says why there is none.

        Early there is no such line: what is still to come may change it. Nor is there one while a set is waited for.
        """
        # First, so that whatever happens in between the new job finds the old ones marked, whose results it takes back.
        self._ledger.replace(stored.series_uid, stored.fingerprint)
        serving = self._catalogue.serving(stored.study_uid)
        chosen = fitting(serving, headers)
        jobs = tuple(
            self._alone(stored, model, headers, terms, said or NOTHING)
            for model in chosen
            if said is not None or not model.card.compared
        )
        if not chosen and terms.released and not self.sets.wanting(stored.study_uid, headers):
            jobs = (self._ledger.skip(nobody(input_set_of(stored)), why_not(serving, headers)),)
        return jobs

    def _alone(self, stored: StoredSeries, model: Model, headers: Headers, terms: Terms, said: str = NOTHING) -> Job:
        """Beside the series of an earlier study that the model compares it with.

        What contradicts itself goes with the job into its results.
        """
        card, role = model.card, model.card.main_role
        before = self._seats.past_of(stored.study_uid, card, Candidate(stored.series_uid, headers))
        input_set = InputSet(stored.study_uid, (role_of(role, stored), *self._stored(before)))
        told = (*explain(card, headers).contradictions, *remarks(card, before), *filter(None, [said]))
        wanted = order(input_set, model, terms, told)
        job = self._ledger.propose(wanted)
        if card.compared:
            self._ledger.compare_anew(wanted, role)
        return job

    def _stored(self, before: Iterable[tuple[str, Candidate]]) -> Iterator[Role]:
        """What went meanwhile is not compared with."""
        for role, candidate in before:
            try:
                stored = self._archive.series(candidate.series_uid)
            except Unsuitable:
                continue
            yield role_of(role, stored)

    def named(self, name: str) -> Model:
        """The version that is installed; one that is switched off is refused."""
        model = self._catalogue.model(name)
        if model.switch == "off":
            raise ConfigurationError(switched_off(model))
        return model

    def _forgotten(self, stored: StoredSeries) -> bool:
        """Settled so long ago that the ledger's retention has taken the jobs: nothing old is done anew."""
        if not self._ledger.settled(stored.series_uid, stored.fingerprint):
            return False
        jobs, _ = self._ledger.jobs(series=stored.series_uid)
        roles = (role for job in jobs for role in job.order.input_set.roles if role.series_uid == stored.series_uid)
        return all(role.fingerprint != stored.fingerprint for role in roles)

    def _not_on_results(self, series_uid: str, headers: Headers, by: Model | None) -> None:
        kind = result_kind(headers.values)
        if kind and not self.take(headers.values, by):
            raise Unsuitable(
                f"The series {series_uid} is a result ({kind}); the node never runs on results.", series_uid=series_uid
            )

    def _headers(self, series_uid: str) -> Headers:
        found = self._orthanc.find_series(series_uid)
        if not found:
            raise Unsuitable(
                f"There is no series {series_uid} in the archive; send it or correct its UID.", series_uid=series_uid
            )
        return self.seen(found[0], self._orthanc.headers(found[0]))


def fitting(models: Iterable[Model], headers: Headers) -> list[Model]:
    """Those that take the series by itself."""
    return [each for each in models if not wants_a_set(each.card) and explain(each.card, headers).matches]
