"""The clinical values that a card asks for out of the order's parameters or the header, each with where it is from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging import header
from orthanc_plugin.measure.findings import Measurement
from orthanc_plugin.routing.card import Card, ClinicalInput

Value = str | float | int | bool
# How many there are in a year, for ages as DICOM writes them (045Y, 018M).
AGE_UNITS = {"Y": 1.0, "M": 12.0, "W": 365.25 / 7, "D": 365.25}


@dataclass(frozen=True)
class Clinical:
    """What was used, by name, and the card's words on what is missing; `numbers` are those with their codes.

    `counted` is what graphs take: numbers as they are, and texts as the numbers that the card says.
    """

    values: tuple[tuple[str, Value], ...]
    cautions: tuple[str, ...]
    numbers: tuple[Measurement, ...] = ()
    counted: tuple[tuple[str, float], ...] = ()

    def number(self, name: str) -> float | None:
        value = dict(self.values).get(name)
        return float(value) if isinstance(value, int | float) else None


def clinical(card: Card, parameters: Mapping[str, Value], of: Dataset) -> Clinical:
    """Unsuitable when a value that the model can't do without is missing."""
    values: list[tuple[str, Value]] = []
    cautions: list[str] = []
    numbers: list[Measurement] = []
    counted: list[tuple[str, float]] = []
    for wanted in card.clinical_inputs:
        value = parameters.get(wanted.name)
        if value is None and wanted.header is not None:
            value = _from_header(wanted, wanted.header, of)
        if value is None and wanted.missing == "refuse":
            raise Unsuitable(f"The model {card.name} needs {_named(wanted)}: {wanted.meaning_of_missing}")
        if value is None:
            cautions.append(wanted.meaning_of_missing)
        else:
            values.append((wanted.name, _checked(wanted, value)))
            numbers += _coded(wanted, value)
            counted += [(wanted.name, _number(wanted, value))] if wanted.countable else []
    return Clinical(tuple(values), tuple(cautions), tuple(numbers), tuple(counted))


def _checked(wanted: ClinicalInput, value: Value) -> Value:
    if wanted.unit and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise Unsuitable(f"{wanted.name} was given as something that is no number; give it in {wanted.unit}.")
    if wanted.as_numbers is not None and value not in wanted.as_numbers:
        known = ", ".join(wanted.as_numbers)
        raise Unsuitable(f"{wanted.name} was given as something that the model does not know; give one of {known}.")
    return value


def _number(wanted: ClinicalInput, value: Value) -> float:
    return float(value) if wanted.as_numbers is None else wanted.as_numbers[str(value)]


def _coded(wanted: ClinicalInput, value: Value) -> tuple[Measurement, ...]:
    """Where it is a number; a card's units are UCUM's, whose codes say what they mean."""
    if isinstance(value, str | bool):
        return ()
    unit = Code(wanted.unit or "1", "UCUM", wanted.unit or "no units")
    return (Measurement(wanted.code.code(), float(value), unit),)


def _from_header(wanted: ClinicalInput, keyword: str, of: Dataset) -> Value | None:
    """A number that is none, or a text that says nothing to the model, is as good as missing."""
    if not wanted.unit:
        text = header.text(of, keyword)
        return text if text and text in (wanted.as_numbers or (text,)) else None
    age = re.fullmatch(r"0*(\d{1,3})([YMWD])", header.text(of, keyword))
    if age is not None:
        return float(age[1]) / AGE_UNITS[age[2]]
    try:
        return header.number(of, keyword)
    except Unsuitable:
        return None


def _named(wanted: ClinicalInput) -> str:
    unit = f" in {wanted.unit}" if wanted.unit else ""
    source = f" and the header has no {wanted.header}" if wanted.header is not None else ""
    return f"{wanted.code.meaning} ({wanted.name}{unit}), which was not given{source}"
