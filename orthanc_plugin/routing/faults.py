"""What trying the graphs of a version showed, kept by its digest: who has the device tells who only routes."""

from __future__ import annotations

from typing import Protocol


class KeptValues(Protocol):
    def remember(self, key: str, value: str) -> None: ...

    def recall(self, key: str) -> str | None: ...


def fault(kept: KeptValues, digest: str) -> str:
    """The sentence about graphs that do not do what the card says; empty when they do, or were not tried yet."""
    return kept.recall(key(digest)) or ""


def remember(kept: KeptValues, digest: str, sentence: str) -> None:
    """Only what is new: a version never changes."""
    if kept.recall(key(digest)) != sentence:
        kept.remember(key(digest), sentence)


def key(digest: str) -> str:
    return f"graphs/{digest}"
