"""What pynetdicom needs so that a sender is as quick as scanners are, and every answer to it is heard."""

from __future__ import annotations

import socket
import threading
from typing import Any

from pynetdicom.association import Association


def answers_reach_the_sender(association: Association) -> None:
    """Its own thread stops taking messages while one is sent, but for an instant between asking whether it may go on
    and going on: an answer that it takes then is dropped. It need take none, as nobody asks a sender anything.
    """
    taken = association.dimse.get_msg

    def get_msg(block: bool = False) -> Any:
        return (None, None) if threading.current_thread() is association else taken(block)

    association.dimse.get_msg = get_msg  # type: ignore[method-assign]


def without_delay(event: Any) -> None:
    """Of `EVT_CONN_OPEN`: what is sent does not wait for more to be sent with it."""
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
