"""The process that owns the device: tensors in, tensors out (`python -m … SOCKET-FD LIFELINE-FD DEVICE LIMITS`)."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orthanc_plugin import log
from orthanc_plugin.errors import Broken, ConfigurationError, NodeError, Temporary
from orthanc_plugin.inference import wire
from orthanc_plugin.inference.graph import OutOfMemory, OverLimit
from orthanc_plugin.inference.limits import Limits
from orthanc_plugin.inference.providers import choose
from orthanc_plugin.inference.session import Sessions

KINDS: dict[type[NodeError], str] = {
    Broken: "broken",
    Temporary: "temporary",
    OutOfMemory: "memory",
    OverLimit: "limit",
    ConfigurationError: "configuration",
}


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_worker, args=(int(sys.argv[2]),), daemon=True).start()
    log.configure()
    try:
        choice = choose(sys.argv[3])
    except ConfigurationError as error:
        wire.send(connection, {"error": "configuration", "sentence": error.sentence}, [])
        return
    wire.send(connection, {"device": choice.device, "fallback": choice.fallback}, [])
    serve(connection, Sessions(choice.device, Limits(**json.loads(sys.argv[4]))))


def serve(connection: socket.socket, sessions: Sessions) -> None:
    inbox, outbox = wire.Arena(), wire.Arena()
    while True:
        try:
            request, descriptors = wire.receive(connection)
        except EOFError:
            return
        inbox.adopt(descriptors)
        try:
            answer, fresh = _answered(sessions, request, inbox, outbox)
        except NodeError as error:
            answer, fresh = {"error": KINDS[type(error)], "sentence": error.sentence}, []
        wire.send(connection, answer, fresh)


def _answered(
    sessions: Sessions, request: dict[str, Any], inbox: wire.Arena, outbox: wire.Arena
) -> tuple[dict[str, Any], list[int]]:
    graph, digest, most_mb = Path(request["graph"]), request["digest"], request["memory_mb"]
    if "tensors" not in request:
        return asdict(sessions.describe(graph, digest, most_mb)), []
    places, fresh = outbox.put(sessions.run(graph, digest, inbox.get(request["tensors"]), most_mb))
    return {"tensors": places}, fresh


def _end_with_the_worker(lifeline: int) -> None:
    """The worker holds the other end; even its SIGKILL closes it, and a graph that hangs can't keep this alive."""
    while os.read(lifeline, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
