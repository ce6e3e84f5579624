"""The one place where what an attempt raised becomes the state and the sentence of its job."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from orthanc_plugin.errors import NodeError, SourceGone, Temporary, Unsuitable
from orthanc_plugin.jobs.job import State


@dataclass(frozen=True)
class Outcome:
    state: State
    reason: str
    is_bug: bool = False
    lives_again: bool = False


def outcome(error: Exception) -> Outcome:
    match error:
        case SourceGone():
            return Outcome(State.SKIPPED, error.sentence, lives_again=True)
        case Unsuitable():
            return Outcome(State.SKIPPED, error.sentence)
        case Temporary():
            return Outcome(State.RETRYING, error.sentence)
        case NodeError():
            return Outcome(State.FAILED, error.sentence)
        case MemoryError():
            return Outcome(State.RETRYING, "The memory of the worker's machine ran out.")
    name = type(error).__name__
    sentence = f"An error that nobody foresaw ended the job ({name}); the worker's log has the details."
    return Outcome(State.FAILED, sentence, is_bug=True)


def frames(error: BaseException) -> str:
    """Where it came from, link by link; without the messages, which may quote what a DICOM file holds."""
    links = []
    link: BaseException | None = error
    while link is not None:
        links.append("".join(traceback.format_tb(link.__traceback__)) + type(link).__qualname__)
        link = link.__cause__ or link.__context__
    return "\n".join(links)


def finished(unstored: int) -> Outcome:
    """Of an attempt that raised nothing: it is done when all that it planned was received."""
    if unstored:
        return Outcome(State.FAILED, f"The job ended with {unstored} of its planned results not stored; report this.")
    return Outcome(State.DONE, "")
