"""A state folder in, a running node out: started by script/server as a user does, watched and ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Collection, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass

from tests.e2e import processes
from tests.waiting import eventually

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0
"""Machines of all speeds run these tests; nothing is ever expected to take so long."""
SHIPPED = frozenset(path.parent.name for path in (PROJECT / "onnx_models").glob("*/card.json"))
MUSCLE = ("abdominal-muscle-ct",)
ENDED = frozenset({"done", "skipped", "failed", "set-aside", "cancelled"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configured(folder: Path, **section: object) -> dict[str, str]:
    """The environment of a node whose orthanc.json, written into the folder, differs in its own section alone."""
    shipped, empty = (PROJECT / "orthanc.json").read_text("utf-8"), '"Inference": {}'
    assert empty in shipped
    written = folder / "orthanc.json"
    written.write_text(shipped.replace(empty, f'"Inference": {json.dumps(section)}'), "utf-8")
    return {"INFERENCE_CONFIG": str(written)}


class Node:
    """Ports, state and log stay the same over every start, so that a node can be killed and come back.

    Of the shipped models those that are not among `models` are switched off, so that a test knows what runs on its
    series however many there come to be.
    """

    def __init__(
        self,
        state_folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        log: Path | None = None,
        models: Collection[str] | None = None,
    ) -> None:
        self.state_folder = state_folder
        self.log = log or state_folder.with_suffix(".log")
        self.http_port = free_port()
        self.dicom_port = free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("INFERENCE_")}
        self.environment = inherited | {
            "INFERENCE_DATA": str(state_folder),
            "INFERENCE_HTTP_PORT": str(self.http_port),
            "INFERENCE_DICOM_PORT": str(self.dicom_port),
            "INFERENCE_DEVICE": "cpu",
            **(environment or {}),
        }
        self._server: subprocess.Popen[bytes] | None = None
        if models is not None:
            self._switch_off(SHIPPED - set(models))

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self.stop()

    def start(self, *, within_s: float = PATIENCE_S) -> None:
        self.launch()
        try:
            eventually(self._healthy, within_s=within_s, what="a healthy node")
        except AssertionError as error:
            self.kill()
            raise AssertionError(f"{error}; its log ends: {self.log_since(0)[-3000:]}") from None

    def _switch_off(self, models: Collection[str]) -> None:
        overlays = self.state_folder / "overlays"
        overlays.mkdir(parents=True)
        for model in models:
            (overlays / f"{model}.json").write_text('{"switch": "off"}')

    def launch(self) -> subprocess.Popen[bytes]:
        """Start without waiting for health, for nodes that shall refuse to start."""
        if self._server is not None:
            self._server.wait(20)
        with self.log.open("ab") as log:
            command = [str(PROJECT / "script/server")]
            self._server = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, cwd=PROJECT)
        return self._server

    def stop(self) -> int:
        """SIGTERM, as Ctrl-C does; whatever is left afterwards is killed, and an error."""
        assert self._server is not None, "the node was never started"
        self._server.send_signal(signal.SIGTERM)
        try:
            status = self._server.wait(20)
            eventually(lambda: not self.processes(), within_s=5, what="the end of the node's processes")
        finally:
            self.kill()
            self._server.wait(20)
        return status

    def kill(self, *roles: str) -> None:
        """SIGKILL, without a word to anybody; to all processes when no role is named."""
        for process in self.processes(*roles):
            process.kill()

    def wait_for_the_end(self, *, within_s: float = 20) -> None:
        """After SIGKILL of Orthanc: its processes follow, and script/server gives up."""
        assert self._server is not None, "the node was never started"
        self._server.wait(within_s)
        eventually(lambda: not self.processes(), within_s=within_s, what="the end of the node's processes")

    def processes(self, *roles: str) -> list[processes.Process]:
        living = processes.of_node(self.state_folder)
        return [process for process in living if not roles or process.role in roles]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`inference-node` as somebody types it beside the running node."""
        command = [str(PROJECT / ".venv/bin/inference-node"), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    @property
    def credentials(self) -> tuple[str, str]:
        made = json.loads((self.state_folder / "credentials.json").read_text())
        return made["username"], made["password"]

    def get(self, path: str, **arguments: Any) -> Any:
        answer = requests.get(self.url + path, auth=self.credentials, timeout=30, **arguments)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: object = None) -> Any:
        answer = requests.post(self.url + path, json=body, auth=self.credentials, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def takes_dicom(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.dicom_port), timeout=5).close()
        except OSError:
            return False
        return True

    def upload(self, file: bytes) -> None:
        """One DICOM file, byte for byte as it is."""
        answer = requests.post(f"{self.url}/instances", data=file, auth=self.credentials, timeout=30)
        answer.raise_for_status()

    def file(self, uid: str) -> bytes:
        """An instance as the archive keeps it, in its own transfer syntax."""
        answer = requests.get(f"{self.url}/instances/{self.orthanc_id(uid)}/file", auth=self.credentials, timeout=30)
        answer.raise_for_status()
        return answer.content

    def delete(self, path: str) -> None:
        requests.delete(self.url + path, auth=self.credentials, timeout=30).raise_for_status()

    def orthanc_id(self, uid: str) -> str | None:
        """Orthanc's own name of a study, series or instance; None when it holds none such."""
        answer = requests.post(f"{self.url}/tools/lookup", data=uid, auth=self.credentials, timeout=30)
        answer.raise_for_status()
        return next((found["ID"] for found in answer.json()), None)

    def dicomweb(self) -> DICOMwebClient:
        return DICOMwebClient(f"{self.url}/dicom-web", session=create_session_from_user_pass(*self.credentials))

    def jobs(self, **filters: str) -> list[dict[str, Any]]:
        """All of them, newest first, page by page."""
        page = self.get("/inference/api/jobs", params=filters)
        found = list(page["jobs"])
        while page["next"]:
            page = self.get("/inference/api/jobs", params=filters | {"cursor": page["next"]})
            found += page["jobs"]
        return found

    def job(self, series_uid: str, *states: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """The series' newest job, once it is in one of the states (without any: once it has ended)."""
        wanted = frozenset(states) or ENDED

        def newest() -> dict[str, Any] | None:
            known = self._jobs_or_none(series=series_uid) or []
            return next((job for job in known[:1] if job["state"] in wanted), None)

        try:
            return eventually(newest, within_s=within_s) or {}
        except AssertionError:
            known = [(job["state"], job["reason"]) for job in self._jobs_or_none(series=series_uid) or []]
            raise AssertionError(
                f"no job of series {series_uid} became {' or '.join(sorted(wanted))} within {within_s} s; "
                f"there are {known}"
            ) from None

    def standing(self, series_uid: str) -> list[dict[str, Any]]:
        """The series' done jobs that no job on more instances supersedes; those say so in their reason."""
        return [job for job in self.jobs(series=series_uid, state="done") if not job["reason"]]

    def idle(self, *, within_s: float = PATIENCE_S) -> None:
        """Until every job has ended."""
        eventually(self._all_ended, within_s=within_s, what="the end of all jobs")

    def _all_ended(self) -> bool:
        known = self._jobs_or_none()
        return known is not None and all(job["state"] in ENDED for job in known)

    def _jobs_or_none(self, **filters: str) -> list[dict[str, Any]] | None:
        """None while the process that answers, or Orthanc itself, is on its way back."""
        try:
            return self.jobs(**filters)
        except (requests.ConnectionError, requests.Timeout):
            return None
        except requests.HTTPError as error:
            if error.response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                return None
            raise

    def log_since(self, offset: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(offset)
            return file.read().decode(errors="replace")

    def _healthy(self) -> bool:
        assert self._server is not None, "the node was never started"
        assert self._server.poll() is None, f"script/server ended with {self._server.returncode}"
        try:
            return bool(self.get("/inference/api/health")["status"] == "ok")
        except (requests.RequestException, FileNotFoundError, ValueError):
            return False
