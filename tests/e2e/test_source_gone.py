"""The source goes before its results are stored: nothing comes back with them, and it may come back itself."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e import results
from tests.e2e.node import MUSCLE, PROJECT, Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries
from tests.waiting import eventually


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """It computes early and waits long before it publishes."""
    folder = tmp_path_factory.mktemp("patient")
    written = (PROJECT / "orthanc.json").read_text("utf-8")
    empty = '"Inference": {}'
    assert empty in written
    (folder / "orthanc.json").write_text(written.replace(empty, '"Inference": {"QuietLeastSeconds": 10}'))
    with Node(folder / "state", {"INFERENCE_CONFIG": str(folder / "orthanc.json")}, models=MUSCLE) as running:
        yield running


@pytest.mark.parametrize("step", ["begun", "encode"])
def test_a_series_deleted_while_it_is_processed_leaves_no_ghost(
    patient: Node, series: Callable[..., PushedSeries], step: str
) -> None:
    deleted_at(step, patient, series(slices=16))


def test_a_series_deleted_while_it_is_processed_may_come_back(
    patient: Node, series: Callable[..., PushedSeries]
) -> None:
    sent = series()
    deleted_at("begun", patient, sent)

    Scanner(patient.dicom_port).send(sent.files)

    patient.job(sent.series_uid, "done")
    found = results.retrieve(patient.dicomweb(), sent.study_uid)
    assert results.misplaced_frames(found["SEG"], sent.datasets()) == []
    assert len(patient.standing(sent.series_uid)) == 1


def deleted_at(step: str, node: Node, sent: PushedSeries) -> None:
    """Pushed, and deleted when its job has come so far."""
    Scanner(node.dicom_port).send(sent.files)
    eventually(lambda: step in ("begun", *node.job(sent.series_uid, "running")["timings"]), within_s=60, what=step)

    node.delete(f"/studies/{node.orthanc_id(sent.study_uid)}")

    ended = node.job(sent.series_uid, "skipped", "cancelled")
    assert ended["reason"]
    assert ended["results"] == []
    assert node.orthanc_id(sent.study_uid) is None
    assert node.orthanc_id(sent.series_uid) is None
