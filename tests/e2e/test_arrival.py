"""When a series counts as whole: slow senders, late slices, and results, which must start nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import results
from tests.e2e.node import MUSCLE, Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries
from tests.waiting import eventually

MakeSeries = Callable[..., PushedSeries]


@pytest.fixture
def second_node(tmp_path: Path) -> Iterator[Node]:
    with Node(tmp_path / "second", models=MUSCLE) as running:
        yield running


def test_a_slow_sender_is_not_cut(node: Node, series: MakeSeries) -> None:
    sent = series(slices=6)

    assert len(Scanner(node.dicom_port, ae_title="SLOW").send(sent.files, interval_s=1.0)) == 6

    node.job(sent.series_uid, "done")
    node.idle()
    assert len(node.standing(sent.series_uid)) == 1
    found = results.retrieve(node.dicomweb(), sent.study_uid)
    assert set(results.references(found["SEG"])) == set(sent.datasets())


def test_a_late_slice_gives_a_new_job_that_supersedes_the_first(node: Node, series: MakeSeries) -> None:
    sent = series()
    scanner = Scanner(node.dicom_port, ae_title="LATE")
    scanner.send(sent.files[:-1])
    first = node.job(sent.series_uid, "done")

    scanner.send(sent.files[-1:])

    def newest() -> dict[str, Any] | None:
        job = node.jobs(series=sent.series_uid)[0]
        return job if job["id"] != first["id"] and job["state"] == "done" else None

    second = eventually(newest, what="a job on the whole series")
    assert second is not None
    node.idle()
    found = results.search(node.dicomweb(), sent.study_uid)
    assert results.kinds(found) == ["SC", "SEG", "SR"]
    assert {result.sop_instance_uid for result in found} == {r["sop_instance_uid"] for r in second["results"]}
    superseded = node.get(f"/inference/api/jobs/{first['id']}")
    assert (superseded["state"], superseded["reason"]) == (
        "done",
        "More instances of the series arrived; the job on the whole series replaces this one.",
    )


def test_results_pushed_to_a_node_start_nothing(
    node: Node, finished: PushedSeries, series: MakeSeries, second_node: Node, tmp_path: Path
) -> None:
    found = results.retrieve(node.dicomweb(), finished.study_uid)
    files = [tmp_path / f"{kind}.dcm" for kind in found]
    for path, result in zip(files, found.values(), strict=True):
        result.save_as(path, enforce_file_format=True)
    jobs_before = {job["id"] for job in node.jobs()}
    results_before = results.search(node.dicomweb(), finished.study_uid)

    for receiver in (node, second_node):
        assert len(Scanner(receiver.dicom_port).send(files)) == len(files)

    # What comes after them ends after them: once it is done, whatever the results might have started would show.
    after = series()
    for receiver in (node, second_node):
        Scanner(receiver.dicom_port).send(after.files)
        receiver.job(after.series_uid, "done")
        receiver.idle()
    assert {uid for job in node.jobs() if job["id"] not in jobs_before for uid in job["series"]} == {after.series_uid}
    assert {uid for job in second_node.jobs() for uid in job["series"]} == {after.series_uid}
    assert results.search(node.dicomweb(), finished.study_uid) == results_before
    assert len(results.search(second_node.dicomweb(), finished.study_uid)) == len(files)
