"""Jobs work side by side; one that has lost a worker before works alone, and is not kept waiting for ever."""

import threading

from orthanc_plugin.jobs.room import Room
from tests.waiting import eventually


class Visitor:
    """Enters in a thread of its own and stays until it is told to leave."""

    def __init__(self, room: Room, *, alone: bool = False) -> None:
        self.entered, self._leave = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._visit, args=(room, alone), daemon=True)
        self._thread.start()

    def _visit(self, room: Room, alone: bool) -> None:
        with room.place(alone=alone):
            self.entered.set()
            self._leave.wait(10)

    def is_inside(self) -> bool:
        return self.entered.wait(5)

    def leave(self) -> None:
        self._leave.set()
        self._thread.join(10)


def test_two_work_side_by_side() -> None:
    room = Room()
    one, other = Visitor(room), Visitor(room)
    assert one.is_inside()
    assert other.is_inside()
    one.leave()
    other.leave()


def test_who_is_alone_waits_for_an_empty_room_and_keeps_later_ones_out() -> None:
    room = Room()
    first = Visitor(room)
    assert first.is_inside()
    alone = Visitor(room, alone=True)
    eventually(lambda: room._wanted_alone == 1)
    later = Visitor(room)
    assert not alone.entered.wait(0.1)
    assert not later.entered.is_set()
    first.leave()
    assert alone.is_inside()
    assert not later.entered.wait(0.1)
    alone.leave()
    assert later.is_inside()
    later.leave()


def test_two_that_want_to_be_alone_come_one_after_the_other() -> None:
    room = Room()
    one, other = Visitor(room, alone=True), Visitor(room, alone=True)
    eventually(lambda: one.entered.is_set() or other.entered.is_set())
    inside, waiting = (one, other) if one.entered.is_set() else (other, one)
    assert not waiting.entered.wait(0.1)
    inside.leave()
    assert waiting.is_inside()
    waiting.leave()
