"""Routing: what matches, why, and that no header can make it fail."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orthanc_plugin.routing.rules import Headers, Reason, Verdict, explain
from tests.routing.cards import card


def headers(slices: int = 60, **values: Any) -> Headers:
    return Headers(values, slices)


def test_modality_and_body_part_match_and_every_rule_is_explained() -> None:
    decision = explain(card(), headers(Modality="CT", BodyPartExamined="ABDOMEN"))
    assert decision.matches
    assert decision.reasons == (
        Reason("Modality is one of CT", "CT", Verdict.YES),
        Reason("BodyPartExamined is one of ABDOMEN", "ABDOMEN", Verdict.YES),
        Reason("slices are at least 1", "60", Verdict.YES),
    )


def test_case_and_padding_do_not_matter() -> None:
    assert explain(card(), headers(Modality=" ct", BodyPartExamined="Abdomen \0")).matches


def test_another_modality_or_body_part_does_not_match() -> None:
    assert not explain(card(), headers(Modality="MR", BodyPartExamined="ABDOMEN")).matches
    decision = explain(card(), headers(Modality="CT", BodyPartExamined="HEAD"))
    assert not decision.matches
    assert decision.against == (Reason("BodyPartExamined is one of ABDOMEN", "HEAD", Verdict.NO),)


def test_a_missing_body_part_is_unknown_and_the_card_says_what_that_means() -> None:
    for unknown, matches in (("run", True), ("skip", False)):
        decision = explain(card(unknown_body_part=unknown), headers(Modality="CT", BodyPartExamined=" "))
        assert decision.matches is matches
        assert decision.reasons[1] == Reason("BodyPartExamined is one of ABDOMEN", "", Verdict.UNKNOWN)


def test_a_missing_modality_is_unknown_and_never_a_match() -> None:
    decision = explain(card(), headers(BodyPartExamined="ABDOMEN"))
    assert not decision.matches
    assert decision.reasons[0] == Reason("Modality is one of CT", "", Verdict.UNKNOWN)


def test_too_few_slices() -> None:
    decision = explain(card(minimum_slices=20), headers(19, Modality="CT", BodyPartExamined="ABDOMEN"))
    assert not decision.matches
    assert decision.against == (Reason("slices are at least 20", "19", Verdict.NO),)


odd = st.none() | st.text() | st.integers() | st.lists(st.dictionaries(st.text(), st.text())) | st.binary()


@given(values=st.dictionaries(st.sampled_from(["Modality", "BodyPartExamined", "ImageType"]) | st.text(), odd))
def test_odd_headers_are_explained_and_never_throw(values: dict[str, object]) -> None:
    assert len(explain(card(), Headers(values, 1)).reasons) == 3
