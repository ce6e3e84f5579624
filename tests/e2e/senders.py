"""DICOM files in, a node that has them out: as scanners, archives and web clients send them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context, evt
from pynetdicom.association import Association

from export.associations import answers_reach_the_sender, without_delay

SUCCESS = 0x0000
VERIFICATION = "1.2.840.10008.1.1"


class Refused(Exception):
    """The peer took no association, or no context of it."""


class Scanner:
    """A modality on one association: one instance after the other, each with its answer; TCP_NODELAY as scanners do."""

    def __init__(self, port: int, *, ae_title: str = "SCANNER", called: str = "ORTHANC") -> None:
        self._port = port
        self._called = called
        self._entity = AE(ae_title=ae_title)
        self._entity.connection_timeout = 5
        self._entity.acse_timeout = 10
        self._entity.dimse_timeout = 30

    def echo(self) -> int:
        with self._association({(VERIFICATION, None)}) as association:
            return int(association.send_c_echo().get("Status", -1))

    def find(self, model: str, query: Dataset) -> list[int]:
        with self._association({(model, None)}) as association:
            return [int(status.get("Status", -1)) for status, _ in association.send_c_find(query, model)]

    def move(self, model: str, query: Dataset, destination: str) -> list[int]:
        with self._association({(model, None)}) as association:
            answers = association.send_c_move(query, destination, model)
            return [int(status.get("Status", -1)) for status, _ in answers]

    def send(
        self,
        files: Sequence[Path],
        *,
        interval_s: float = 0.0,
        after_each: Callable[[int], None] = lambda count: None,
    ) -> list[str]:
        """The SOPInstanceUIDs that the node acknowledged; a lost connection ends the list early."""
        datasets = [pydicom.dcmread(path) for path in files]
        acknowledged: list[str] = []
        try:
            with self._association({(d.SOPClassUID, d.file_meta.TransferSyntaxUID) for d in datasets}) as association:
                for number, dataset in enumerate(datasets):
                    time.sleep(interval_s if number else 0)
                    if association.send_c_store(dataset).get("Status", -1) == SUCCESS:
                        acknowledged.append(str(dataset.SOPInstanceUID))
                        after_each(len(acknowledged))
        except (Refused, RuntimeError):
            return acknowledged
        return acknowledged

    @contextmanager
    def _association(self, wanted: set[tuple[str, str | None]]) -> Iterator[Association]:
        opened: list[socket.socket] = []
        association = self._entity.associate(
            "127.0.0.1",
            self._port,
            contexts=[build_context(abstract, syntax) for abstract, syntax in sorted(wanted, key=str)],
            ae_title=self._called,
            evt_handlers=[(evt.EVT_CONN_OPEN, _without_delay, [opened])],
        )
        try:
            answers_reach_the_sender(association)
            if not association.is_established or not association.accepted_contexts:
                raise Refused(f"no association with {self._called} on port {self._port}")
            yield association
        finally:
            if association.is_established:
                association.release()
            association.join(5)
            for each in opened:  # pynetdicom leaves them open when the peer was killed
                each.close()


def _without_delay(event: Any, opened: list[socket.socket]) -> None:
    opened.append(event.assoc.dul.socket.socket)
    without_delay(event)


def storescu(port: int, files: Sequence[Path], *options: str, called: str = "ORTHANC") -> None:
    """By DCMTK's program, on one association; an AssertionError with its words when it fails."""
    command = ["storescu", *options, "-aec", called, "127.0.0.1", str(port), *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, f"storescu ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
