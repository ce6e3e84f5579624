"""Whether a process of this host still lives, by more than its number, which is used again."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """`here` names a boot of a host and a PID namespace of it; `key` a process in it, by number and start time.

    What follows may be asked only where `here` is one's own.
    """

    here: str
    key: str

    @classmethod
    def mine(cls) -> Process:
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Process:
        """One that lives in this PID namespace."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        _, start = _state_and_start(pid)
        return cls(f"{boot}/{namespace}", f"{pid}/{start}")

    @property
    def lives(self) -> bool:
        return self._state not in ("", "Z", "X")

    @property
    def is_stopped(self) -> bool:
        """By SIGSTOP or a debugger."""
        return self._state in ("T", "t")

    def kill(self) -> None:
        if self.lives:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    @property
    def _pid(self) -> int:
        return int(self.key.partition("/")[0])

    @property
    def _state(self) -> str:
        """Empty when it is gone."""
        state, start = _state_and_start(self._pid)
        return state if self.key == f"{self._pid}/{start}" else ""


def _state_and_start(pid: int) -> tuple[str, str]:
    """Fields 3 and 22 of proc_pid_stat(5), the second in ticks from the boot; empty when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    fields = stat.rpartition(")")[2].split()
    return fields[0], fields[19]
