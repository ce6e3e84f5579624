"""A study and a card in, the series that take its roles out: those of the study, and those of the patient's past."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

from orthanc_plugin.intake.orthanc import Orthanc, Series
from orthanc_plugin.intake.priors import Examination, past, same_patient
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import RegionOfPixels
from orthanc_plugin.routing.results import derived_by, result_kind
from orthanc_plugin.routing.roles import (
    Candidate,
    Seating,
    all_of,
    prior_roles,
    priors_of,
    seat,
    seated,
    with_priors,
)

EARLIER_MOST = 50
"""So many earlier studies are looked into, as intake looks after nothing else meanwhile: a second or two."""
Wanted = Callable[[Series], bool]


def every(_series: Series) -> bool:
    return True


class Seats:
    def __init__(self, orthanc: Orthanc, pixels_of: Callable[[Series], RegionOfPixels]) -> None:
        self._orthanc = orthanc
        self._pixels_of = pixels_of

    def seen(self, series: Series, headers: Headers) -> Headers:
        """With the question to the pixels, which is asked once if at all."""
        return replace(headers, pixels=cache(self._pixels_of(series)))

    def of_study(self, study_uid: str, card: Card, wanted: Wanted = every) -> Seating:
        """`wanted` leaves out series that are not complete: of those it is not known yet what they are."""
        return seat(card, self._candidates(study_uid, wanted))

    def past_of(self, study_uid: str, card: Card, candidate: Candidate) -> tuple[tuple[str, Candidate], ...]:
        """What an earlier study has to compare a series with that a model takes by itself, with its role."""
        alone = seated(card, (card.main_role,), {card.main_role: (candidate,)})
        whole = self.with_past(study_uid, card, alone)
        return tuple((role, each) for role, each in whole.filled if card.inputs[role].is_prior)

    def with_past(self, study_uid: str, card: Card, seating: Seating) -> Seating:
        """The whole set: of the earlier studies the newest that has a series for a role gives it.

        One that still arrives is taken as it is; when it is whole, it makes a new set.
        """
        roles = prior_roles(card)
        before = past(self._orthanc, study_uid) if roles and seating.filled else None
        if before is None:
            return with_priors(card, seating, {})
        _, known = seating.filled[0]
        priors: dict[str, tuple[Candidate, ...]] = {}
        for study in before.earlier[:EARLIER_MOST]:
            settled = {*priors, *(card.compared if card.compared.keys() & priors.keys() else ())}
            open_roles = [role for role in roles if role not in settled and recent(card, role, before.now, study)]
            if not open_roles:
                break
            there = self._candidates(study.study_uid, every)
            same = [each for each in there if same_patient(each.headers, known.headers)]
            priors |= priors_of(card, open_roles, [each for each in same if each not in all_of(priors)])
        return with_priors(card, seating, priors)

    def _candidates(self, study_uid: str, wanted: Wanted) -> tuple[Candidate, ...]:
        """What routing knows of each series that is no result, but for images that models derived."""
        found: Iterable[Series] = filter(wanted, self._orthanc.series_of_study(study_uid))
        known = (Candidate(series.uid, self.seen(series, self._orthanc.headers(series))) for series in found)
        return tuple(each for each in known if not result_kind(each.headers.values) or derived_by(each.headers.values))


def recent(card: Card, role: str, now: Examination, before: Examination) -> bool:
    within_years = card.inputs[role].within_years
    return within_years is None or now.years_after(before) <= within_years
