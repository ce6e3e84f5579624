"""What the device process holds of the machine's memory, and a run's limit on it: who goes beyond it is ended."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import onnxruntime as ort

LOOK_EVERY_S = 0.005
MEBI = 1 << 20


def resident_bytes() -> int:
    """All of it (statm in proc_pid_statm(5))."""
    return _statm()[1]


def own_bytes() -> int:
    """Without what is shared: files, and the tensors that lie between two processes."""
    _, resident, shared = _statm()
    return resident - shared


def _statm() -> tuple[int, int, int]:
    size, resident, shared, *_ = Path("/proc/self/statm").read_text("ascii").split()
    page = os.sysconf("SC_PAGE_SIZE")
    return int(size) * page, int(resident) * page, int(shared) * page


def give_back() -> None:
    """The C library keeps freed memory for itself until it is told not to (malloc_trim(3), of glibc alone)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Guard:
    """Around a run: looks every few milliseconds, and at its end, whether the process took more than `most_bytes`.

    ONNX Runtime ends the run after the operator that it is at; until then that one has its memory.
    """

    def __init__(self, most_bytes: float) -> None:
        self.options = ort.RunOptions()
        self.taken_bytes = 0
        self._most_bytes = most_bytes
        self._before_bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def over(self) -> bool:
        return self.taken_bytes > self._most_bytes

    def __enter__(self) -> Self:
        self._before_bytes = own_bytes()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self._look()
            if self.over:
                self.options.terminate = True
                return

    def _look(self) -> None:
        self.taken_bytes = max(self.taken_bytes, own_bytes() - self._before_bytes)
