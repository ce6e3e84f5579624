"""The language of `applies`: rules over the headers of a series, joined by all, any and not; data that runs nothing."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import regex
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.vocabulary import Part


def compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern, regex.IGNORECASE)


def compiles(pattern: str) -> str:
    try:
        compiled(pattern)
    except regex.error as error:
        raise ValueError(f"{pattern} is no regular expression ({error})") from error
    return pattern


Keyword = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{1,63}$", description="a DICOM keyword, as SliceThickness")]
Pattern = Annotated[
    str,
    Field(min_length=1, max_length=500, description="a regular expression, found anywhere in the text"),
    AfterValidator(compiles),
]


class Range(Entry):
    """Both ends belong to it; at least one is stated."""

    least: float | None = None
    most: float | None = None

    @model_validator(mode="after")
    def stated(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("a range states least, most or both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("the least of a range is above its most")
        return self


class All(Entry):
    all: Annotated[tuple[Rule, ...], Field(min_length=1)]


class AnyOf(Entry):
    any: Annotated[tuple[Rule, ...], Field(min_length=1)]


class Not(Entry):
    not_: Annotated[Rule, Field(alias="not")]


class TagIn(Entry):
    """One of the values of the tag is one of these, letter case and outer spaces apart."""

    tag: Keyword
    in_: Annotated[tuple[str, ...], Field(alias="in", min_length=1)]


class TagBetween(Entry):
    """The tag's first number lies in the range."""

    tag: Keyword
    between: Range


class TagMatches(Entry):
    """The pattern is found in the tag's text, letter case apart, within a limit of time."""

    tag: Keyword
    matches: Pattern


class TagPresent(Entry):
    """The tag is there with a value, or is not; the only rule that a missing tag answers."""

    tag: Keyword
    present: bool


class BodyPart(Entry):
    """The region that the series shows is, or holds, one of these of our vocabulary."""

    body_part: Annotated[tuple[Part, ...], Field(min_length=1)]


class Slices(Entry):
    """How many slices or frames the series has."""

    slices: Range


class Age(Entry):
    """The patient's age in years, from PatientAge or from birth and study date."""

    age_years: Range


class AfterInjection(Entry):
    """How many minutes after the injection of a tracer the acquisition began."""

    minutes_after_injection: Range


class Orientation(Entry):
    orientation: Literal["axial", "coronal", "sagittal", "oblique"]


KINDS = (
    *("all", "any", "not", "in", "between", "matches", "present"),
    *("body_part", "slices", "age_years", "minutes_after_injection", "orientation"),
)


def kind(entry: object) -> str | None:
    """By the key that names the kind of rule, so that an error speaks of that kind alone."""
    if isinstance(entry, Entry):
        keys = {field.alias or name for name, field in type(entry).model_fields.items()}
    else:
        keys = set(entry) if isinstance(entry, dict) else set()
    return next((each for each in KINDS if each in keys), None)


Rule = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[TagIn, Tag("in")]
    | Annotated[TagBetween, Tag("between")]
    | Annotated[TagMatches, Tag("matches")]
    | Annotated[TagPresent, Tag("present")]
    | Annotated[BodyPart, Tag("body_part")]
    | Annotated[Slices, Tag("slices")]
    | Annotated[Age, Tag("age_years")]
    | Annotated[AfterInjection, Tag("minutes_after_injection")]
    | Annotated[Orientation, Tag("orientation")],
    Discriminator(
        kind,
        custom_error_type="rule",
        custom_error_message="a rule has one of the keys all, any, not, tag with in, between, matches or present, "
        "body_part, slices, age_years, minutes_after_injection, orientation",
    ),
]

for each in (All, AnyOf, Not):
    each.model_rebuild()
