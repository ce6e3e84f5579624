"""A card and the headers of a series in, a decision with its reasons, rule by rule, out; no header makes it fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orthanc_plugin.routing.card import Applies, Card


class Verdict(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Headers:
    """What routing may know of a series: the values of one instance by keyword, and how many slices there are."""

    values: Mapping[str, object]
    slices: int

    def text(self, keyword: str) -> str:
        """The value as routing compares it, upper case and trimmed; empty when it is missing or not a text."""
        value = self.values.get(keyword)
        return value.strip(" \0").upper() if isinstance(value, str) else ""


@dataclass(frozen=True)
class Reason:
    """One rule as a person reads it, the value it met and what it said."""

    rule: str
    value: str
    verdict: Verdict


@dataclass(frozen=True)
class Decision:
    matches: bool
    reasons: tuple[Reason, ...]

    @property
    def against(self) -> tuple[Reason, ...]:
        return tuple(reason for reason in self.reasons if reason.verdict is Verdict.NO)


def explain(card: Card, headers: Headers) -> Decision:
    """Whether the model is for this series; a modality that is not known never matches."""
    applies = card.applies
    modality = one_of("Modality", applies.modality, headers.text("Modality"))
    body_part = one_of("BodyPartExamined", applies.body_part, headers.text("BodyPartExamined"))
    slices = at_least(applies.minimum_slices, headers.slices)
    matches = modality.verdict is Verdict.YES and accepts(applies, body_part.verdict) and slices.verdict is Verdict.YES
    return Decision(matches, (modality, body_part, slices))


def one_of(keyword: str, allowed: tuple[str, ...], value: str) -> Reason:
    rule = f"{keyword} is one of {', '.join(allowed)}"
    if not value:
        return Reason(rule, "", Verdict.UNKNOWN)
    return Reason(rule, value, Verdict.YES if value in allowed else Verdict.NO)


def at_least(least: int, slices: int) -> Reason:
    return Reason(f"slices are at least {least}", str(slices), Verdict.YES if slices >= least else Verdict.NO)


def accepts(applies: Applies, body_part: Verdict) -> bool:
    """A good share of real series has no body part: the card says what that means for its model."""
    if body_part is Verdict.UNKNOWN:
        return applies.unknown_body_part == "run"
    return body_part is Verdict.YES
