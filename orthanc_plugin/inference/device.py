"""The worker's handle on the process that owns the device: a graph and its inputs in, its outputs out."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken, ConfigurationError, NodeError, Temporary
from orthanc_plugin.inference import wire
from orthanc_plugin.inference.graph import Graph, OutOfMemory, OverLimit, Tensor
from orthanc_plugin.inference.limits import Limits
from orthanc_plugin.inference.turns import Turns

# As jobs have it: of those that wait the smallest goes first; what is not for a job comes last.
LEAST_URGENT = 100
ERRORS: dict[str, type[NodeError]] = {
    "broken": Broken,
    "temporary": Temporary,
    "memory": OutOfMemory,
    "limit": OverLimit,
    "configuration": ConfigurationError,
}


class Watch:
    """Calls `strike` when it was not ended within the limit; without a limit it never does."""

    def __init__(self, strike: Callable[[], None], limit_s: float | None) -> None:
        self.struck = False
        self._strike = strike
        self._timer = None if limit_s is None else threading.Timer(limit_s, self._late)
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _late(self) -> None:
        self.struck = True
        self._strike()


class Device:
    """Starts the device process at the first use and again after it died; one graph runs at a time.

    Between two batches the device goes to whoever is most urgent.
    """

    def __init__(self, wanted: str, limits: Limits | None = None) -> None:
        self.wanted = wanted
        self._limits = limits or Limits()
        self._turns = Turns()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._lifeline = -1
        self._outbox, self._inbox = wire.Arena(), wire.Arena()
        self._name = ""
        self._fallback = ""

    def start(self) -> str:
        """The device that runs the graphs (`cpu`, `cuda:1`, …); ConfigurationError when no wanted one is there."""
        if not self._name:  # once it is known nobody waits for a turn to hear it
            with self._turns.turn(LEAST_URGENT):
                self._ensure()
        return self._name

    @property
    def fallback(self) -> str:
        """Empty, or a sentence: graphs run elsewhere than was asked for. Known once it was started."""
        return self._fallback

    def infer(
        self,
        graph: Path,
        digest: str,
        feeds: dict[str, NDArray[np.generic]],
        priority: int = LEAST_URGENT,
        limit_s: float | None = None,
        memory_mb: int = 0,
    ) -> dict[str, NDArray[np.generic]]:
        """OutOfMemory when a smaller batch may fit; Broken when it does not end within `limit_s` of its turn.

        OverLimit when the graph takes more than `memory_mb`; zero leaves it what the device has.
        """
        with self._turns.turn(priority):
            watch = Watch(self.kill, limit_s)
            try:
                answer = self._ask(graph, digest, memory_mb, feeds)
            except Temporary as error:
                if watch.struck:
                    raise Broken(
                        f"The graph {graph.name} of {graph.parent.name} did not end within {limit_s:g} s; "
                        "look at its loops, or raise the limit in its card.",
                        stage="infer",
                    ) from error
                raise
            finally:
                watch.end()
            return {name: tensor.copy() for name, tensor in self._inbox.get(answer["tensors"]).items()}

    def describe(self, graph: Path, digest: str, priority: int = LEAST_URGENT, memory_mb: int = 0) -> Graph:
        """What the graph takes and gives; Broken when it can't be loaded."""
        with self._turns.turn(priority):
            answer = self._ask(graph, digest, memory_mb)
        return Graph(*(tuple(_tensor(each) for each in answer[side]) for side in ("inputs", "outputs")))

    def _ask(
        self, graph: Path, digest: str, memory_mb: int, feeds: dict[str, NDArray[np.generic]] | None = None
    ) -> dict[str, Any]:
        connection = self._ensure()
        request: dict[str, Any] = {"graph": str(graph), "digest": digest, "memory_mb": memory_mb}
        fresh: list[int] = []
        if feeds is not None:
            request["tensors"], fresh = self._outbox.put(feeds)
        try:
            wire.send(connection, request, fresh)
            answer, descriptors = wire.receive(connection)
        except (EOFError, OSError) as error:
            self._forget()
            raise Temporary(
                f"The device process ended while it ran {graph.name} of {graph.parent.name}; it is tried again.",
                stage="infer",
            ) from error
        self._inbox.adopt(descriptors)
        if "error" in answer:
            raise ERRORS[answer["error"]](answer["sentence"], stage="infer")
        return answer

    def kill(self) -> None:
        """From any thread, also while a graph hangs: the running call ends as Temporary."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        self.kill()
        with self._turns.turn(0):
            self._forget()

    def _ensure(self) -> socket.socket:
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self._forget()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        read_end, self._lifeline = os.pipe()
        arguments = [str(theirs.fileno()), str(read_end), self.wanted, json.dumps(asdict(self._limits))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "orthanc_plugin.inference.process", *arguments],
            pass_fds=[theirs.fileno(), read_end],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        os.close(read_end)
        self._connection = ours
        self._name, self._fallback = self._hear_device(ours)
        return ours

    def _hear_device(self, connection: socket.socket) -> tuple[str, str]:
        try:
            greeting, _ = wire.receive(connection)
        except EOFError as error:
            self._forget()
            raise Temporary("The device process did not start; its log says why.", stage="infer") from error
        if "error" in greeting:
            self._forget()
            raise ConfigurationError(greeting["sentence"], stage="infer")
        return str(greeting["device"]), str(greeting["fallback"])

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection, self._lifeline, self._process = None, -1, None
        self._outbox.close()
        self._inbox.close()


def _tensor(entries: dict[str, Any]) -> Tensor:
    return Tensor(entries["name"], entries["type"], tuple(entries["shape"]))
