"""Models that take several series of a study in, jobs on their sets out, or the lines that say why there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.intake.order import Placed, input_set_of, nobody, order, role_of
from orthanc_plugin.intake.reasons import lacking, passed_over
from orthanc_plugin.intake.seats import Seats, Wanted
from orthanc_plugin.intake.terms import AT_ONCE, Terms
from orthanc_plugin.jobs.job import InputSet, Job
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.roles import Candidate, Seating, may_take_part, wants_a_set
from orthanc_plugin.routing.rules import distinct, fills


class SetOrders:
    def __init__(self, seats: Seats, archive: Archive, catalogue: Catalogue, ledger: Ledger) -> None:
        self._seats = seats
        self._archive = archive
        self._catalogue = catalogue
        self._ledger = ledger

    def wanting(self, study_uid: str, headers: Headers) -> tuple[Model, ...]:
        """The models that take several series of a study, and that this one may take a role of."""
        serving = [model for model in self._catalogue.serving(study_uid) if wants_a_set(model.card)]
        return tuple(model for model in serving if may_take_part(model.card, headers))

    def serving(self, study_uid: str, name: str) -> Model | None:
        """The version of that model whose turn it is in the study; None when it is gone or switched off."""
        serving = self._catalogue.serving(study_uid)
        return next((model for model in serving if model.card.name == name and wants_a_set(model.card)), None)

    def version(self, name: str, digest: str) -> Model | None:
        """As it was, whatever became of it; None when it is not kept."""
        try:
            return self._catalogue.model(name, digest)
        except (ConfigurationError, Unsuitable):
            return None

    def compared_with(self, study_uid: str, series_uid: str) -> Iterator[tuple[str, Model]]:
        """The later studies for which the series was a prior: it changed, so that their jobs were replaced."""
        jobs, _ = self._ledger.jobs(series=series_uid)
        later = {(job.order.input_set.study_uid, job.order.model) for job in jobs}
        for later_uid, name in sorted(later):
            model = self.serving(later_uid, name) if later_uid != study_uid else None
            if model is not None:
                yield later_uid, model

    def seating(self, study_uid: str, model: Model, wanted: Wanted) -> Seating:
        """The roles of the study, which are waited for."""
        return self._seats.of_study(study_uid, model.card, wanted)

    def settle(self, study_uid: str, model: Model, seating: Seating, waited_s: float, said: str = "") -> Job:
        """Priors are there or not; `said` is what went wrong where one was sought in another archive."""
        whole = self._seats.with_past(study_uid, model.card, seating)
        if whole.lacking:
            reason = lacking(model, whole, waited_s)
            return self.skip(study_uid, model, whole, f"{reason} {said}".strip())
        return self._place(study_uid, model, whole, AT_ONCE, said)

    def skip(self, study_uid: str, model: Model, seating: Seating, reason: str) -> Job:
        return self._ledger.skip(order(self._input_set(study_uid, seating), model, AT_ONCE), reason)

    def by_hand(self, study_uid: str, model: Model, terms: Terms = AT_ONCE) -> Placed:
        """Of all that the study and its past hold now; Unsuitable says which role nobody takes."""
        seating = self._seating_now(study_uid, model)
        if seating.lacking:
            raise Unsuitable(lacking(model, seating, 0))
        return Placed(self._place(study_uid, model, seating, terms))

    def by_hand_if_whole(self, study_uid: str, model: Model, terms: Terms = AT_ONCE) -> Placed:
        """The same where nobody named the model: a role that nobody takes keeps no other model from running."""
        seating = self._seating_now(study_uid, model)
        if not seating.lacking:
            return Placed(self._place(study_uid, model, seating, terms))
        reason = lacking(model, seating, 0)
        return Placed(self.skip(study_uid, model, seating, reason), reason)

    def _seating_now(self, study_uid: str, model: Model) -> Seating:
        return self._seats.with_past(study_uid, model.card, self._seats.of_study(study_uid, model.card))

    def _place(self, study_uid: str, model: Model, seating: Seating, terms: Terms, said: str = "") -> Job:
        """The job on the series that take the roles; it replaces those of the model on other sets of the study."""
        input_set = self._input_set(study_uid, seating)
        told = (*remarks(model.card, seating.filled), *([said] if said else []))
        job = self._ledger.propose(order(input_set, model, terms, told))
        self._ledger.supersede(study_uid, model.card.name, input_set.key)
        for candidate in seating.passed_over:
            self._explain_passing(model, candidate)
        return job

    def _input_set(self, study_uid: str, seating: Seating) -> InputSet:
        stored = ((role, self._archive.series(candidate.series_uid)) for role, candidate in seating.filled)
        return InputSet(study_uid, tuple(role_of(name, series) for name, series in stored))

    def _explain_passing(self, model: Model, candidate: Candidate) -> None:
        """Every series has a line; one that other models run on has it already."""
        found, _ = self._ledger.jobs(series=candidate.series_uid, limit=1)
        if not found:
            stored = self._archive.series(candidate.series_uid)
            self._ledger.skip(nobody(input_set_of(stored)), passed_over(model))


def remarks(card: Card, filled: Iterable[tuple[str, Candidate]]) -> tuple[str, ...]:
    """What contradicts itself in the series of a set, each with the role that it takes."""
    found = [(role, said) for role, each in filled for said in fills(card, role, each.headers).contradictions]
    return distinct(said if len(card.inputs) == 1 else f"In the role {role}, {said}" for role, said in found)
