"""Programs in, processes that stay up out: started, restarted with a growing pause, ended with their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

PARENT = "INFERENCE_PARENT"
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """A command to keep running; one that `listens` gets lines on its standard input, and its end when we end."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: str
    listens: bool = False


@dataclass(frozen=True)
class Pauses:
    first_s: float = 0.2
    most_s: float = 30.0
    good_run_s: float = 60.0


class Child:
    """One program and the process that runs it now, if any. Used by the supervisor's thread, save `tell`."""

    def __init__(self, program: Program, pauses: Pauses) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self._pauses = pauses
        self._pause_s = pauses.first_s
        self._started_at = 0.0
        self._due_at = 0.0

    def look(self, now: float, log: Callable[[str], None]) -> None:
        """Starts what is due, notices what has ended."""
        if self.process is None:
            if now >= self._due_at:
                self._start(now, log)
        elif self.process.poll() is not None:
            self._ended(now, log)

    def tell(self, line: str) -> None:
        """Never waits: a program that is not there or too busy to read looks for itself later."""
        process = self.process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):
                os.write(process.stdin.fileno(), f"{line}\n".encode())

    def _start(self, now: float, log: Callable[[str], None]) -> None:
        self.starts += 1
        self._started_at = now
        program = self.program
        try:
            self.process = subprocess.Popen(
                program.command,
                stdin=subprocess.PIPE if program.listens else subprocess.DEVNULL,
                env={**program.environment, PARENT: str(os.getpid())},
                cwd=program.folder,
                process_group=0,  # Ctrl-C in a terminal is for Orthanc, which then ends us in order
            )
        except OSError as error:
            log(f"The {program.name} process can't be started: {error.strerror}.")
            self._wait_before_next(now)
            return
        if self.process.stdin is not None:
            os.set_blocking(self.process.stdin.fileno(), False)

    def _ended(self, now: float, log: Callable[[str], None]) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        hang_up(process)
        if now - self._started_at >= self._pauses.good_run_s:
            self._pause_s = self._pauses.first_s
        how = ending(process.returncode)
        log(f"The {self.program.name} process ended ({how}); it starts again in {self._pause_s:g} s.")
        self._wait_before_next(now)

    def _wait_before_next(self, now: float) -> None:
        self._due_at = now + self._pause_s
        self._pause_s = min(self._pause_s * 2, self._pauses.most_s)


class Supervisor:
    """Keeps programs running from one permanent thread: Linux ends a child with the thread that started it."""

    def __init__(
        self,
        programs: tuple[Program, ...],
        log: Callable[[str], None],
        pauses: Pauses = Pauses(),
        look_every_s: float = 0.1,
    ) -> None:
        self._children = {program.name: Child(program, pauses) for program in programs}
        self._log = log
        self._look_every_s = look_every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def tell(self, name: str, line: str) -> None:
        self._children[name].tell(line)

    def states(self) -> dict[str, str]:
        """Of each program: `running`, or `ended` while it waits for its next start."""
        return {
            name: "ended" if child.process is None or child.process.returncode is not None else "running"
            for name, child in self._children.items()
        }

    def stop(self, patience_s: float = 8.0) -> None:
        """All at once are asked to end; whoever has not after `patience_s` is killed. Returns when none is left."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        processes = [child.process for child in self._children.values() if child.process is not None]
        for process in processes:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            hang_up(process)

    def _run(self) -> None:
        while not self._stopping.is_set():
            for child in self._children.values():
                child.look(time.monotonic(), self._log)
            self._stopping.wait(self._look_every_s)


def hang_up(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def ending(returncode: int) -> str:
    return f"exit code {returncode}" if returncode >= 0 else f"signal {-returncode}"


def end_with_parent(environment: Mapping[str, str]) -> None:
    """Called first of all by a supervised process: the kernel kills it when its parent is gone, however that ended."""
    expected = environment.get(PARENT)
    if expected is None:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(expected):
        sys.exit("The process that started this one is gone already.")
