"""Whether a process of this host still lives, by more than its number, which is used again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """`here` names a boot of a host and a PID namespace of it; `key` a process in it, by PID and start time."""

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
        return cls(f"{boot}/{namespace}", f"{pid}/{_start(pid)}")

    @property
    def lives(self) -> bool:
        """Only asked of processes whose `here` is ours."""
        pid, start = self.key.split("/")
        return _start(int(pid)) == start


def _start(pid: int) -> str | None:
    """Clock ticks from boot to the start, None for one that is gone or a zombie (proc_pid_stat(5), fields 3 and 22)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]
