"""The loop: when it looks, what it hears, that it outlives Orthanc and stands by for another."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError, Temporary
from orthanc_plugin.intake.intake import LOOK_LEAST_S, Intake
from orthanc_plugin.intake.process import PAUSE_MOST_S, Lines, serve, stand_by


class Script(Lines):
    """Lines that come at given moments; waiting for them is what moves the clock, a microsecond at least."""

    def __init__(self, *events: tuple[float, str], ends_s: float) -> None:
        self.events = [*events]
        self.ends_s = ends_s
        self.now_s = 0.0

    def wait(self, seconds: float) -> tuple[str, ...] | None:
        until_s = min(self.now_s + max(0.0, seconds), self.ends_s)
        if self.events and self.events[0][0] <= until_s:
            moment_s, line = self.events.pop(0)
            self.now_s = max(self.now_s, moment_s)
            return (line,)
        self.now_s = max(until_s, self.now_s + 1e-6)
        return None if self.now_s >= self.ends_s else ()


class Looks(Intake):
    """Remembers what the loop asks of it; away between the given moments."""

    def __init__(self, away: tuple[float, float] = (0.0, 0.0), next_s: float = 2.0) -> None:
        self.looked: list[tuple[float, float]] = []
        self.heard: list[str] = []
        self._away = away
        self._next_s = next_s

    def look(self, now_s: float, noticed_s: float) -> float:
        self.looked.append((round(now_s, 3), round(noticed_s, 3)))
        if self._away[0] <= now_s < self._away[1]:
            raise Temporary("Orthanc does not answer; intake goes on when it is back.")
        return now_s + self._next_s

    def heard_job(self, job_id: str, now_s: float) -> None:
        self.heard.append(job_id)

    def heard_job_end(self, job_id: str) -> None:
        self.heard.append(f"end of {job_id}")

    def heard_gone(self, series_id: str, now_s: float) -> None:
        self.heard.append(f"without {series_id}")

    def heard_sender(self, now_s: float) -> None:
        self.heard.append("sender")


def played(looks: Looks, *events: tuple[float, str], ends_s: float) -> list[float]:
    """The moments of the looks."""
    script = Script(*events, ends_s=ends_s)
    serve(lambda: looks, script, clock=lambda: script.now_s)
    return [moment_s for moment_s, _ in looks.looked]


class TestLoop:
    def test_it_looks_at_once_and_then_when_the_last_look_said(self) -> None:
        assert played(Looks(), ends_s=5.0) == [0.0, 2.0, 4.0]

    def test_an_arrival_is_looked_at_now(self) -> None:
        assert played(Looks(), (1.0, "arrived"), ends_s=1.5) == [0.0, 1.0]

    def test_a_flood_of_arrivals_is_looked_at_ten_times_a_second(self) -> None:
        flood = [(0.5 + number / 100, "arrived") for number in range(100)]
        moments_s = played(Looks(), *flood, ends_s=2.0)
        assert len(moments_s) <= 2 + 1 / LOOK_LEAST_S
        assert min(after - before for before, after in itertools.pairwise(moments_s)) >= LOOK_LEAST_S - 1e-6

    def test_a_look_knows_when_the_last_instance_came(self) -> None:
        looks = Looks()
        played(looks, (0.5, "arrived"), (0.53, "arrived"), (0.56, "arrived"), ends_s=1.0)
        assert looks.looked == [(0.0, 0.0), (0.5, 0.5), (0.6, 0.56)]

    def test_jobs_and_answers_of_senders_are_handed_over_and_looked_at(self) -> None:
        looks = Looks()
        events = ((0.5, "job 42-7"), (0.6, "ended 42-7"), (0.7, ""), (0.8, "gone 17-4"), (0.9, "nonsense"))
        assert played(looks, *events, ends_s=1.0) == [0.0, 0.5, 0.6, 0.7, 0.8]
        assert looks.heard == ["42-7", "end of 42-7", "sender", "without 17-4"]

    def test_while_orthanc_is_away_it_tries_with_growing_pauses_and_says_so_once(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        moments_s = played(Looks(away=(0.0, 30.0)), ends_s=40.0)
        pauses_s = [round(after - before, 3) for before, after in itertools.pairwise(moments_s)]
        assert pauses_s[:5] == [0.2, 0.4, 0.8, 1.6, 3.2]
        assert max(pauses_s) == PAUSE_MOST_S
        assert pauses_s[-1] == 2.0, "back to its own pace"
        assert caplog.messages == ["Intake pauses: Orthanc does not answer; intake goes on when it is back."]

    def test_an_arrival_while_it_pauses_does_not_end_the_pause_at_once_for_each(self) -> None:
        flood = [(number / 100, "arrived") for number in range(1, 100)]
        assert len(played(Looks(away=(0.0, 30.0)), *flood, ends_s=1.0)) <= 1 + 1 / LOOK_LEAST_S

    def test_an_orthanc_that_is_not_there_at_the_start_is_waited_for(self) -> None:
        script, looks, tries = Script(ends_s=3.0), Looks(), [0, 0]

        def make() -> Intake:
            tries.pop()
            if tries:
                raise Temporary("Orthanc does not answer; intake goes on when it is back.")
            return looks

        serve(make, script, clock=lambda: script.now_s)
        assert looks.looked[0] == (0.2, 0.2)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


class TestLines:
    def test_lines_come_whole_however_they_were_written(self, pipe: tuple[int, int]) -> None:
        lines = Lines(pipe[0])
        os.write(pipe[1], b"arrived\narr")
        assert lines.wait(1) == ("arrived",)
        os.write(pipe[1], b"ived\njob 1-2\n")
        assert lines.wait(1) == ("arrived", "job 1-2")

    def test_nothing_within_the_time_is_no_lines(self, pipe: tuple[int, int]) -> None:
        assert Lines(pipe[0]).wait(0) == ()

    def test_another_thread_wakes_it_once_however_often_it_called(self, pipe: tuple[int, int]) -> None:
        lines = Lines(pipe[0])
        lines.wake()
        lines.wake()
        assert lines.wait(1) == ("",)
        assert lines.wait(0) == ()

    def test_the_end_of_input_is_the_end(self, pipe: tuple[int, int]) -> None:
        os.close(pipe[1])
        assert Lines(pipe[0]).wait(1) is None


class TestStandBy:
    def test_the_first_has_the_turn_and_the_second_gets_it_when_the_first_ends(
        self, tmp_path: Path, pipe: tuple[int, int], caplog: pytest.LogCaptureFixture
    ) -> None:
        first = stand_by(tmp_path / "intake.lock", Lines(pipe[0]))
        assert first is not None
        held: int = first

        class Ends(Lines):
            def wait(self, seconds: float) -> tuple[str, ...] | None:
                os.close(held)
                return ()

        second = stand_by(tmp_path / "intake.lock", Ends(pipe[0]))
        assert second is not None
        os.close(second)
        assert caplog.messages == ["Another intake serves this state folder; this one stands by until it ends"]

    def test_it_ends_when_its_input_ends_before_its_turn(self, tmp_path: Path, pipe: tuple[int, int]) -> None:
        first = stand_by(tmp_path / "intake.lock", Lines(pipe[0]))
        os.close(pipe[1])
        assert stand_by(tmp_path / "intake.lock", Lines(pipe[0])) is None
        assert first is not None
        os.close(first)

    def test_a_state_folder_that_cannot_be_written(self, tmp_path: Path, pipe: tuple[int, int]) -> None:
        with pytest.raises(ConfigurationError) as caught:
            stand_by(tmp_path / "none" / "intake.lock", Lines(pipe[0]))
        assert caught.value.sentence == (
            f"The state folder {tmp_path}/none can't be written (No such file or directory); correct its permissions."
        )
