"""From the last instance to the SEG found by QIDO-RS, and what the bare networks take of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.ingest import with_new_uids
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume
from orthanc_plugin.inference.items import of_slices
from orthanc_plugin.inference.limits import Limits
from orthanc_plugin.inference.preprocess import channels, turn
from orthanc_plugin.inference.session import Sessions
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import Model
from orthanc_plugin.routing.network import Stage
from orthanc_plugin.settings import PROJECT
from tests.e2e.node import Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries, phantom_series
from tests.waiting import eventually

MODEL = "abdominal-muscle-ct"
Tensor = NDArray[np.float32]


@dataclass(frozen=True)
class Latencies:
    """Of each repeat: until the SEG was found, the networks alone, and the steps of the job."""

    slices: int
    until_found_s: tuple[float, ...]
    networks_s: tuple[float, ...]
    timings: tuple[dict[str, float], ...]

    @property
    def beside_the_networks_s(self) -> float:
        return median(whole - networks for whole, networks in zip(self.until_found_s, self.networks_s, strict=True))


def measure(folder: Path, *, slices: int, repeats: int) -> Latencies:
    """Warm: one series goes through before anything counts."""
    template = phantom_series(folder / "template", "latency", slices=slices, rows=512, spacing_z_mm=5)
    model = Catalogue(PROJECT / "onnx_models").model(MODEL)
    inputs = tensors(model, template.files)
    bare = Sessions("cpu", Limits())
    found, networks, timings = [], [], []
    with Node(folder / "state") as node:
        for repeat in range(-1, repeats):
            fresh = with_new_uids(template, folder / f"repeat{repeat}")
            until_found_s = seconds_until_found(node, fresh)
            job = node.job(fresh.series_uid, "done")
            networks_s = seconds_of_networks(bare, model, inputs)
            if repeat >= 0:
                found.append(until_found_s)
                networks.append(networks_s)
                timings.append(job["timings"])
    return Latencies(slices, tuple(found), tuple(networks), tuple(timings))


def seconds_until_found(node: Node, series: PushedSeries) -> float:
    client = node.dicomweb()
    assert len(Scanner(node.dicom_port).send(series.files)) == len(series.files)
    began = time.perf_counter()
    eventually(
        lambda: client.search_for_series(series.study_uid, search_filters={"Modality": "SEG"}),
        within_s=120,
        every_s=0.02,
        what="the SEG",
    )
    return time.perf_counter() - began


def tensors(model: Model, files: Iterable[Path]) -> list[tuple[Stage, list[Tensor]]]:
    """What the node feeds to each network for this series."""
    whole = volume(assemble(decode(path.read_bytes()) for path in files))
    turned, found = turn(whole), []
    for stage in model.card.stages:
        fitted = of_slices(stage, channels(stage, {"series": whole}, turned), turned)
        starts = range(0, len(fitted), stage.batch)
        found.append((stage, [fitted.take(start, min(start + stage.batch, len(fitted))) for start in starts]))
    return found


def seconds_of_networks(sessions: Sessions, model: Model, inputs: list[tuple[Stage, list[Tensor]]]) -> float:
    """InferenceSession.run with the node's own session options and threads, while the node is idle."""
    began = time.perf_counter()
    for stage, batch_list in inputs:
        for batch in batch_list:
            for graph in model.graphs(stage):
                sessions.run(graph, model.digest, {stage.input: batch})
    return time.perf_counter() - began
