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
from pydicom.uid import CTImageStorage
from pynetdicom import AE
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from export.phantoms import abdomen
from export.phantoms.dicom import write_series

SEEDS = (7, 8)
SLICES, ROWS = 20, 256
ENDED = frozenset({"done", "skipped", "failed", "set-aside", "cancelled"})
LOOK_EVERY_S = 0.5
UP_WITHIN_S = 120


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

    def job(self, series_uid: str) -> dict[str, Any] | None:
        newest = self.get("/inference/api/jobs", series=series_uid, limit="1")["jobs"]
        return newest[0] if newest else None


def demonstrate(node: Node, progress: Progress, seed: int) -> None:
    """One study, from the drawing of its phantom to the links to its results."""
    task = progress.add_task(f"Phantom {seed}: drawing", total=SLICES)
    with tempfile.TemporaryDirectory() as folder:
        phantom = abdomen.phantom(seed, slices=SLICES, rows=ROWS)
        files = write_series(phantom, Path(folder), uid_seed=f"demo {seed} {time.time_ns()}")
        progress.update(task, description=f"Phantom {seed}: C-STORE")
        series_uid = push(node, files, progress, task)
    job = ended(node, series_uid, progress, task, seed)
    progress.update(task, description=f"Phantom {seed}: {job['state']}", total=1, completed=1)
    say = progress.console.print
    say(f"Phantom {seed}: {job['model'] or 'no model'}, {job['state']}{'. ' + job['reason'] if job['reason'] else ''}")
    for result in job["results"]:
        address = f"/dicom-web/studies/{job['study']}/series/{result['series_instance_uid']}"
        say(f"  {result['kind']:4} {node.url}{address}/metadata", soft_wrap=True)
    if job["results"]:
        say(f"  see  {node.url}{job['viewer']}", soft_wrap=True)


def push(node: Node, files: list[Path], progress: Progress, task: Any) -> str:
    scanner = AE("DEMO")
    scanner.add_requested_context(CTImageStorage)
    association = scanner.associate("127.0.0.1", node.dicom_port, ae_title="ORTHANC")
    if not association.is_established:
        raise SystemExit(f"Nothing takes C-STORE at port {node.dicom_port}; is the node running?")
    series_uid = ""
    for path in files:
        dataset = dcmread(path)
        series_uid = str(dataset.SeriesInstanceUID)
        status = association.send_c_store(dataset).get("Status")
        if status != 0:
            raise SystemExit(f"The node refused an instance with the status {status}; see its log.")
        progress.advance(task)
    association.release()
    return series_uid


def ended(node: Node, series_uid: str, progress: Progress, task: Any, seed: int) -> dict[str, Any]:
    progress.update(task, total=None)
    while True:
        job = node.job(series_uid)
        if job is not None and job["state"] in ENDED:
            return job
        progress.update(task, description=f"Phantom {seed}: {job['state'] if job else 'waiting for more slices'}")
        time.sleep(LOOK_EVERY_S)


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
            for seed in SEEDS:
                demonstrate(node, progress, seed)
        print(f"All studies: {node.url}/ohif/ (name and password: {node.state_folder / 'credentials.json'})")
    except requests.RequestException:
        raise SystemExit("The node is gone; the demonstration ends.") from None


if __name__ == "__main__":
    main()
