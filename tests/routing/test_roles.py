"""Which series takes which role: one for each, the best by the card, whoever else is there."""

from __future__ import annotations

from typing import Any

import pytest

from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.roles import (
    Candidate,
    may_take_part,
    prior_roles,
    priors_of,
    seat,
    wants_a_set,
    with_priors,
)
from tests.routing.cards import card, card_values, classes, stage

OPTIONAL = {"required": False, "meaning_of_missing": "Not known."}


def series(uid: str, slices: int = 20, **values: Any) -> Candidate:
    return Candidate(uid, Headers({"Modality": "CT", "BodyPartExamined": "ABDOMEN", **values}, slices))


def of_roles(**roles: Any) -> Card:
    taken = [name for name, role in roles.items() if "compared_with" not in role]
    measured = card_values()["outputs"] | {"measurements": [{"measure": "volumes"}]}
    return card(inputs=roles, stages=[stage(roles=taken)], outputs=measured)


def described(pattern: str, **more: Any) -> dict[str, Any]:
    return {"rule": {"tag": "SeriesDescription", "matches": pattern}} | more


def seated(whole: Card, *candidates: Candidate) -> dict[str, str]:
    return {role: candidate.series_uid for role, candidate in seat(whole, candidates).filled}


def test_one_series_alone_is_no_set() -> None:
    assert not wants_a_set(card())
    assert wants_a_set(of_roles(series={"best": ["thinnest"]}))
    assert wants_a_set(of_roles(t1=described("t1"), t2=described("t2")))


def test_every_role_gets_its_series_and_what_is_missing_is_named() -> None:
    whole = of_roles(t1=described("t1"), t2=described("t2"), flair=described("flair", **OPTIONAL))
    one, other = series("1", SeriesDescription="T2 tse"), series("2", SeriesDescription="T1 vibe")
    assert seated(whole, one, other) == {"t1": "2", "t2": "1"}
    assert seat(whole, [one, other]).missing == ("flair",)
    assert seat(whole, [one, other]).lacking == ()
    assert seat(whole, [one]).lacking == ("t1",)


def test_a_series_takes_one_role_and_leaves_the_other_to_who_else_can_take_it() -> None:
    whole = of_roles(any={}, t1=described("t1"))
    assert seated(whole, series("1", SeriesDescription="T1"), series("2")) == {"any": "2", "t1": "1"}


def test_a_series_that_the_model_is_not_for_takes_no_role() -> None:
    assert seated(of_roles(any={"best": ["thinnest"]}), series("1", Modality="MR")) == {}


class TestPriors:
    @pytest.fixture
    def whole(self) -> Card:
        return of_roles(now={}, before=described("axial", **{"from": "prior"}, best=["thinnest"], **OPTIONAL))

    def test_a_set_begins_with_what_is_of_the_study(self, whole: Card) -> None:
        assert wants_a_set(whole)
        assert prior_roles(whole) == ("before",)
        of_prior_alone = of_roles(now=described("now"), before={"from": "prior"})
        assert may_take_part(of_prior_alone, series("1", SeriesDescription="now").headers)
        assert not may_take_part(of_prior_alone, series("1", SeriesDescription="before").headers)

    def test_until_it_was_looked_for_a_prior_is_neither_there_nor_missing(self, whole: Card) -> None:
        seating = seat(whole, [series("1", SeriesDescription="axial")])
        assert [role for role, _ in seating.filled] == ["now"]
        assert (seating.missing, seating.lacking) == ((), ())

    def test_of_an_earlier_study_the_best_series_that_fits_takes_the_role(self, whole: Card) -> None:
        thin, thick = (series(uid, SeriesDescription="axial", SliceThickness=uid) for uid in ("1", "5"))
        assert priors_of(whole, ["before"], [series("2"), thick, thin]) == {"before": (thin,)}
        assert priors_of(whole, ["before"], [series("2", SeriesDescription="coronal"), series("3")]) == {}

    def test_the_whole_set_is_in_the_order_of_the_card(self) -> None:
        needs = of_roles(now={}, before={"from": "prior"}, at_last={"from": "prior"} | OPTIONAL)
        seating = seat(needs, [series("1"), series("2")])
        prior = series("9")
        whole = with_priors(needs, seating, {"at_last": (prior,)})
        assert whole.filled == (("now", series("1")), ("at_last", prior))
        assert (whole.missing, whole.lacking, whole.passed_over) == (("before",), ("before",), (series("2"),))

    def test_what_is_compared_comes_from_one_study_or_not_at_all(self) -> None:
        def earlier(kind: str, of: str) -> dict[str, Any]:
            return described(kind, **{"from": "prior"}, compared_with=of, **OPTIONAL)

        whole = of_roles(t1=described("T1"), flair=described("FLAIR"), t1_then=earlier("T1", "t1"),
                         flair_then=earlier("FLAIR", "flair"))  # fmt: skip
        t1, flair = series("1", SeriesDescription="T1"), series("2", SeriesDescription="FLAIR")
        roles = prior_roles(whole)
        assert priors_of(whole, roles, [t1, flair]) == {"t1_then": (t1,), "flair_then": (flair,)}
        assert priors_of(whole, roles, [t1]) == {}


class TestEverySeries:
    @pytest.fixture
    def whole(self) -> Card:
        slots = [{"name": "first", "rule": {"tag": "Modality", "in": ["CT"]}, "meaning_of_missing": "Not known."}]
        of_slots = classes(slots=["first"])
        inputs = {"now": {"every": True}, "before": {"from": "prior", "every": True} | OPTIONAL}
        return card(inputs=inputs, stages=[stage(kind="image", roles=list(inputs), slots=slots)], outputs=of_slots)

    def test_all_take_the_role_as_the_scanner_numbered_them(self, whole: Card) -> None:
        assert wants_a_set(whole)
        second, first, other = series("1", SeriesNumber="2"), series("2", SeriesNumber="1"), series("3", Modality="MR")
        seating = seat(whole, [second, first, other])
        assert seating.filled == (("now", first), ("now", second))
        assert (seating.missing, seating.passed_over) == ((), ())

    def test_so_do_all_of_an_earlier_study(self, whole: Card) -> None:
        seating = seat(whole, [series("1"), series("2")])
        earlier = priors_of(whole, prior_roles(whole), [series("8"), series("9")])
        filled = [(role, candidate.series_uid) for role, candidate in with_priors(whole, seating, earlier).filled]
        assert filled == [("now", "1"), ("now", "2"), ("before", "8"), ("before", "9")]

    def test_none_is_not_enough(self, whole: Card) -> None:
        assert seat(whole, [series("1", Modality="MR")]).lacking == ("now",)
        assert priors_of(whole, prior_roles(whole), []) == {}


@pytest.mark.parametrize(
    ("preference", "better", "worse"),
    [
        ("thinnest", {"SliceThickness": "1"}, {"SliceThickness": "5"}),
        ("thinnest", {"SliceThickness": "5"}, {}),
        ("thickest", {"SliceThickness": "5"}, {"SliceThickness": "1"}),
        ("soft-kernel", {"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"}),
        ("soft-kernel", {"ConvolutionKernel": "Br40d\\3"}, {"ConvolutionKernel": "Br64d\\3"}),
        ("soft-kernel", {"ConvolutionKernel": "STANDARD"}, {"ConvolutionKernel": "BONEPLUS"}),
        ("soft-kernel", {"ConvolutionKernel": "FC08"}, {"ConvolutionKernel": "FC52"}),
        ("soft-kernel", {"ConvolutionKernel": "B"}, {"ConvolutionKernel": "YC"}),
        ("soft-kernel", {}, {"ConvolutionKernel": "LUNG"}),
        ("portal-phase", {"SeriesDescription": "Abdomen portalvenös"}, {"SeriesDescription": "Abdomen arteriell"}),
        ("portal-phase", {"SeriesDescription": "Abdomen"}, {"SeriesDescription": "Abdomen nativ"}),
        ("newest", {"AcquisitionDateTime": "20260102101500.1"}, {"AcquisitionDateTime": "20260102101400"}),
        ("newest", {"SeriesDate": "20260102", "SeriesTime": "1015"}, {"SeriesDate": "20260101", "SeriesTime": "2359"}),
        ("newest", {"SeriesDate": "20260102"}, {}),
    ],
)
def test_the_preference_decides(preference: str, better: dict[str, str], worse: dict[str, str]) -> None:
    whole = of_roles(series={"best": [preference]})
    one, other = series("2", **better), series("1", **worse)
    for order in ([one, other], [other, one]):
        seating = seat(whole, order)
        assert seating.filled == (("series", one),)
        assert seating.passed_over == (other,)


def test_most_slices_and_then_the_next_preference() -> None:
    whole = of_roles(series={"best": ["most-slices", "thinnest"]})
    few, thick, thin = series("1", 10), series("2", SliceThickness="5"), series("3", SliceThickness="2")
    assert seated(whole, few, thick, thin) == {"series": "3"}
