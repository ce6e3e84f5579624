"""Routing: what matches, why, and that no header can make it fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import Region
from orthanc_plugin.routing.rules import Decision, Reason, Verdict, explain, fills
from tests.routing.cards import card
from tests.routing.odd import KEYWORDS, odd_headers

YES, NO, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.UNKNOWN


def headers(slices: int = 60, **values: Any) -> Headers:
    return Headers(values, slices)


def only(rule: dict[str, Any], slices: int = 60, **values: Any) -> Reason:
    (reason,) = explain(card(rule), headers(slices, **values)).reasons
    return reason


def test_modality_and_body_part_match_and_every_rule_is_explained() -> None:
    decision = explain(card(), headers(Modality="CT", BodyPartExamined="ABDOMEN"))
    assert decision == Decision(
        matches=True,
        verdict=YES,
        reasons=(
            Reason("Modality is CT", "CT", YES),
            Reason("body part is abdomen", "abdomen (BodyPartExamined)", YES),
            Reason("slices are at least 1", "60", YES),
        ),
    )


def test_case_and_padding_do_not_matter() -> None:
    assert explain(card(), headers(Modality=" ct", BodyPartExamined="Abdomen \0")).matches


def test_another_modality_or_body_part_does_not_match() -> None:
    assert not explain(card(), headers(Modality="MR", BodyPartExamined="ABDOMEN")).matches
    decision = explain(card(), headers(Modality="CT", BodyPartExamined="HEAD"))
    assert not decision.matches
    assert decision.against == (Reason("body part is abdomen", "head (BodyPartExamined)", NO),)


@pytest.mark.parametrize(("unknown", "matches"), [("run", True), ("skip", False)])
def test_what_is_not_known_is_unknown_and_the_card_says_what_that_means(unknown: str, matches: bool) -> None:
    decision = explain(card(unknown=unknown), headers(Modality="CT", BodyPartExamined=" "))
    assert (decision.matches, decision.verdict) == (matches, UNKNOWN)
    assert decision.reasons[1] == Reason("body part is abdomen", "", UNKNOWN)


INJECTED_LATELY = {"minutes_after_injection": {"least": 25, "most": 90}}
INJECTED = "RadiopharmaceuticalInformationSequence"


def injected(at: str) -> dict[str, Any]:
    return {INJECTED: [{"Radiopharmaceutical": "Fluorodeoxyglucose", "RadiopharmaceuticalStartTime": at}]}


def test_a_no_outweighs_what_is_not_known() -> None:
    assert explain(card(unknown="run"), headers(Modality="MR")).verdict is NO


@pytest.mark.parametrize(
    ("rule", "values", "verdict"),
    [
        ({"tag": "Modality", "in": ["CT", "MR"]}, {"Modality": "MR"}, YES),
        ({"tag": "ImageType", "in": ["AXIAL"]}, {"ImageType": "ORIGINAL\\PRIMARY\\AXIAL"}, YES),
        ({"tag": "ImageType", "in": ["AXIAL"]}, {"ImageType": ["ORIGINAL", "LOCALIZER"]}, NO),
        ({"tag": "SliceThickness", "between": {"least": 0.5, "most": 5}}, {"SliceThickness": "5.0"}, YES),
        ({"tag": "SliceThickness", "between": {"most": 5}}, {"SliceThickness": "5.1"}, NO),
        ({"tag": "SliceThickness", "between": {"most": 5}}, {"SliceThickness": "thin"}, UNKNOWN),
        ({"tag": "SliceThickness", "between": {"most": 5}}, {"SliceThickness": "nan"}, UNKNOWN),
        ({"tag": "SeriesDescription", "matches": "^t2.*flair"}, {"SeriesDescription": "T2 TSE FLAIR"}, YES),
        ({"tag": "SeriesDescription", "matches": "flair"}, {"SeriesDescription": "T1"}, NO),
        ({"tag": "SeriesDescription", "matches": "flair"}, {}, UNKNOWN),
        ({"tag": "ContrastBolusAgent", "present": True}, {"ContrastBolusAgent": "Iomeron"}, YES),
        ({"tag": "ContrastBolusAgent", "present": True}, {"ContrastBolusAgent": " "}, NO),
        ({"tag": "ContrastBolusAgent", "present": False}, {}, YES),
        ({"tag": "ViewCodeSequence", "present": True}, {"ViewCodeSequence": [{"CodeValue": "1"}]}, YES),
        ({"tag": "ViewCodeSequence", "present": True}, {"ViewCodeSequence": []}, NO),
        ({"age_years": {"least": 18}}, {"PatientAge": "018Y"}, YES),
        ({"age_years": {"least": 18}}, {"PatientAge": "011M"}, NO),
        ({"age_years": {"least": 18}}, {"PatientBirthDate": "19500101", "StudyDate": "20260102"}, YES),
        ({"age_years": {"least": 18}}, {"PatientBirthDate": "20260103", "StudyDate": "20260102"}, UNKNOWN),
        ({"age_years": {"least": 18}}, {"PatientAge": "old"}, UNKNOWN),
        (INJECTED_LATELY, {"AcquisitionTime": "101200.5", **injected("094200")}, YES),
        (INJECTED_LATELY, {"SeriesTime": "1012", **injected("081200")}, NO),
        (INJECTED_LATELY, {"AcquisitionTime": "001000", **injected("233000")}, YES),
        (INJECTED_LATELY, {"AcquisitionTime": "101200"}, UNKNOWN),
        (INJECTED_LATELY, {"AcquisitionTime": "morning", **injected("094200")}, UNKNOWN),
        (
            INJECTED_LATELY,
            {"AcquisitionTime": "101200", INJECTED: [{"RadiopharmaceuticalStartDateTime": "20260102094200.00+0100"}]},
            YES,
        ),
        ({"tag": "Radiopharmaceutical", "matches": "fdg|glucose"}, injected("094200"), YES),
        ({"tag": "Radiopharmaceutical", "matches": "florbetapir"}, injected("094200"), NO),
        ({"tag": "Radiopharmaceutical", "matches": "fdg"}, {INJECTED: []}, UNKNOWN),
        ({"orientation": "axial"}, {"ImageOrientationPatient": "1\\0\\0\\0\\1\\0"}, YES),
        ({"orientation": "axial"}, {"ImageOrientationPatient": "1\\0\\0\\0\\0\\-1"}, NO),
        ({"orientation": "oblique"}, {"ImageOrientationPatient": "0.7\\0.7\\0\\0\\0\\-1"}, YES),
        ({"orientation": "axial"}, {"ImageOrientationPatient": "1\\0\\0\\1\\0\\0"}, UNKNOWN),
        ({"orientation": "axial"}, {"ImageOrientationPatient": "1\\0"}, UNKNOWN),
        ({"slices": {"least": 10, "most": 60}}, {}, YES),
        ({"slices": {"most": 59}}, {}, NO),
    ],
)
def test_a_rule_says_yes_no_or_unknown(rule: dict[str, Any], values: dict[str, Any], verdict: Verdict) -> None:
    assert only(rule, **values).verdict is verdict


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"tag": "Modality", "in": ["CT"]}, "Modality is CT"),
        ({"tag": "Modality", "in": ["CT", "MR"]}, "Modality is one of CT, MR"),
        ({"tag": "SliceThickness", "between": {"least": 0.5, "most": 5}}, "SliceThickness is from 0.5 to 5"),
        ({"tag": "SliceThickness", "between": {"most": 5}}, "SliceThickness is at most 5"),
        ({"tag": "SeriesDescription", "matches": "a|b"}, "SeriesDescription matches a|b"),
        ({"tag": "ContrastBolusAgent", "present": False}, "ContrastBolusAgent is missing"),
        ({"body_part": ["abdomen", "pelvis"]}, "body part is one of abdomen, pelvis"),
        ({"age_years": {"least": 18}}, "age in years is at least 18"),
        ({"minutes_after_injection": {"most": 90}}, "minutes after injection are at most 90"),
        ({"orientation": "axial"}, "orientation is axial"),
    ],
)
def test_a_rule_reads_as_a_person_would_say_it(rule: dict[str, Any], said: str) -> None:
    assert only(rule).rule == said


def test_all_any_and_not_in_three_values() -> None:
    yes, no = {"tag": "Modality", "in": ["CT"]}, {"tag": "Modality", "in": ["MR"]}
    unknown = {"tag": "SliceThickness", "between": {"most": 5}}
    for rule, verdict in (
        ({"all": [yes, yes]}, YES),
        ({"all": [yes, unknown]}, UNKNOWN),
        ({"all": [unknown, no]}, NO),
        ({"any": [no, unknown]}, UNKNOWN),
        ({"any": [unknown, yes]}, YES),
        ({"any": [no, no]}, NO),
        ({"not": no}, YES),
        ({"not": yes}, NO),
        ({"not": unknown}, UNKNOWN),
    ):
        reason = only(rule, Modality="CT")
        assert reason.verdict is verdict, rule
        assert reason.parts, "what it joins is explained as well"


def test_a_value_of_an_enhanced_image_is_found_in_its_functional_groups() -> None:
    measures = {"PixelMeasuresSequence": [{"SliceThickness": "2.5"}]}
    rule = {"tag": "SliceThickness", "between": {"most": 3}}
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        assert only(rule, **{groups: [measures]}) == Reason("SliceThickness is at most 3", "2.5", YES)


def test_a_pattern_that_takes_for_ever_is_unknown_and_says_so() -> None:
    rule = {"tag": "SeriesDescription", "matches": "(a|a|aa)+$"}
    reason = only(rule, SeriesDescription="a" * 200 + "!")
    sentence = "The pattern (a|a|aa)+$ took longer than 50 ms on SeriesDescription; simplify it."
    assert (reason.verdict, reason.remark, reason.contradiction) == (UNKNOWN, sentence, "")
    decision = explain(card(rule), headers(SeriesDescription="a" * 200 + "!"))
    assert (decision.remarks, decision.contradictions) == ((sentence,), ()), "no word for who reads the result"


class TestBodyPart:
    def test_the_text_fills_the_gap_that_the_tag_leaves(self) -> None:
        reason = only({"body_part": ["abdomen"]}, SeriesDescription="CT Oberbauch nativ")
        assert reason == Reason("body part is abdomen", "abdomen (SeriesDescription)", YES)

    def test_a_contradiction_is_a_remark_and_the_tag_counts(self) -> None:
        decision = explain(card(), headers(Modality="CT", BodyPartExamined="HEAD", SeriesDescription="Knie rechts"))
        assert not decision.matches
        assert decision.contradictions == (
            "BodyPartExamined says head, SeriesDescription says knee; BodyPartExamined counts.",
        )
        assert decision.remarks == decision.contradictions

    def test_a_whole_that_may_hold_the_part_is_unknown(self) -> None:
        assert only({"body_part": ["lumbar-spine"]}, BodyPartExamined="SPINE").verdict is UNKNOWN
        assert only({"body_part": ["spine"]}, BodyPartExamined="LSPINE").verdict is YES
        assert only({"body_part": ["lumbar-spine"]}, BodyPartExamined="CSPINE").verdict is NO
        assert only({"body_part": ["knee"]}, BodyPartExamined="WHOLEBODY").verdict is YES

    @pytest.mark.parametrize(
        ("values", "asked"),
        [
            ({"BodyPartExamined": "HEAD"}, 0),
            ({"BodyPartExamined": "HEAD", "SeriesDescription": "brain"}, 0),
            ({"BodyPartExamined": "HEAD", "SeriesDescription": "knee"}, 1),
            ({"SeriesDescription": "knee"}, 1),
            ({}, 1),
        ],
    )
    def test_the_pixels_are_asked_only_where_the_tag_is_missing_or_doubtful(
        self, values: dict[str, str], asked: int
    ) -> None:
        questions: list[str] = []

        def pixels() -> Region | None:
            questions.append("which")
            return None

        explain(card({"body_part": ["head"]}), Headers(values, 60, pixels))
        assert len(questions) == asked

    @pytest.mark.parametrize(("wins", "matches"), [("tag", False), ("pixels", True)])
    def test_a_wrong_tag_that_nothing_else_contradicts_is_caught_where_the_pixels_win(
        self, wins: str, matches: bool
    ) -> None:
        seen = Region(frozenset({"abdomen"}), "PixelData")
        values = {"Modality": "CT", "BodyPartExamined": "HEAD"}
        decision = explain(card(region_wins=wins), Headers(values, 60, lambda: seen))
        assert decision.matches is matches
        said = ("BodyPartExamined says head, PixelData says abdomen; PixelData counts.",)
        assert decision.remarks == (said if matches else ())

    def test_where_the_pixels_win_but_say_nothing_the_tag_counts(self) -> None:
        values = {"Modality": "CT", "BodyPartExamined": "ABDOMEN"}
        decision = explain(card(region_wins="pixels"), Headers(values, 60, lambda: None))
        assert decision.reasons[1] == Reason("body part is abdomen", "abdomen (BodyPartExamined)", YES)

    def test_the_pixels_fill_the_gap(self) -> None:
        seen = Region(frozenset({"abdomen"}), "the pixels")
        decision = explain(card(), Headers({"Modality": "CT"}, 60, lambda: seen))
        assert decision.reasons[1] == Reason("body part is abdomen", "abdomen (the pixels)", YES)

    @pytest.mark.parametrize(("wins", "matches"), [("tag", False), ("pixels", True)])
    def test_the_card_says_who_wins(self, wins: str, matches: bool) -> None:
        seen = Region(frozenset({"abdomen"}), "the pixels")
        values = {"Modality": "CT", "BodyPartExamined": "HEAD", "SeriesDescription": "Abdomen"}
        decision = explain(card(region_wins=wins), Headers(values, 60, lambda: seen))
        assert decision.matches is matches
        winner = "the pixels" if matches else "BodyPartExamined"
        assert decision.remarks == (
            f"BodyPartExamined says head, SeriesDescription says abdomen, the pixels says abdomen; {winner} counts.",
        )


def test_for_a_role_not_to_be_known_is_not_to_fit() -> None:
    roles = {"flair": {"rule": {"tag": "SeriesDescription", "matches": "flair"}}, "any": {}}
    stages = json.loads(json.dumps(card().model_dump(mode="json", by_alias=True)["stages"]))
    stages[0]["roles"] = ["flair", "any"]
    whole = card(inputs=roles, stages=stages)
    known = headers(Modality="CT", BodyPartExamined="ABDOMEN")
    assert not fills(whole, "flair", known).matches
    assert fills(whole, "any", known).matches
    assert fills(whole, "flair", headers(Modality="CT", SeriesDescription="FLAIR", BodyPartExamined="ABDOMEN")).matches


def test_the_rule_of_the_only_role_counts_as_well() -> None:
    only_flair = card(inputs={"series": {"rule": {"tag": "SeriesDescription", "matches": "flair"}}})
    known = {"Modality": "CT", "BodyPartExamined": "ABDOMEN"}
    assert explain(only_flair, headers(SeriesDescription="FLAIR", **known)).matches
    decision = explain(only_flair, headers(SeriesDescription="T1", **known))
    assert not decision.matches
    assert (decision.verdict, decision.reasons[-1]) == (NO, Reason("SeriesDescription matches flair", "T1", NO))
    assert explain(only_flair, headers(**known)).verdict is UNKNOWN


EVERY_RULE = card(
    {"tag": "Modality", "in": ["CT"]},
    {"tag": "SliceThickness", "between": {"most": 5}},
    {"tag": "SeriesDescription", "matches": "(a+)+$"},
    {"tag": "ViewCodeSequence", "present": True},
    {"body_part": ["abdomen"]},
    {"slices": {"least": 1}},
    {"age_years": {"least": 18}},
    {"minutes_after_injection": {"most": 90}},
    {"orientation": "axial"},
    {"not": {"any": [{"tag": "ImageType", "in": ["LOCALIZER"]}, {"tag": "PatientSex", "in": ["F"]}]}},
)
RULES = (
    "Modality is CT",
    "SliceThickness is at most 5",
    "SeriesDescription matches (a+)+$",
    "ViewCodeSequence is present",
    "body part is abdomen",
    "slices are at least 1",
    "age in years is at least 18",
    "minutes after injection are at most 90",
    "orientation is axial",
    "ImageType is LOCALIZER",
    "PatientSex is F",
)


def worst(verdicts: list[Verdict]) -> Verdict:
    return next((each for each in (NO, UNKNOWN) if each in verdicts), YES)


def test_five_hundred_odd_headers_are_each_explained_and_none_throws() -> None:
    explained = 0
    for known in odd_headers(500):
        decision = explain(EVERY_RULE, known)
        leaves = [leaf for reason in decision.reasons for leaf in reason.leaves]
        assert tuple(leaf.rule for leaf in leaves) == RULES, known
        assert decision.verdict is worst([reason.verdict for reason in decision.reasons]), known
        assert decision.matches == (decision.verdict is not NO), known
        for leaf in leaves:
            answered = leaf.verdict is not UNKNOWN
            assert leaf.value or not answered or leaf.rule == "ViewCodeSequence is present", (leaf, known)
        explained += 1
    assert explained == 500


def test_odd_headers_are_odd_in_every_way() -> None:
    """What the one above is worth: few are alike, and each way of being odd is in many of them."""
    given = odd_headers(500)
    assert len({repr(known) for known in given}) >= 450
    for way in (
        lambda values: any(value is None or value == "" for value in values) or len(values) < len(KEYWORDS),
        lambda values: any(not isinstance(value, str | list) and value is not None for value in values),
        lambda values: any(value in ([], [{}], [None], [[]]) for value in values if isinstance(value, list)),
        lambda values: any(isinstance(value, str) and not value.isascii() for value in values),
    ):
        assert sum(way(list(known.values.values())) for known in given) >= 200


anything = st.recursive(
    st.none() | st.text(max_size=20) | st.integers() | st.floats() | st.booleans() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.dictionaries(st.sampled_from(KEYWORDS), anything))
def test_whatever_is_in_a_header_is_explained_and_never_throws(values: dict[str, object]) -> None:
    assert len(explain(EVERY_RULE, Headers(values, 1)).reasons) == 10
