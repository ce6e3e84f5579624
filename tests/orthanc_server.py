"""A folder in, a plain Orthanc on loopback out: no plugin, no authentication, its own ports; ended with the block."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
from pathlib import Path
from typing import Self

import pytest
import requests

from tests.waiting import eventually

ORTHANC = Path("/usr/sbin/Orthanc")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OrthancServer:
    """Can be stopped, killed and started again on the same folder and ports; `configuration` is added to its own.

    `file_size_most` makes every longer file of Orthanc fail to be written, as on a full disk.
    """

    def __init__(self, folder: Path, *, file_size_most: int | None = None, **configuration: object) -> None:
        if not ORTHANC.exists():
            pytest.skip("Orthanc is not installed")
        self._folder = folder
        self._file_size_most = file_size_most
        self._process: subprocess.Popen[bytes] | None = None
        self.http_port, self.dicom_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self._configuration = {
            "Name": "Test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "HttpPort": self.http_port,
            "DicomPort": self.dicom_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomServerEnabled": False,
            "Plugins": [],
            "SyncStorageArea": False,
            **configuration,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self.kill()  # nobody needs what it holds any more, and a clean stop takes seconds

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "orthanc.json"
        configuration.write_text(json.dumps(self._configuration))
        with (self._folder / "orthanc.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(ORTHANC), str(configuration)], stdout=log, stderr=log, preexec_fn=self._limit
            )
        eventually(self._answers, what="Orthanc's start")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Alive and silent, until it is thawed or ended."""
        assert self._process is not None, "the server was never started"
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)  # its threads may answer for a while yet

    def thaw(self) -> None:
        assert self._process is not None, "the server was never started"
        self._process.send_signal(signal.SIGCONT)

    def post(self, file: bytes) -> str:
        """Stores a file; Orthanc's identifier of the instance."""
        answer = requests.post(f"{self.url}/instances", data=file, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["ID"])

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self.thaw()
        self._process.send_signal(number)
        self._process.wait(20)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Orthanc ended; its log: {self._folder / 'orthanc.log'}"
        try:
            requests.get(f"{self.url}/system", timeout=2)
        except requests.ConnectionError:
            return False
        return True  # it answers, be it that one must log in

    def _limit(self) -> None:
        if self._file_size_most is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._file_size_most, self._file_size_most))
