"""The part of a card that says which series go in: roles, whose series they are, and which of several is the best."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive
from orthanc_plugin.routing.rule import Rule

Preference = Literal["thinnest", "thickest", "most-slices", "soft-kernel", "portal-phase", "newest"]


class Role(Entry):
    """One part of the input: a series that meets `rule`; of several the first by the preferences in `best`.

    It is of the study that the model works on, or of the newest earlier one of the same patient that has such a series.
    A network gets zeros for one that is missing, and the results say what `meaning_of_missing` says.
    """

    rule: Rule | None = None
    best: tuple[Preference, ...] = ()
    source: Annotated[Literal["study", "prior"], Field(alias="from")] = "study"
    within_years: Positive | None = None
    required: bool = True
    meaning_of_missing: str = ""

    @model_validator(mode="after")
    def of_its_source(self) -> Self:
        if self.within_years is not None and self.source != "prior":
            raise ValueError("within_years is said of a role that comes from a prior")
        return self

    @property
    def is_prior(self) -> bool:
        return self.source == "prior"
