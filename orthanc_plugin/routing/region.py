"""What part of the body a series shows, as far as it is known, and the question to who can look at its pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orthanc_plugin.routing.vocabulary import PARTS, WHOLE


@dataclass(frozen=True)
class Region:
    """`parts` as they were named, none when nothing is known; `source` says what named them."""

    parts: frozenset[str] = frozenset()
    source: str = ""

    @property
    def whole(self) -> frozenset[str]:
        """With everything that is shown along with them: a knee is of a leg, a whole body has all parts."""
        if "whole-body" in self.parts:
            return frozenset(PARTS)
        return self.parts | {WHOLE[part] for part in self.parts if part in WHOLE}

    def shows(self, part: str) -> bool | None:
        """None when it may: who speaks of the spine alone does not say which part of it."""
        if not self.parts:
            return None
        if part in self.whole:
            return True
        vague = WHOLE.get(part) in self.parts and not any(WHOLE.get(part) == WHOLE.get(each) for each in self.parts)
        return None if vague else False

    def agrees(self, other: Region) -> bool:
        return not self.parts or not other.parts or bool(self.whole & other.whole)

    def __str__(self) -> str:
        return ", ".join(part for part in PARTS if part in self.parts)


RegionOfPixels = Callable[[], Region | None]
"""Asked only where the header is silent or contradicts itself, and dear: who gives it remembers what it said."""


def unseen() -> Region | None:
    """Nobody looks at the pixels."""
    return None
