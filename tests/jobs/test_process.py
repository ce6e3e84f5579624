"""A process number alone says nothing: numbers are used again."""

from __future__ import annotations

import os
import subprocess

from orthanc_plugin.jobs.process import Process


def test_this_process_lives() -> None:
    mine = Process.mine()
    assert mine.lives
    assert mine == Process.of(os.getpid())


def test_another_process_of_the_same_number_is_not_the_same() -> None:
    mine = Process.mine()
    assert not Process(mine.here, f"{os.getpid()}/1").lives


def test_a_process_is_dead_as_a_zombie_and_when_it_is_gone() -> None:
    sleeper = subprocess.Popen(["sleep", "600"])
    process = Process.of(sleeper.pid)
    assert process.lives
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not process.lives
    sleeper.wait()
    assert not process.lives
