"""A node's state folder in, the processes that serve it out: found by their environment, so that no orphan hides."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

ROLES = {
    "orthanc": ("Orthanc",),
    "intake": ("orthanc_plugin.cli", "intake"),
    "worker": ("orthanc_plugin.cli", "worker"),
    "device": ("orthanc_plugin.inference.process",),
}


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    command: tuple[str, ...]

    @property
    def role(self) -> str:
        names = {Path(self.command[0]).name, *self.command[1:]}
        return next((role for role, marks in ROLES.items() if names.issuperset(marks)), "other")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return


def of_node(state_folder: Path) -> list[Process]:
    """All living processes whose environment names the folder, whoever their parent is by now."""
    mark = f"INFERENCE_DATA={state_folder}".encode()
    found = (_read(int(entry.name), mark) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for process in found if process is not None]


def _read(pid: int, mark: bytes) -> Process | None:
    folder = Path("/proc", str(pid))
    try:
        if mark not in (folder / "environ").read_bytes().split(b"\0"):
            return None
        command = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        after_name = (folder / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    if after_name[0] == "Z" or not command[0]:
        return None
    return Process(pid, int(after_name[1]), tuple(part.decode(errors="replace") for part in command))
