"""Every error has its outcome."""

from __future__ import annotations

import pytest

from orthanc_plugin.errors import Broken, ConfigurationError, NodeError, SourceGone, Temporary, Unsuitable
from orthanc_plugin.jobs.job import State
from orthanc_plugin.jobs.outcome import Outcome, finished, frames, outcome


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Unsuitable("It has one slice."), State.SKIPPED),
        (Temporary("Orthanc is away."), State.RETRYING),
        (Broken("The model gave no segments."), State.FAILED),
        (ConfigurationError("The model folder has no card.json."), State.FAILED),
        (NodeError("Something."), State.FAILED),
    ],
)
def test_an_error_of_ours_gives_its_sentence(error: NodeError, state: State) -> None:
    assert outcome(error) == Outcome(state, error.sentence)


def test_a_source_that_went_may_come_back() -> None:
    assert outcome(SourceGone("It was deleted.")) == Outcome(State.SKIPPED, "It was deleted.", lives_again=True)


def test_memory_that_ran_out_may_be_there_later() -> None:
    assert outcome(MemoryError()) == Outcome(State.RETRYING, "The memory of the worker's machine ran out.")


def test_anything_else_is_a_bug_and_keeps_its_message_to_itself() -> None:
    assert outcome(ValueError("DOE^JANE")) == Outcome(
        State.FAILED,
        "An error that nobody foresaw ended the job (ValueError); the worker's log has the details.",
        is_bug=True,
    )


def test_nothing_raised_and_everything_stored_is_done() -> None:
    assert finished(0) == Outcome(State.DONE, "")
    assert finished(2).state is State.FAILED


def test_the_frames_of_an_error_and_of_its_cause_are_without_their_messages() -> None:
    name = "doe^jane".upper()
    try:
        try:
            raise KeyError(name)
        except KeyError as error:
            raise ValueError(f"no {name}") from error
    except ValueError as error:
        told = frames(error)
    assert told.count("test_outcome.py") == 2
    assert "ValueError" in told
    assert "KeyError" in told
    assert name not in told
