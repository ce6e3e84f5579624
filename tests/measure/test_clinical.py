"""Clinical values: the order before the header, numbers that are numbers, and what missing ones mean."""

from typing import Any

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.measure.clinical import Clinical, Value, clinical
from orthanc_plugin.routing.card import Card, ClinicalInput
from tests.encode import making
from tests.inference.graphs import concept


def header(**values: Any) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def card(**changes: Any) -> Card:
    wanted = {
        "name": "age_years",
        "code": concept("age", "Age"),
        "unit": "a",
        "header": "PatientAge",
        "missing": "leave-out",
        "meaning_of_missing": "Without the age there is no score.",
    }
    return making.card().model_copy(update={"clinical_inputs": (ClinicalInput.model_validate(wanted | changes),)})


def given(of: Dataset, parameters: dict[str, Value] | None = None, **changes: Any) -> Clinical:
    return clinical(card(**changes), parameters or {}, of)


def test_numbers_that_were_used_have_their_codes() -> None:
    [used] = given(header(), {"age_years": 45}).numbers
    assert (used.name.value, used.value, used.unit.value, used.unit.scheme_designator) == ("age", 45, "a", "UCUM")
    assert given(header(PatientSex="F"), unit="", header="PatientSex").numbers == ()
    assert given(header()).numbers == ()


@pytest.mark.parametrize(("age", "years"), [("045Y", 45), ("018M", 1.5), ("007D", 7 / 365.25), ("45", 45)])
def test_an_age_of_the_header_is_in_years(age: str, years: float) -> None:
    assert given(header(PatientAge=age)).number("age_years") == pytest.approx(years)


def test_the_order_goes_before_the_header() -> None:
    assert given(header(PatientAge="045Y"), {"age_years": 50}).values == (("age_years", 50),)


@pytest.mark.parametrize("of", [header(), header(PatientAge=""), header(PatientAge="old")])
def test_what_is_missing_is_left_out_and_said(of: Dataset) -> None:
    assert given(of) == Clinical((), ("Without the age there is no score.",))


def test_what_a_model_can_not_do_without_is_asked_for() -> None:
    with pytest.raises(Unsuitable) as refusal:
        given(header(), missing="refuse")
    assert refusal.value.sentence == (
        "The model abdominal-muscle-ct needs Age (age_years in a), which was not given and the header has no "
        "PatientAge: Without the age there is no score."
    )


@pytest.mark.parametrize("value", ["fifty", True])
def test_a_value_with_a_unit_is_a_number(value: Value) -> None:
    with pytest.raises(Unsuitable) as refusal:
        given(header(), {"age_years": value})
    assert refusal.value.sentence == "age_years was given as something that is no number; give it in a."


def test_a_value_without_a_unit_is_a_word() -> None:
    sex = {"name": "sex", "unit": "", "header": "PatientSex"}
    assert given(header(PatientSex="F"), **sex).values == (("sex", "F"),)
    assert given(header(PatientSex="F"), **sex).number("sex") is None


SEX = {"name": "sex", "unit": "", "header": "PatientSex", "as_numbers": {"M": 1, "F": 0}}


def test_what_a_graph_takes_are_numbers_and_texts_that_count_as_some() -> None:
    assert given(header(PatientAge="045Y")).counted == (("age_years", 45.0),)
    assert given(header(PatientSex="F"), **SEX).counted == (("sex", 0.0),)
    assert given(header(PatientSex="F"), **SEX).values == (("sex", "F"),)
    assert given(header(PatientSex="F"), unit="", header="PatientSex").counted == ()


def test_a_text_of_the_header_that_says_nothing_to_the_model_is_missing() -> None:
    assert given(header(PatientSex="O"), **SEX) == Clinical((), ("Without the age there is no score.",))


def test_a_text_of_the_order_that_says_nothing_to_the_model_is_refused() -> None:
    with pytest.raises(Unsuitable) as refusal:
        given(header(), {"sex": "male"}, **SEX)
    assert refusal.value.sentence == "sex was given as something that the model does not know; give one of M, F."
