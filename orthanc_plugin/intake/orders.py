"""Stored series in, their jobs in the ledger out: by routing when they came by themselves, as asked by hand."""

from __future__ import annotations

from collections.abc import Callable

from orthanc_plugin.archive.protocol import Archive, StoredSeries
from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.order import Placed, alone, input_set_of, nobody, order, unread
from orthanc_plugin.intake.orthanc import Orthanc, Series
from orthanc_plugin.intake.reasons import brought, remark, switched_off, why_not
from orthanc_plugin.intake.results import result_kind
from orthanc_plugin.intake.seats import Seats
from orthanc_plugin.intake.set_orders import SetOrders
from orthanc_plugin.intake.terms import AT_ONCE, Terms
from orthanc_plugin.jobs.job import Job
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import RegionOfPixels, unseen
from orthanc_plugin.routing.roles import wants_a_set
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
        self, series: Series, headers: Headers, terms: Terms, *, to_compare: bool = False
    ) -> tuple[Job, ...] | None:
        """None when the series moved on while it was read; one that the archive can't give gets a line that says so.

        What came `to_compare` others with, and for nothing else, gets a line alone.
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
        return self._routed(stored, headers, terms)

    def orders_for(self, series_uid: str, model: str | None = None, terms: Terms = AT_ONCE) -> tuple[Placed, ...]:
        """By hand: the named model runs even where routing would not choose it, and the remark says so."""
        chosen = self.named(model) if model else None
        headers = self._headers(series_uid)
        not_on_results(series_uid, headers)
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
        headers = self._headers(image.series_uid)
        not_on_results(image.series_uid, headers)
        stored = self._archive.series(image.series_uid)
        if model is None:
            chosen = [each for each in self._catalogue.serving(stored.study_uid) if explain(each.card, headers).matches]
        else:
            chosen = [self.named(model)]
        fitting = [each for each in chosen if not wants_a_set(each.card)]
        if not fitting:
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
            for each in fitting
        )

    def _routed(self, stored: StoredSeries, headers: Headers, terms: Terms) -> tuple[Job, ...]:
        """A job for each model that fits, replacing those on other instances; else a line that says why there is none.

        Early there is no such line: what is still to come may change it. Nor is there one while a set is waited for.
        """
        # First, so that whatever happens in between the new job finds the old ones marked, whose results it takes back.
        self._ledger.replace(stored.series_uid, stored.fingerprint)
        serving = self._catalogue.serving(stored.study_uid)
        fitting = [each for each in serving if not wants_a_set(each.card) and explain(each.card, headers).matches]
        jobs = tuple(self._alone(stored, model, headers, terms) for model in fitting)
        if not fitting and terms.released and not self.sets.wanting(stored.study_uid, headers):
            jobs = (self._ledger.skip(nobody(input_set_of(stored)), why_not(serving, headers)),)
        return jobs

    def _alone(self, stored: StoredSeries, model: Model, headers: Headers, terms: Terms) -> Job:
        """What contradicts itself in the series goes with the job into its results."""
        remarks = explain(model.card, headers).contradictions
        return self._ledger.propose(order(alone(stored, model), model, terms, remarks))

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
