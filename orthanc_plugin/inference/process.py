"""The process that owns the device: tensors in, tensors out (`python -m … SOCKET-FD LIFELINE-FD DEVICE`)."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from pathlib import Path

from orthanc_plugin.errors import Broken, ConfigurationError, NodeError, Temporary
from orthanc_plugin.inference import wire
from orthanc_plugin.inference.session import Sessions, choose_device

KINDS: dict[type[NodeError], str] = {Broken: "broken", Temporary: "temporary", ConfigurationError: "configuration"}


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_worker, args=(int(sys.argv[2]),), daemon=True).start()
    try:
        device = choose_device(sys.argv[3])
    except ConfigurationError as error:
        wire.send(connection, {"error": "configuration", "sentence": error.sentence}, [])
        return
    wire.send(connection, {"device": device}, [])
    serve(connection, Sessions(device))


def serve(connection: socket.socket, sessions: Sessions) -> None:
    inbox, outbox = wire.Arena(), wire.Arena()
    while True:
        try:
            request, descriptors = wire.receive(connection)
        except EOFError:
            return
        inbox.adopt(descriptors)
        try:
            answers = sessions.run(Path(request["graph"]), request["digest"], inbox.get(request["tensors"]))
        except NodeError as error:
            wire.send(connection, {"error": KINDS[type(error)], "sentence": error.sentence}, [])
            continue
        places, fresh = outbox.put(answers)
        wire.send(connection, {"tensors": places}, fresh)


def _end_with_the_worker(lifeline: int) -> None:
    """The worker holds the other end; even its SIGKILL closes it, and a graph that hangs can't keep this alive."""
    while os.read(lifeline, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
