"""Waiting for something real to happen: look again and again until a deadline, never a fixed sleep.

What has not happened for long is looked for less often, as looking takes time from what is waited for.
"""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PART_WAITED, LONGEST_PAUSE_S = 0.05, 0.5


def eventually(look: Callable[[], T], *, within_s: float = 90.0, every_s: float = 0.05, what: str = "it") -> T:
    """The first true answer of `look`; AssertionError with the last answer when the time is over."""
    began = time.monotonic()
    while True:
        answer = look()
        if answer:
            return answer
        waited_s = time.monotonic() - began
        if waited_s > within_s:
            raise AssertionError(f"{what} did not happen within {within_s} s; last answer: {answer!r}")
        time.sleep(max(every_s, min(PART_WAITED * waited_s, LONGEST_PAUSE_S)))
