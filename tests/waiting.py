"""Waiting for something real to happen: look again and again until a deadline, never a fixed sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within_s: float = 90.0, every_s: float = 0.05, what: str = "it") -> T:
    """The first true answer of `look`; AssertionError with the last answer when the time is over."""
    end = time.monotonic() + within_s
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {within_s} s; last answer: {answer!r}")
        time.sleep(every_s)
