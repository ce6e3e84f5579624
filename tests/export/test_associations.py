"""Answers to a sender, and the thread that must not take them."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, current_thread
from typing import Any

import pytest
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE

from export.associations import answers_reach_the_sender, without_delay

VERIFICATION = "1.2.840.10008.1.1"


@pytest.fixture
def association() -> Iterator[Association]:
    peer = AE()
    peer.add_supported_context(VERIFICATION)
    server = peer.start_server(("127.0.0.1", 0), block=False)
    sender = AE()
    sender.add_requested_context(VERIFICATION)
    port = server.socket.getsockname()[1]
    opened = sender.associate("127.0.0.1", port, evt_handlers=[(evt.EVT_CONN_OPEN, without_delay)])
    try:
        yield opened
    finally:
        opened.release()
        server.shutdown()


def test_an_answer_waits_for_the_sender_while_pynetdicoms_own_thread_looks_for_messages(
    association: Association,
) -> None:
    answers_reach_the_sender(association)
    mended, looked = association.dimse.get_msg, [Event(), Event()]

    def watched(block: bool = False) -> Any:
        found = mended(block)
        if current_thread() is association and answered.is_set():
            next((each for each in looked if not each.is_set()), looked[-1]).set()
        return found

    answered, answer = Event(), C_STORE()
    association.dimse.get_msg = watched  # type: ignore[method-assign]
    association.dimse.msg_queue.put((1, answer))
    answered.set()

    assert all(each.wait(10) for each in looked)
    assert association.dimse.get_msg(block=False) == (1, answer)
