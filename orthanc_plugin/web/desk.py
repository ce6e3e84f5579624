"""Requests of the plugin in, answers of the intake process out, over a Unix socket in the state folder."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from multiprocessing.connection import Connection, Listener
from pathlib import Path

from orthanc_plugin.errors import ConfigurationError, Temporary
from orthanc_plugin.web.message import Answer, Request, problem

logger = logging.getLogger(__name__)

LONGEST_PATH_BYTES = 107
# Orthanc stalls all of HTTP while a slow client takes a long answer of Python (3 MB and more, tried).
LARGEST_ANSWER_BYTES = 1_000_000
LARGEST_REQUEST_BYTES = 256_000
REQUEST_WITHIN_S = 5.0


def address(state_folder: Path) -> str:
    path = str(state_folder / "intake.sock")
    if len(os.fsencode(path)) > LONGEST_PATH_BYTES:
        raise ConfigurationError(
            f"The path of the state folder {state_folder} is too long for the socket in it; "
            f"name one of at most {LONGEST_PATH_BYTES - len('/intake.sock')} bytes in INFERENCE_DATA."
        )
    return path


def ask(place: str, request: Request, patience_s: float = 15.0) -> Answer:
    """The intake process's answer; Temporary when it is down or silent."""
    try:
        with reached(place, patience_s) as connection:
            connection.send_bytes(request.encoded())
            if not connection.poll(patience_s):
                raise Temporary(f"The intake process did not answer within {patience_s:g} s; try again.")
            return Answer.decoded(connection.recv_bytes(2 * LARGEST_ANSWER_BYTES))
    except (OSError, EOFError) as error:
        raise Temporary("The intake process is not running; it is being started again, try again soon.") from error


def reached(place: str, patience_s: float) -> Connection:
    """Fails at once when more wait at the desk than it has places: a thread of Orthanc must never hang in here."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(patience_s)
        line.connect(place)
        line.settimeout(None)
        return Connection(line.detach())


class Desk:
    """Answers from a few threads until it is closed."""

    def __init__(self, place: str, answer: Callable[[Request], Answer], threads: int = 4) -> None:
        self._answer = answer
        self._place = place
        self._closing = False
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="desk")
        Path(place).unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._listener = Listener(place, "AF_UNIX", backlog=64)
        finally:
            os.umask(mask)
        self._accepting = threading.Thread(target=self._accept, name="desk", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        self._closing = True
        with suppress(OSError):
            reached(self._place, REQUEST_WITHIN_S).close()  # closing a socket wakes nobody who waits in accept
        self._accepting.join()
        self._listener.close()
        self._threads.shutdown(cancel_futures=True)

    def _accept(self) -> None:
        while not self._closing:
            with suppress(OSError):
                self._threads.submit(self._serve, self._listener.accept())

    def _serve(self, connection: Connection) -> None:
        with connection, suppress(OSError, EOFError):
            if not connection.poll(REQUEST_WITHIN_S):
                return
            request = Request.decoded(connection.recv_bytes(2 * LARGEST_REQUEST_BYTES))
            connection.send_bytes(self._answered(request).encoded())

    def _answered(self, request: Request) -> Answer:
        try:
            answer = self._answer(request)
        except Exception:
            logger.exception("A request could not be answered", extra={"path": request.path})
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The node made a mistake; its log says where.")
        if len(answer.body) > LARGEST_ANSWER_BYTES:
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "The answer is too long; ask for less by `limit`.")
        return answer
