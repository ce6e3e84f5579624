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

    With `every` it is all of them, of one study, and their images are those of one series: scanners send the views of a
    mammography in one or in several.

    It is of the study that the model works on, or of the newest earlier one of the same patient that has such a series.
    A network gets zeros for one that is missing, and the results say what `meaning_of_missing` says.
    With `derived_by` it is an image that the model of that name derived, on this node or another, as what is denoised
    before it is outlined; without it, it is never what a node made.
    No network takes one that is `compared_with` a role of the study: the model does with it what it does with that one,
    and the results say what changed in between.
    """

    rule: Rule | None = None
    best: tuple[Preference, ...] = ()
    source: Annotated[Literal["study", "prior"], Field(alias="from")] = "study"
    within_years: Positive | None = None
    compared_with: str | None = None
    every: bool = False
    derived_by: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    required: bool = True
    meaning_of_missing: str = ""

    @model_validator(mode="after")
    def of_its_source(self) -> Self:
        if self.within_years is not None and self.source != "prior":
            raise ValueError("within_years is said of a role that comes from a prior")
        if self.compared_with is not None and self.source != "prior":
            raise ValueError("compared_with is said of a role that comes from a prior")
        return self

    @model_validator(mode="after")
    def chosen_or_all(self) -> Self:
        if self.every and self.best:
            raise ValueError("a role with every takes all series that it may; best chooses one of them")
        return self

    @property
    def is_prior(self) -> bool:
        return self.source == "prior"
