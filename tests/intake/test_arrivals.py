"""Arrivals and habits: what counts as a pause, and which pauses count."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from orthanc_plugin.intake.arrivals import REMEMBERED_TRANSFERS, Arrivals, Habit

MOST_S = 60.0


def transfer(*pauses_s: float) -> Arrivals:
    stamps_s = tuple(accumulate((0.0, *pauses_s)))
    return Arrivals(stamps_s, len(stamps_s))


def test_pauses_are_what_lies_between_longest_first() -> None:
    assert transfer(1, 3, 2).pauses_s(MOST_S) == (3, 2, 1)
    assert Arrivals((7.0,), 40).pauses_s(MOST_S) == ()


def test_a_sender_that_comes_back_another_day_made_no_pause() -> None:
    assert transfer(1, 90000, 2).pauses_s(MOST_S) == (2, 1)


def test_one_long_pause_is_an_accident_two_are_a_habit() -> None:
    assert transfer(0.25, 5, 0.25, 0.5).usual_pause_s(MOST_S) == 0.5
    assert transfer(0.25, 5, 0.25, 5).usual_pause_s(MOST_S) == 5
    assert transfer(5, 0.25, 0.25).usual_pause_s(MOST_S) == 5, (
        "three pauses are too few to call one of them an accident"
    )


def test_late_instances_join_the_arrivals() -> None:
    assert transfer(1, 1).joined_by((9.0, 8.0, 8.0), 6) == Arrivals((0, 1, 2, 8, 9), 6)


def test_a_habit_is_the_longest_pause_that_most_transfers_make() -> None:
    habit = Habit()
    assert habit.pause_s == 0.0
    habit = habit.after(transfer(0.1, 5.0), MOST_S)
    assert habit.pause_s == 5.0, "all that is known of the sender"
    for _ in range(9):
        habit = habit.after(transfer(0.1, 0.2), MOST_S)
    assert (habit.transfers, habit.pause_s) == (10, 0.2)


def test_a_habit_forgets_the_oldest() -> None:
    habit = Habit(tuple(range(REMEMBERED_TRANSFERS))).after(transfer(2.5), MOST_S)
    assert habit.transfers == REMEMBERED_TRANSFERS
    assert habit.longest_pauses_s[0] == 1
    assert habit.longest_pauses_s[-1] == 2.5


@given(pauses_s=st.lists(st.floats(0, 3), min_size=1), late_s=st.floats(4, 50))
def test_a_single_outlier_never_moves_the_habit_of_several_transfers(pauses_s: list[float], late_s: float) -> None:
    usual = Habit(tuple(pauses_s))
    assert usual.after(transfer(late_s), MOST_S).pause_s <= max(pauses_s)
