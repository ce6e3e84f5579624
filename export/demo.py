"""A running node's address and state folder in, phantoms pushed to it and their results on the terminal out."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from pydicom import dcmread
from pynetdicom import AE, evt
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from export.associations import answers_reach_the_sender, without_delay
from export.phantoms.studies import STUDIES

SEED = 7
ENDED = frozenset({"done", "skipped", "failed", "set-aside", "cancelled"})
LOOK_EVERY_S = 0.5
UP_WITHIN_S = 120
ENDED_WITHIN_S = 600


@dataclass(frozen=True)
class Node:
    url: str
    dicom_port: int
    state_folder: Path

    def get(self, path: str, **query: str) -> Any:
        made = json.loads((self.state_folder / "credentials.json").read_text())
        answer = requests.get(self.url + path, params=query, auth=(made["username"], made["password"]), timeout=10)
        answer.raise_for_status()
        return answer.json()

    def wait_until_up(self) -> None:
        end = time.monotonic() + UP_WITHIN_S
        while time.monotonic() < end:
            with suppress(OSError, requests.RequestException):
                if self.get("/inference/api/health")["status"] == "ok":
                    return
            time.sleep(LOOK_EVERY_S)
        raise SystemExit(
            f"The node at {self.url} is not well after {UP_WITHIN_S} s; see {self.url}/inference/api/health."
        )

    def models(self) -> list[str]:
        """Those that are installed and for which there is a phantom."""
        installed = {model["name"] for model in self.get("/inference/api/models")["models"]}
        return [name for name in STUDIES if name in installed]

    def job(self, study_uid: str, model: str) -> dict[str, Any] | None:
        newest = self.get("/inference/api/jobs", study=study_uid, model=model, limit="1")["jobs"]
        return newest[0] if newest else None


def demonstrate(node: Node, progress: Progress) -> None:
    """One study for each model, from the drawing of its phantom to the links to its results; all are pushed at once, as
    the node waits for more images of each.
    """
    pushed = [_pushed(node, progress, model) for model in node.models()]
    for model, study_uid, task in pushed:
        job = ended(node, study_uid, model, progress, task)
        progress.update(task, description=f"{model}: {job['state']}", total=1, completed=1)
        say = progress.console.print
        say(f"{model}: {job['state']}{'. ' + job['reason'] if job['reason'] else ''}")
        for result in job["results"]:
            address = f"/dicom-web/studies/{job['study']}/series/{result['series_instance_uid']}"
            say(f"  {result['kind']:4} {node.url}{address}/metadata", soft_wrap=True)
        if job["results"]:
            say(f"  see  {node.url}{job['viewer']}", soft_wrap=True)


def _pushed(node: Node, progress: Progress, model: str) -> tuple[str, str, TaskID]:
    task = progress.add_task(f"{model}: drawing a phantom", total=None)
    with tempfile.TemporaryDirectory() as folder:
        files = STUDIES[model](SEED, Path(folder), f"demo {time.time_ns()}")
        progress.update(task, description=f"{model}: C-STORE", total=len(files))
        study_uid = push(node, files, progress, task)
    progress.update(task, description=f"{model}: pushed", total=None)
    return model, study_uid, task


def push(node: Node, files: list[Path], progress: Progress, task: TaskID) -> str:
    """The study's UID."""
    datasets = [dcmread(path) for path in files]
    scanner = AE("DEMO")
    for sop_class, syntax in sorted({(each.SOPClassUID, each.file_meta.TransferSyntaxUID) for each in datasets}):
        scanner.add_requested_context(sop_class, syntax)
    association = scanner.associate(
        "127.0.0.1", node.dicom_port, ae_title="ORTHANC", evt_handlers=[(evt.EVT_CONN_OPEN, without_delay)]
    )
    if not association.is_established:
        raise SystemExit(f"Nothing takes C-STORE at port {node.dicom_port}; is the node running?")
    answers_reach_the_sender(association)
    for dataset in datasets:
        status = association.send_c_store(dataset).get("Status")
        if status != 0:
            raise SystemExit(f"The node refused an instance with the status {status}; see its log.")
        progress.advance(task)
    association.release()
    return str(datasets[0].StudyInstanceUID)


def ended(node: Node, study_uid: str, model: str, progress: Progress, task: TaskID) -> dict[str, Any]:
    progress.update(task, total=None)
    end = time.monotonic() + ENDED_WITHIN_S
    while time.monotonic() < end:
        job = node.job(study_uid, model)
        if job is not None and job["state"] in ENDED:
            return job
        progress.update(task, description=f"{model}: {job['state'] if job else 'waiting for more images'}")
        time.sleep(LOOK_EVERY_S)
    raise SystemExit(f"{model} has not ended after {ENDED_WITHIN_S} s; see {node.url}/inference/api/jobs.")


def main() -> None:
    parser = argparse.ArgumentParser(description="Pushes phantoms to a running node and shows their results arriving.")
    parser.add_argument("--url", default="http://127.0.0.1:8042")
    parser.add_argument("--dicom-port", type=int, default=4242)
    parser.add_argument("--state", type=Path, default=Path("state"))
    chosen = parser.parse_args()
    node = Node(chosen.url, chosen.dicom_port, chosen.state)
    node.wait_until_up()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns) as progress:
            demonstrate(node, progress)
        print(f"All studies: {node.url}/ohif/ (name and password: {node.state_folder / 'credentials.json'})")
    except requests.RequestException:
        raise SystemExit("The node is gone; the demonstration ends.") from None


if __name__ == "__main__":
    main()
