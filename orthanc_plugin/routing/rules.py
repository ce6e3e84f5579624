"""A card and the headers of a series in, a decision with its reasons, rule by rule, out; no header makes it fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import regex

from orthanc_plugin.routing.body_part import Found, find
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.results import derived_by
from orthanc_plugin.routing.role import Role
from orthanc_plugin.routing.rule import (
    AfterInjection,
    Age,
    All,
    AnyOf,
    BodyPart,
    Not,
    Orientation,
    Range,
    Rule,
    Slices,
    TagBetween,
    TagIn,
    TagMatches,
    TagPresent,
    compiled,
)

MATCHING_S = 0.05
LONGEST_VALUE = 80
LONGEST_TEXT = 10_000


class Verdict(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, said: bool | None) -> Verdict:
        return cls.UNKNOWN if said is None else cls.YES if said else cls.NO


@dataclass(frozen=True)
class Reason:
    """One rule as a person reads it, the value it met and what it said; `parts` are the rules that it joins.

    `contradiction` is what sources say against one another about the series, `remark` what is amiss with the rule.
    """

    rule: str
    value: str
    verdict: Verdict
    parts: tuple[Reason, ...] = ()
    remark: str = ""
    contradiction: str = ""

    @property
    def leaves(self) -> tuple[Reason, ...]:
        return tuple(leaf for part in self.parts for leaf in part.leaves) if self.parts else (self,)


@dataclass(frozen=True)
class Decision:
    """`reasons` are the rules that must all hold; `remarks` are contradictions and what else was met on the way."""

    matches: bool
    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def against(self) -> tuple[Reason, ...]:
        return tuple(reason for reason in self.reasons if reason.verdict is Verdict.NO)

    @property
    def contradictions(self) -> tuple[str, ...]:
        return distinct(leaf.contradiction for leaf in self._leaves)

    @property
    def remarks(self) -> tuple[str, ...]:
        return distinct((*self.contradictions, *(leaf.remark for leaf in self._leaves)))

    @property
    def _leaves(self) -> tuple[Reason, ...]:
        return tuple(leaf for reason in self.reasons for leaf in reason.leaves)


@dataclass(frozen=True)
class Case:
    """What rules are held against."""

    headers: Headers
    found: Found


def explain(card: Card, headers: Headers) -> Decision:
    """Whether the model is for this series, which takes its role where the study gives only one."""
    first, *others = [name for name, role in card.inputs.items() if not role.is_prior]
    return applies(card, headers) if others else fills(card, first, headers)


def applies(card: Card, headers: Headers) -> Decision:
    """The card says what it means when that can't be known."""
    reason = judged(card, card.applies, headers)
    matches = reason.verdict is Verdict.YES or (reason.verdict is Verdict.UNKNOWN and card.unknown == "run")
    return Decision(matches, reason.verdict, reason.parts if isinstance(card.applies, All) else (reason,))


def fills(card: Card, role: str, headers: Headers) -> Decision:
    """Whether the series may take that role: for a role, not to be known is not to fit."""
    decision = applies(card, headers)
    rule = card.inputs[role].rule
    more = [*made(card.inputs[role], headers), *([] if rule is None else [judged(card, rule, headers)])]
    if not more:
        return decision
    reasons = (*decision.reasons, *more)
    verdict = joined("all of", [*reasons], Verdict.NO, Verdict.YES).verdict
    return Decision(decision.matches and all(each.verdict is Verdict.YES for each in more), verdict, reasons)


def made(role: Role, headers: Headers) -> list[Reason]:
    """Whose image it is, where it is a model's or is to be one's."""
    maker = derived_by(headers.values)
    if role.derived_by == maker:
        return [] if maker is None else [Reason(f"derived by {maker}", maker, Verdict.YES)]
    return [Reason(f"derived by {role.derived_by or 'no model'}", maker or "", Verdict.NO)]


def judged(card: Card, rule: Rule, headers: Headers) -> Reason:
    return judge(rule, Case(headers, met(card, rule, headers)))


def met(card: Card, rule: Rule, headers: Headers) -> Found:
    """The region that the rule is held against; nobody looks at the pixels where it settles nothing."""
    if not speaks_of_region(rule):
        return Found.nothing()
    without = judge(rule, Case(headers, Found.nothing()))
    return find(headers, card.region_wins, looks=without.verdict is Verdict.UNKNOWN)


def speaks_of_region(rule: Rule) -> bool:
    if isinstance(rule, All):
        return any(map(speaks_of_region, rule.all))
    if isinstance(rule, AnyOf):
        return any(map(speaks_of_region, rule.any))
    return speaks_of_region(rule.not_) if isinstance(rule, Not) else isinstance(rule, BodyPart)


def judge(rule: Rule, case: Case) -> Reason:
    match rule:
        case All():
            return joined("all of", [judge(each, case) for each in rule.all], Verdict.NO, Verdict.YES)
        case AnyOf():
            return joined("any of", [judge(each, case) for each in rule.any], Verdict.YES, Verdict.NO)
        case Not():
            return negated(judge(rule.not_, case))
        case BodyPart():
            return body_part(rule, case.found)
        case Slices() | Age() | AfterInjection() | Orientation():
            return of_series(rule, case.headers)
        case _:
            return of_tag(rule, case.headers)


def joined(words: str, parts: list[Reason], decisive: Verdict, otherwise: Verdict) -> Reason:
    """One decisive part settles it; else one that is unknown leaves it open."""
    verdicts = {part.verdict for part in parts}
    verdict = next((each for each in (decisive, Verdict.UNKNOWN) if each in verdicts), otherwise)
    return Reason(words, "", verdict, tuple(parts))


def negated(part: Reason) -> Reason:
    opposite = {Verdict.YES: Verdict.NO, Verdict.NO: Verdict.YES, Verdict.UNKNOWN: Verdict.UNKNOWN}
    return Reason("not", "", opposite[part.verdict], (part,))


def body_part(rule: BodyPart, found: Found) -> Reason:
    answers = {found.region.shows(part) for part in rule.body_part}
    said = True if True in answers else None if None in answers else False
    value = f"{found.region} ({found.region.source})" if found.region.parts else ""
    return Reason(f"body part is {listed(rule.body_part)}", value, Verdict.of(said), contradiction=found.remark)


def of_series(rule: Slices | Age | AfterInjection | Orientation, headers: Headers) -> Reason:
    if isinstance(rule, Slices):
        return Reason(f"slices are {words(rule.slices)}", str(headers.slices), within(rule.slices, headers.slices))
    if isinstance(rule, Age):
        age = headers.age_years()
        value = "" if age is None else f"{age:.3g}"
        return Reason(f"age in years is {words(rule.age_years)}", value, within(rule.age_years, age))
    if isinstance(rule, AfterInjection):
        passed = headers.minutes_after_injection()
        value = "" if passed is None else f"{passed:.3g}"
        allowed = rule.minutes_after_injection
        return Reason(f"minutes after injection are {words(allowed)}", value, within(allowed, passed))
    orientation = headers.orientation()
    said = None if orientation is None else orientation == rule.orientation
    return Reason(f"orientation is {rule.orientation}", orientation or "", Verdict.of(said))


def of_tag(rule: TagIn | TagBetween | TagMatches | TagPresent, headers: Headers) -> Reason:
    if isinstance(rule, TagPresent):
        there = headers.present(rule.tag)
        value = shown(headers.texts(rule.tag)) or ("a sequence" if there else "")
        wanted = "present" if rule.present else "missing"
        return Reason(f"{rule.tag} is {wanted}", value, Verdict.of(there == rule.present))
    texts = headers.texts(rule.tag)
    if isinstance(rule, TagIn):
        allowed = {each.strip().upper() for each in rule.in_}
        said = any(text.upper() in allowed for text in texts) if texts else None
        return Reason(f"{rule.tag} is {listed(rule.in_)}", shown(texts), Verdict.of(said))
    if isinstance(rule, TagBetween):
        verdict = within(rule.between, headers.number(rule.tag))
        return Reason(f"{rule.tag} is {words(rule.between)}", shown(texts), verdict)
    return matching(rule, texts)


def matching(rule: TagMatches, texts: tuple[str, ...]) -> Reason:
    """A pattern that takes too long says nothing, and the remark says so."""
    words = f"{rule.tag} matches {rule.matches}"
    if not texts:
        return Reason(words, "", Verdict.UNKNOWN)
    try:
        said = pattern(rule.matches).search("\\".join(texts)[:LONGEST_TEXT], timeout=MATCHING_S) is not None
    except TimeoutError:
        remark = f"The pattern {rule.matches} took longer than {MATCHING_S * 1000:.0f} ms on {rule.tag}; simplify it."
        return Reason(words, shown(texts), Verdict.UNKNOWN, remark=remark)
    return Reason(words, shown(texts), Verdict.of(said))


@cache
def pattern(matches: str) -> regex.Pattern[str]:
    return compiled(matches)


def within(allowed: Range, value: float | None) -> Verdict:
    if value is None:
        return Verdict.UNKNOWN
    above = allowed.least is None or value >= allowed.least
    return Verdict.of(above and (allowed.most is None or value <= allowed.most))


def words(allowed: Range) -> str:
    if allowed.least is None:
        return f"at most {allowed.most:g}"
    return f"at least {allowed.least:g}" if allowed.most is None else f"from {allowed.least:g} to {allowed.most:g}"


def listed(names: Iterable[str]) -> str:
    several = tuple(names)
    return several[0] if len(several) == 1 else f"one of {', '.join(several)}"


def distinct(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentence for sentence in sentences if sentence))


def shown(texts: Iterable[str]) -> str:
    text = "\\".join(texts)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
