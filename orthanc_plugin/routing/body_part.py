"""Headers in, the region of the body that the series shows out, by our vocabulary, with what it was taken from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from pydicom.sr.codedict import codes

from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import Region
from orthanc_plugin.routing.vocabulary import TERMS, WORDS

TEXTS = (
    "SeriesDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "RequestedProcedureDescription",
    "StudyDescription",
)
"""The closest to the series first: a study of the trunk holds series of the chest."""
CODES = ("AnatomicRegionSequence", "SegmentedPropertyTypeSequence")
LONGEST = 200


@dataclass(frozen=True)
class Found:
    """`remark` is a sentence where sources contradict each other, else empty."""

    region: Region
    remark: str = ""

    @classmethod
    def nothing(cls) -> Found:
        return cls(Region())


def find(headers: Headers, wins: str = "tag", *, looks: bool = True) -> Found:
    """The tag first; the texts of the site fill its gap; the pixels are asked where it is missing or doubtful.

    Where the pixels win, every tag is doubtful: a wrong one seldom comes with a text that contradicts it. Unless
    `looks`, nobody is asked.
    """
    tag, text = of_tag(headers), of_texts(headers)
    stated = tag if tag.parts else text
    said = (stated,) if tag.agrees(text) else (tag, text)
    doubtful = len(said) > 1 or not tag.parts or wins == "pixels"
    seen = headers.pixels() if looks and doubtful else None
    if seen is None or not seen.parts:
        return Found(stated, contradiction(said, stated))
    if not stated.parts or stated.agrees(seen):
        return Found(stated if stated.parts else seen, contradiction(said, stated))
    winner = seen if wins == "pixels" else stated
    return Found(winner, contradiction((*said, seen), winner))


def contradiction(said: Sequence[Region], winner: Region) -> str:
    """Empty where only one says something."""
    words = ", ".join(f"{each.source} says {each}" for each in said)
    return f"{words}; {winner.source} counts." if len(said) > 1 else ""


def of_tag(headers: Headers) -> Region:
    """BodyPartExamined by its defined terms, else the coded regions."""
    named = headers.text("BodyPartExamined")
    term = TERMS.get(re.sub(r"[\W_]", "", named))
    parts = frozenset(term.split()) if term else parts_in(named)
    if parts:
        return Region(parts, "BodyPartExamined")
    for keyword in CODES:
        coded = frozenset(part for item in headers.items(keyword) for part in parts_of_code(item))
        if coded:
            return Region(coded, keyword)
    return Region()


def parts_of_code(item: Headers) -> frozenset[str]:
    """By the code where it is one of the standard's regions (CID 4), else by what the site calls it."""
    meaning = meanings().get(item.text("CodeValue"), "")
    return parts_in(meaning) or parts_in(item.text("CodeMeaning"))


@cache
def meanings() -> dict[str, str]:
    regions = (getattr(codes.cid4, name) for name in codes.cid4.dir())
    return {region.value: region.meaning for region in regions}


def of_texts(headers: Headers) -> Region:
    for keyword in TEXTS:
        parts = parts_in(" ".join(headers.texts(keyword)))
        if parts:
            return Region(parts, keyword)
    return Region()


def parts_in(text: str) -> frozenset[str]:
    """Longer words are looked for first, and each stretch of the text counts once."""
    found = (name(match[0]) for match in pattern().finditer(plain(text[:LONGEST])))
    return frozenset(part for parts in found for part in parts.split())


def plain(text: str) -> str:
    """Lower case without the accents of Latin letters; other scripts keep their signs."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(first if (first := unicodedata.normalize("NFD", sign)[0]).isascii() else sign for sign in folded)


@cache
def table() -> dict[str, str]:
    """The parts by word, longest word first. A word listed twice counts as the later entry has it."""
    words = {word.strip(): parts for parts, listed in WORDS.items() for word in listed.split(",")}
    return dict(sorted(words.items(), key=lambda entry: -len(entry[0])))


@cache
def pattern() -> re.Pattern[str]:
    return re.compile("|".join(map(expression, table())))


def expression(word: str) -> str:
    """Latin words and single Korean syllables stand alone; other signs may stand within a word."""
    bare = re.escape(word.strip("^*"))
    latin, alone = word[0].isascii() and word[0] != "^", len(word) == 1 and "가" <= word <= "힣"
    letter = "[a-z]" if latin else "[가-힣]"
    before = f"(?<!{letter})" if latin or alone or word.startswith("^") else ""
    after = f"(?!{letter})" if (latin or alone) and not word.endswith("*") else ""
    return f"{before}{bare}{after}"


@cache
def name(matched: str) -> str:
    """The parts of the longest word that fits what was found."""
    return next(parts for word, parts in table().items() if re.fullmatch(expression(word), matched))
