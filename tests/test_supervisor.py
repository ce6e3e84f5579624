"""Real processes, tiny ones: what a supervised program does is a few lines of Python."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.supervisor import Child, Pauses, Program, Supervisor, end_with_parent, ending
from tests.waiting import eventually

QUICK = Pauses(first_s=0.05, most_s=0.2)
PROJECT = Path(__file__).resolve().parents[1]


class House:
    """A supervisor over one program, its log, and the file that the program writes to."""

    def __init__(self, folder: Path, source: str, *, listens: bool = False, pauses: Pauses = QUICK) -> None:
        self.notes = folder / "notes"
        self.log: list[str] = []
        program = Program(
            name="worker",
            command=(sys.executable, "-c", textwrap.dedent(source)),
            environment=os.environ | {"NOTES": str(self.notes), "PYTHONPATH": str(PROJECT)},
            folder=str(folder),
            listens=listens,
        )
        self.supervisor = Supervisor((program,), self.log.append, pauses, look_every_s=0.02)

    def noted(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []


@pytest.fixture
def houses() -> Iterator[list[House]]:
    opened: list[House] = []
    yield opened
    for house in opened:
        house.supervisor.stop(patience_s=0.5)


NOTE = """
import os, sys, time
def note(text):
    with open(os.environ["NOTES"], "a") as file:
        file.write(f"{text}\\n")
"""


def test_a_program_that_is_killed_starts_again(tmp_path: Path, houses: list[House]) -> None:
    house = House(tmp_path, NOTE + "note(os.getpid()); time.sleep(600)")
    houses.append(house)
    house.supervisor.start()
    [first] = eventually(house.noted, what="the first start")

    os.kill(int(first), signal.SIGKILL)

    eventually(lambda: len(house.noted()) == 2, what="the second start")
    assert house.log == ["The worker process ended (signal 9); it starts again in 0.05 s."]
    assert house.supervisor.states() == {"worker": "running"}


class Runs:
    """A child whose process ends at once, and whose clock is ours."""

    def __init__(self, folder: Path) -> None:
        self.log: list[str] = []
        program = Program("worker", (sys.executable, "-c", "raise SystemExit(3)"), os.environ, str(folder))
        self.child = Child(program, Pauses(first_s=1, most_s=4, good_run_s=60))

    def run(self, started_at: float, ended_at: float) -> None:
        self.child.look(started_at, self.log.append)
        assert self.child.process is not None
        self.child.process.wait()
        self.child.look(ended_at, self.log.append)


def test_the_pause_grows_while_a_program_fails_and_only_so_far(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    for start in (0, 10, 20, 30):
        runs.run(start, start + 5)

    assert runs.log == [
        f"The worker process ended (exit code 3); it starts again in {pause} s." for pause in (1, 2, 4, 4)
    ]


def test_nothing_starts_before_the_pause_is_over(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.run(0, 5)

    runs.child.look(5.9, runs.log.append)
    assert (runs.child.process, runs.child.starts) == (None, 1)
    runs.run(6, 7)
    assert runs.child.starts == 2


def test_after_a_good_run_the_pause_is_short_again(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    runs.run(0, 5)
    runs.run(10, 15)

    runs.run(20, 80)

    assert [line.rpartition(" in ")[2] for line in runs.log] == ["1 s.", "2 s.", "1 s."]


def test_a_program_that_can_not_be_started_is_tried_again(tmp_path: Path) -> None:
    log: list[str] = []
    program = Program("intake", (str(tmp_path / "none"),), {}, str(tmp_path))
    supervisor = Supervisor((program,), log.append, QUICK, look_every_s=0.02)
    supervisor.start()

    eventually(lambda: len(log) >= 2, what="a second try")
    supervisor.stop()

    assert log[0] == "The intake process can't be started: No such file or directory."
    assert supervisor.states() == {"intake": "ended"}


def test_lines_reach_a_program_that_listens(tmp_path: Path, houses: list[House]) -> None:
    house = House(tmp_path, NOTE + "note('up')\nfor line in sys.stdin: note(line.strip())", listens=True)
    houses.append(house)
    house.supervisor.start()
    eventually(house.noted, what="the start")

    house.supervisor.tell("worker", "arrived")
    house.supervisor.tell("worker", "job 12")

    eventually(lambda: house.noted() == ["up", "arrived", "job 12"], what="both lines")


def test_ctrl_c_in_the_terminal_does_not_reach_a_program(tmp_path: Path, houses: list[House]) -> None:
    house = House(tmp_path, NOTE + "note(os.getpid()); time.sleep(600)")
    houses.append(house)
    house.supervisor.start()
    [pid] = eventually(house.noted, what="the start")

    assert os.getpgid(int(pid)) != os.getpgid(0)


def test_telling_a_program_that_does_not_read_never_waits(tmp_path: Path, houses: list[House]) -> None:
    house = House(tmp_path, NOTE + "note('up'); time.sleep(600)", listens=True)
    houses.append(house)
    house.supervisor.start()
    eventually(house.noted, what="the start")

    for _ in range(20_000):
        house.supervisor.tell("worker", "arrived")

    assert house.supervisor.states() == {"worker": "running"}


def test_telling_a_program_that_is_down_does_nothing(tmp_path: Path, houses: list[House]) -> None:
    house = House(tmp_path, "raise SystemExit(3)", listens=True, pauses=Pauses(first_s=600))
    houses.append(house)
    house.supervisor.start()
    eventually(lambda: house.log, what="its end")

    house.supervisor.tell("worker", "arrived")


def test_stopping_asks_first(tmp_path: Path) -> None:
    source = """
        import signal
        def leave(*_):
            note("asked"); sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        note("up"); time.sleep(600)
    """
    house = House(tmp_path, NOTE + textwrap.dedent(source))
    house.supervisor.start()
    eventually(house.noted, what="the start")

    house.supervisor.stop()

    assert house.noted() == ["up", "asked"]
    assert house.supervisor.states() == {"worker": "ended"}


def test_stopping_kills_who_does_not_go(tmp_path: Path) -> None:
    source = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); note(os.getpid()); time.sleep(600)"
    house = House(tmp_path, NOTE + source)
    house.supervisor.start()
    [pid] = eventually(house.noted, what="the start")

    house.supervisor.stop(patience_s=0.2)

    assert not Path("/proc", pid).exists()


SUPERVISED = "from orthanc_plugin.supervisor import end_with_parent; end_with_parent(os.environ);"


def test_a_program_is_gone_when_its_parent_is_killed(tmp_path: Path) -> None:
    child = NOTE + SUPERVISED + "note(os.getpid()); time.sleep(600)"
    parent = f"""
        import os, sys, time
        from orthanc_plugin.supervisor import Program, Supervisor
        program = Program("worker", (sys.executable, "-c", {child!r}), dict(os.environ), {str(tmp_path)!r})
        Supervisor((program,), print).start()
        time.sleep(600)
    """
    notes = tmp_path / "notes"
    environment = os.environ | {"NOTES": str(notes), "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(parent)], env=environment)
    pid = eventually(lambda: notes.exists() and notes.read_text().strip(), what="the start of the program")

    process.kill()
    process.wait()

    eventually(lambda: not Path("/proc", str(pid)).exists(), within_s=5, what="the end of the program")


def test_a_program_whose_parent_is_gone_already_ends() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os;" + SUPERVISED],
        env=os.environ | {"INFERENCE_PARENT": "1", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (1, "The process that started this one is gone already.\n")


def test_a_program_started_by_hand_has_no_parent_to_follow() -> None:
    end_with_parent({})


def test_how_a_process_ended() -> None:
    assert (ending(0), ending(2), ending(-9), ending(-64)) == ("exit code 0", "exit code 2", "signal 9", "signal 64")
