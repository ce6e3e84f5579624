"""The worker's handle on the process that owns the device: a graph and its inputs in, its outputs out."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orthanc_plugin.errors import Broken, ConfigurationError, NodeError, Temporary
from orthanc_plugin.inference import wire

ERRORS: dict[str, type[NodeError]] = {
    "broken": Broken,
    "temporary": Temporary,
    "configuration": ConfigurationError,
}


class Device:
    """Starts the device process at the first use and again after it died; one graph runs at a time."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._lifeline = -1
        self._outbox, self._inbox = wire.Arena(), wire.Arena()
        self._name = ""

    def start(self) -> str:
        """The device that runs the graphs (`cpu`, `cuda:1`, …); ConfigurationError when the wanted one is missing."""
        with self._turn:
            self._ensure()
            return self._name

    def infer(self, graph: Path, digest: str, feeds: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
        with self._turn:
            connection = self._ensure()
            places, fresh = self._outbox.put(feeds)
            try:
                wire.send(connection, {"graph": str(graph), "digest": digest, "tensors": places}, fresh)
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
            return {name: tensor.copy() for name, tensor in self._inbox.get(answer["tensors"]).items()}

    def kill(self) -> None:
        """From any thread, also while a graph hangs: the running call ends as Temporary."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        self.kill()
        with self._turn:
            self._forget()

    def _ensure(self) -> socket.socket:
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self._forget()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        read_end, self._lifeline = os.pipe()
        arguments = [str(theirs.fileno()), str(read_end), self._wanted]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "orthanc_plugin.inference.process", *arguments],
            pass_fds=[theirs.fileno(), read_end],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        os.close(read_end)
        self._connection = ours
        self._name = self._hear_device(ours)
        return ours

    def _hear_device(self, connection: socket.socket) -> str:
        try:
            greeting, _ = wire.receive(connection)
        except EOFError as error:
            self._forget()
            raise Temporary("The device process did not start; its log says why.", stage="infer") from error
        if "error" in greeting:
            self._forget()
            raise ConfigurationError(greeting["sentence"], stage="infer")
        return str(greeting["device"])

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
