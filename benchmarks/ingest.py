"""How fast instances are taken in: by the node, by the same Orthanc without it, by a default Orthanc."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pydicom import dcmread
from pydicom.uid import generate_uid

from benchmarks.servers import BareOrthanc
from tests.e2e.node import Node
from tests.e2e.series import PushedSeries, phantom_series

# No model is for it: intake looks, routes and writes its line into the ledger, but no inference takes the cores.
BODY_PART = "HEAD"
CLIENTS: Mapping[str, Mapping[str, str]] = {
    "storescu": {},
    "storescu, TCP_NODELAY": {"TCP_NODELAY": "1"},
}
NODE, WITHOUT, DEFAULT = "with the plugin", "without the plugin", "by default"


@dataclass(frozen=True)
class Rates:
    """Instances a second, for each client, for each server, of each repeat."""

    instances: int
    per_s: Mapping[str, Mapping[str, tuple[float, ...]]]

    def ratio(self, client: str, to: str) -> float:
        """Median over the repeats of the quotient within one repeat, in which both had the same machine."""
        rates = self.per_s[client]
        return median(ours / theirs for ours, theirs in zip(rates[NODE], rates[to], strict=True))


def measure(folder: Path, *, instances: int, repeats: int) -> Rates:
    """Each repeat sends the same fresh series to the three servers; the two that differ little change places."""
    template = phantom_series(folder / "template", "ingest", slices=instances, rows=512, body_part=BODY_PART)
    taken: dict[str, dict[str, list[float]]] = {client: {NODE: [], WITHOUT: [], DEFAULT: []} for client in CLIENTS}
    with ExitStack() as servers:
        node = servers.enter_context(Node(folder / "state"))
        ports = {
            NODE: node.dicom_port,
            WITHOUT: servers.enter_context(BareOrthanc("without the plugin", folder / "without")).dicom_port,
            DEFAULT: servers.enter_context(BareOrthanc("by default", folder / "default")).dicom_port,
        }
        for repeat in range(-1, repeats):
            for client, environment in CLIENTS.items():
                fresh = with_new_uids(template, folder / "fresh")
                for name in (NODE, WITHOUT, DEFAULT) if repeat % 2 else (WITHOUT, NODE, DEFAULT):
                    os.sync()  # what the one left to write shall not slow down the next
                    rate = len(fresh.files) / seconds(fresh, ports[name], environment)
                    if name == NODE:
                        node.job(fresh.series_uid, "skipped")
                    if repeat >= 0:
                        taken[client][name].append(rate)
                shutil.rmtree(folder / "fresh")
    return Rates(instances, {client: {name: tuple(r) for name, r in rates.items()} for client, rates in taken.items()})


def seconds(series: PushedSeries, port: int, environment: Mapping[str, str]) -> float:
    """One association, from the start of the client to its end."""
    command = ["storescu", "-aec", "ORTHANC", "127.0.0.1", str(port), *map(str, series.files)]
    inherited = {name: value for name, value in os.environ.items() if name != "TCP_NODELAY"}
    began = time.perf_counter()
    subprocess.run(command, env=inherited | dict(environment), check=True, timeout=300)
    return time.perf_counter() - began


def with_new_uids(series: PushedSeries, folder: Path) -> PushedSeries:
    """A copy that no server has seen."""
    folder.mkdir()
    study_uid, series_uid = str(generate_uid()), str(generate_uid())
    files = []
    for path in series.files:
        dataset = dcmread(path)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, series_uid
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.save_as(folder / path.name)
        files.append(folder / path.name)
    return PushedSeries(study_uid, series_uid, tuple(files))
