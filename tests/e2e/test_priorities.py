"""Stat cases that come while long ones hold the device: each waits for the patch that runs, and for no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders.series import Scan
from tests.e2e.node import Node, configured
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries, built_series
from tests.inference.graphs import model, segment, segments, stage, write_channels, write_slow
from tests.waiting import eventually

LONG, QUICK = "long", "quick"
LONG_CASES, STAT_CASES = 3, 3
PATCH_ROUNDS = 500_000
"""A fifth of a second, on one core."""
LONG_SLICES, LONG_ROWS, PATCH = 24, 32, 16
PATCHES = 2 * 3 * 3
"""Of one long case: they overlap by half."""
PATCHES_MOST = 1.5
"""What a stat case may take on the device, where its own batch takes milliseconds; first come, first served: three."""


@pytest.fixture
def own_node(tmp_path: Path) -> Iterator[Node]:
    """Its long cases come by themselves; a quick one only by hand."""
    models = tmp_path / "onnx_models"
    write_slow(models / LONG / "model.onnx", PATCH_ROUNDS, shape=["n", "c", "d", "r", "k"])
    write_channels(models / QUICK / "model.onnx", [1.0])
    volume = stage(kind="volume", depth=PATCH, rows=PATCH, columns=PATCH, batch=1)
    outputs = segments(segment("Bright"), steps=[{"step": "threshold"}])
    model(models / LONG, [volume], outputs, applies={"tag": "Modality", "in": ["CT"]}, limits={"seconds": 600})
    model(models / QUICK, [stage()], outputs, applies={"tag": "Modality", "in": ["none"]})
    environment = configured(tmp_path, ModelsFolder=str(models), JobsAtOnce=LONG_CASES, QuietMostSeconds=1)
    with Node(tmp_path / "state", environment) as running:
        yield running


def long_scan(number: int) -> Scan:
    return Scan(
        slices=LONG_SLICES,
        rows=LONG_ROWS,
        columns=LONG_ROWS,
        pixel_spacing_mm=(0.8, 0.8),
        name=f"long {number}",
    )


def quick_scan(number: int) -> Scan:
    return Scan(slices=4, modality="MR", name=f"quick {number}")


def pushed(node: Node, folder: Path, scan: Scan) -> PushedSeries:
    series = built_series(folder / scan.name, scan)
    assert len(Scanner(node.dicom_port).send(series.files)) == len(series.files)
    return series


def at_once(node: Node, series: PushedSeries) -> dict[str, Any]:
    """The job of a stat case, when it is done."""
    answer = node.post("/inference/api/run", {"series": series.series_uid, "model": QUICK, "priority": "stat"})
    (number,) = answer["jobs"]
    return eventually(lambda: done(node, number), what="the end of the stat case")


def done(node: Node, number: str) -> dict[str, Any]:
    job: dict[str, Any] = node.get(f"/inference/api/jobs/{number}")
    assert job["state"] in ("waiting", "running", "done"), job["reason"]
    return job if job["state"] == "done" else {}


def on_the_device(node: Node) -> bool:
    """All long cases are read, so that each has a patch on the device or waits for it with one."""
    jobs = node.jobs(model=LONG, state="running")
    return len(jobs) == LONG_CASES and all("read" in job["timings"] for job in jobs)


@pytest.mark.slow
def test_a_stat_case_waits_for_one_patch_of_the_long_cases(own_node: Node, tmp_path: Path) -> None:
    quick = [pushed(own_node, tmp_path, quick_scan(number)) for number in range(STAT_CASES)]
    for series in quick:
        own_node.job(series.series_uid, "skipped")
    for number in range(LONG_CASES):
        pushed(own_node, tmp_path, long_scan(number))
    eventually(lambda: on_the_device(own_node), what="the long cases on the device")

    stat = [at_once(own_node, series) for series in quick]

    assert on_the_device(own_node), "a long case ended before the stat cases"
    own_node.idle()
    long = own_node.jobs(model=LONG, state="done")
    assert [job["attempts"] for job in long] == [1] * LONG_CASES
    patch_s = max(job["timings"]["infer"] for job in long) / (LONG_CASES * PATCHES)
    waited_s = [job["timings"]["infer"] for job in stat]
    assert max(waited_s) <= PATCHES_MOST * patch_s, f"{waited_s} s, where a patch takes {patch_s} s"
