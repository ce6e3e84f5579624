"""The device goes to the most urgent, among equals to who came first, and never to two at once."""

import threading

from orthanc_plugin.inference.turns import Turns
from tests.waiting import eventually


def test_the_most_urgent_is_next_and_equals_keep_their_order() -> None:
    turns, order = Turns(), list[str]()
    threads = []
    with turns.turn(10):
        for name, priority in (("first", 10), ("second", 10), ("idle", 100), ("stat", 1), ("third", 10)):

            def take(name: str = name, priority: int = priority) -> None:
                with turns.turn(priority):
                    order.append(name)

            before = len(turns._waiting)
            threads.append(threading.Thread(target=take))
            threads[-1].start()
            eventually(lambda expected=before + 1: len(turns._waiting) == expected, what=f"{name} waiting")
    for thread in threads:
        thread.join(10)
    assert order == ["stat", "first", "second", "third", "idle"]


def test_who_fails_in_its_turn_gives_it_back() -> None:
    turns = Turns()
    try:
        with turns.turn(1):
            raise KeyError
    except KeyError:
        assert not turns.taken
    with turns.turn(1):
        assert turns.taken
