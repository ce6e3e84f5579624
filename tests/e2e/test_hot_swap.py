"""A model is replaced and taken back while its jobs run: none is lost, and each result carries what made it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.builders.series import Scan
from tests.e2e import results
from tests.e2e.node import Node, configured
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries, built_series
from tests.inference.graphs import model, segment, segments, stage, write_slow
from tests.waiting import eventually

NAME, BRIGHT, DARK = "half", "1.0.0", "2.0.0"
LABEL = "Half"
WINDOW = {"kind": "window", "lowest": -1000, "highest": 1200}
# Between what the two versions outline: the middle of the window, and of the noise in the series.
MIDDLE_HU = 100
SLICE_ROUNDS = 400_000
"""A sixth of a second for each slice, so that jobs are under way whenever the model changes."""


def version(folder: Path, number: str) -> str:
    """Its digest. The first outlines what is brighter than the middle, the second what is darker."""
    factor, shift = {BRIGHT: (1.0, 0.0), DARK: (-1.0, 1.0)}[number]
    write_slow(folder / "model.onnx", SLICE_ROUNDS, factor, shift)
    outputs = segments(segment(LABEL), steps=[{"step": "threshold"}]) | {"measurements": [{"measure": "volumes"}]}
    return model(folder, [stage(intensity=WINDOW, batch=1)], outputs, version=number).digest


@pytest.fixture
def digests(tmp_path: Path) -> dict[str, str]:
    """Of both versions: the first is among the node's models, the second lies beside them."""
    folders = {BRIGHT: tmp_path / "onnx_models" / NAME, DARK: tmp_path / "new" / NAME}
    return {number: version(folder, number) for number, folder in folders.items()}


@pytest.fixture
def own_node(tmp_path: Path, digests: dict[str, str]) -> Iterator[Node]:
    environment = configured(tmp_path, ModelsFolder=str(tmp_path / "onnx_models"), QuietMostSeconds=10)
    with Node(tmp_path / "state", environment) as running:
        yield running


class Arrivals:
    """Small series, one after the other."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.sent: list[PushedSeries] = []
        self._scanner = Scanner(node.dicom_port)
        self._folder = folder

    def push(self, count: int) -> list[PushedSeries]:
        for _ in range(count):
            name = f"swap {len(self.sent)}"
            series = built_series(
                self._folder / name, Scan(slices=4, columns=16, pixel_spacing_mm=(0.8, 0.8), name=name)
            )
            assert len(self._scanner.send(series.files)) == len(series.files)
            self.sent.append(series)
        return self.sent[-count:]


def jobs_of(node: Node, series: Sequence[PushedSeries]) -> list[dict[str, Any]]:
    uids = {each.series_uid for each in series}
    return [job for job in node.jobs() if uids.issuperset(job["series"])]


def at_work(node: Node, series: Sequence[PushedSeries]) -> list[dict[str, Any]]:
    """The jobs of these series once each has one, and the first of them runs."""

    def begun() -> list[dict[str, Any]]:
        jobs = jobs_of(node, series)
        return jobs if len(jobs) == len(series) and "running" in {job["state"] for job in jobs} else []

    return eventually(begun, what="a running job and others behind it")


def under_way(node: Node, series: Sequence[PushedSeries]) -> set[str]:
    return {job["state"] for job in jobs_of(node, series)} & {"waiting", "running"}


def take_up(node: Node, digest: str) -> None:
    def served() -> bool:
        return [known["digest"] for known in node.get("/inference/api/models")["models"]] == [digest]

    eventually(served, what=f"the version {digest[:12]} among the models")


def changed(node: Node, *arguments: str) -> str:
    """The digest that the command says is in the folder now."""
    ended = node.command("models", *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    return str(json.loads(ended.stdout)["digest"])


@pytest.mark.slow
def test_a_model_is_replaced_and_taken_back_while_its_jobs_run(
    own_node: Node, digests: dict[str, str], tmp_path: Path
) -> None:
    arrivals = Arrivals(own_node, tmp_path / "series")
    before = arrivals.push(8)
    at_work(own_node, before)

    with ThreadPoolExecutor(1) as beside:
        adding = beside.submit(changed, own_node, "add", str(tmp_path / "new" / NAME))
        arrivals.push(2)
        assert adding.result() == digests[DARK]
    assert under_way(own_node, before) == {"running", "waiting"}
    take_up(own_node, digests[DARK])
    between = arrivals.push(5)
    at_work(own_node, between)
    assert changed(own_node, "rollback", NAME) == digests[BRIGHT]
    assert under_way(own_node, between) == {"running", "waiting"}
    take_up(own_node, digests[BRIGHT])
    after = arrivals.push(2)

    ended = {series.series_uid: own_node.job(series.series_uid) for series in arrivals.sent}
    made_for = [{ended[each.series_uid]["digest"] for each in part} for part in (before, between, after)]
    assert made_for == [{digests[BRIGHT]}, {digests[DARK]}, {digests[BRIGHT]}]
    assert len(own_node.jobs()) == len(arrivals.sent)
    for series in arrivals.sent:
        assert problems(own_node, series, ended[series.series_uid], digests) == []


def problems(node: Node, series: PushedSeries, job: dict[str, Any], digests: dict[str, str]) -> list[str]:
    """What of the series' results is not as its job says."""
    if job["state"] != "done":
        return [f"the job is {job['state']}: {job['reason']}"]
    if job["digest"] != digests[job["version"]]:
        return [f"the job says {job['version']} and the digest of the other version"]
    found = results.retrieve(node.dicomweb(), series.study_uid)
    wrong = [
        f"the {kind} says that {result.SoftwareVersions[0]} made it, {result.DeviceSerialNumber}"
        for kind, result in found.items()
        if (result.SoftwareVersions[0], result.DeviceSerialNumber) != (job["version"], job["digest"])
    ]
    (other,) = set(digests.values()) - {job["digest"]}
    wrong += [f"the {kind} names the other version" for kind, result in found.items() if other in result.to_json()]
    covered_hu = results.hounsfield_under(found["SEG"], LABEL, series.datasets())
    if not ((covered_hu > MIDDLE_HU) == (job["version"] == BRIGHT)).all():
        wrong.append("the SEG outlines what the other version does")
    return wrong
