"""The series of a study in, which of them takes which role of a model out.

For each role that is one, the best by the card, or every one that may take it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.role import Preference, Role
from orthanc_plugin.routing.rules import fills

SOFT, SHARP = 0.0, 2.0
NEITHER = 1.0
KERNELS = (
    (SHARP, r"BONE|LUNG|EDGE|SHARP|ULTRA|\b[BHUQ][RFVCL]?[5-9]\d|FC[358]\d|^Y[A-Z]$|^[DEL]$"),
    (SOFT, r"SOFT|STANDARD|STND|SMOOTH|BODY|\b[BHUQ][RFVCL]?[1-4]\d|FC[01]\d|^[ABC]$"),
)
"""Of Siemens, GE, Canon and Philips, as ConvolutionKernel has them."""
PHASES = (
    (SOFT, r"PORTAL|VENO|VENÖS|\bPV\b|\bVEN\b|문맥|門脈"),
    (SHARP, r"ARTER|\bART\b|NATIV|WITHOUT|NON.?CON|DELAY|LATE|SPÄT|UNENHANCED|동맥|動脈|単純|지연"),
)
DESCRIPTIONS = ("SeriesDescription", "ProtocolName", "AcquisitionContrast")
MOMENTS = (("AcquisitionDateTime",), ("SeriesDate", "SeriesTime"), ("AcquisitionDate", "AcquisitionTime"))
OF_IMAGES = (("AcquisitionDateTime",), ("AcquisitionDate", "AcquisitionTime"), ("ContentDate", "ContentTime"))
"""Of one image among those of a series."""


@dataclass(frozen=True)
class Candidate:
    """A series of the study, with what routing knows of it."""

    series_uid: str
    headers: Headers


Taken = Mapping[str, tuple[Candidate, ...]]
"""By role; more than one where the role takes every series."""


@dataclass(frozen=True)
class Seating:
    """`filled` in the order of the card, a role once for each of its series; `missing` are the roles that nobody takes,
    `lacking` those the model needs.

    Priors are looked for when the study's own series are there: until then they are none of these.
    """

    filled: tuple[tuple[str, Candidate], ...]
    missing: tuple[str, ...]
    lacking: tuple[str, ...]
    passed_over: tuple[Candidate, ...]


def alone_in(roles: Mapping[str, Role]) -> str | None:
    """The role that a series of the study takes by itself, whatever it is compared with where that is there.

    None where the model wants a set: several roles, or one series of the study where there may be more.
    """
    first, *others = [name for name, role in roles.items() if role.compared_with is None or role.required]
    return None if others or roles[first].best or roles[first].every else first


def wants_a_set(card: Card) -> bool:
    return alone_in(card.inputs) is None


def may_take_part(card: Card, headers: Headers) -> bool:
    """In a set of its own study; nobody waits for what it may be compared with later."""
    return any(fills(card, role, headers).matches for role in card.inputs if not card.inputs[role].is_prior)


def prior_roles(card: Card) -> tuple[str, ...]:
    return tuple(name for name, role in card.inputs.items() if role.is_prior)


def seat(card: Card, candidates: Iterable[Candidate]) -> Seating:
    """The roles of the study; the one with the fewest candidates chooses first, so that none keeps two empty.

    Roles that take every series take what the others leave.
    """
    known = tuple(candidates)
    roles = [name for name, role in card.inputs.items() if not role.is_prior]
    able = {role: [each for each in known if fills(card, role, each.headers).matches] for role in roles}
    taken: dict[str, tuple[Candidate, ...]] = {}
    for role in sorted(able, key=lambda role: (card.inputs[role].every, len(able[role]))):
        chosen = chosen_of(card, role, [each for each in able[role] if each not in all_of(taken)])
        if chosen:
            taken[role] = chosen
    passed_over = [each for each in known if each not in all_of(taken) and any(each in able[role] for role in able)]
    return seated(card, roles, taken, tuple(passed_over))


def all_of(taken: Taken) -> tuple[Candidate, ...]:
    return tuple(candidate for those in taken.values() for candidate in those)


def seated(card: Card, roles: Iterable[str], taken: Taken, passed_over: tuple[Candidate, ...] = ()) -> Seating:
    """In the order of the card, with what is missing of those `roles`."""
    missing = tuple(role for role in roles if role not in taken)
    return Seating(
        filled=tuple((role, candidate) for role in card.inputs for candidate in taken.get(role, ())),
        missing=missing,
        lacking=tuple(role for role in missing if card.inputs[role].required),
        passed_over=passed_over,
    )


def with_priors(card: Card, seating: Seating, priors: Taken) -> Seating:
    """The whole set: the study's series beside those of earlier studies."""
    own = {role: tuple(each for name, each in seating.filled if name == role) for role, _ in seating.filled}
    whole = seated(card, card.inputs, own | dict(priors))
    return replace(whole, passed_over=seating.passed_over)


def priors_of(card: Card, roles: Iterable[str], candidates: Iterable[Candidate]) -> dict[str, tuple[Candidate, ...]]:
    """What one earlier study gives. Roles that are compared with this one come from one study, or not at all."""
    known, found = list(candidates), dict[str, tuple[Candidate, ...]]()
    for role in roles:
        able = [each for each in known if each not in all_of(found) and fills(card, role, each.headers).matches]
        chosen = chosen_of(card, role, able)
        if chosen:
            found[role] = chosen
    needed = {name for name, now in card.compared.items() if card.inputs[now].required}
    if needed <= found.keys():
        return found
    return {role: those for role, those in found.items() if role not in card.compared}


def chosen_of(card: Card, role: str, able: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Of those that may take the role: every one, as the scanner numbered them, or the best, or none."""
    wanted = card.inputs[role]
    if wanted.every:
        return tuple(sorted(able, key=lambda each: (rank(each.headers, ()), each.series_uid)))
    return (first_of_all(able, wanted.best),) if able else ()


def first_of_all(able: Iterable[Candidate], best: tuple[Preference, ...]) -> Candidate:
    return min(able, key=lambda each: (rank(each.headers, best), each.series_uid))


def rank(headers: Headers, best: tuple[Preference, ...]) -> tuple[float, ...]:
    """Lower is better; the first preference counts most, and the scanner's own number settles the rest."""
    return (*(preferred(headers, preference) for preference in best), headers.number("SeriesNumber") or inf)


def preferred(headers: Headers, preference: Preference) -> float:
    thickness = headers.number("SliceThickness")
    match preference:
        case "thinnest":
            return inf if thickness is None else thickness
        case "thickest":
            return inf if thickness is None else -thickness
        case "most-slices":
            return -float(headers.slices)
        case "soft-kernel":
            return first_of(KERNELS, headers.text("ConvolutionKernel"))
        case "portal-phase":
            return first_of(PHASES, " ".join(headers.text(keyword) for keyword in DESCRIPTIONS))
        case "newest":
            return -moment(headers)


def first_of(kinds: tuple[tuple[float, str], ...], text: str) -> float:
    return next((value for value, pattern in kinds if re.search(pattern, text)), NEITHER)


def moment(headers: Headers, stated: tuple[tuple[str, ...], ...] = MOMENTS) -> float:
    """As one number, year first; 0 for a series that states none."""
    for keywords in stated:
        texts = [headers.text(keyword).partition(".")[0] for keyword in keywords]
        digits = "".join(text[:14] for text in texts)
        if digits.isdecimal() and len(digits) >= 8:
            return float(digits.ljust(14, "0"))
    return 0.0
