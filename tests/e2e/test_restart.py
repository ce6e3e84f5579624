"""Something dies in the middle: what was stored is found again, and every result exists exactly once."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.e2e import results
from tests.e2e.node import MUSCLE, PROJECT, Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries
from tests.waiting import eventually

MakeSeries = Callable[..., PushedSeries]


@pytest.fixture(scope="module")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Not the session's: it dies a few times."""
    with Node(tmp_path_factory.mktemp("mortal") / "state", models=MUSCLE) as running:
        yield running


@pytest.fixture
def worker_by_hand(own_node: Node) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(PROJECT / ".venv/bin/inference-node"), "worker"]
    with own_node.log.open("ab") as log:
        worker = subprocess.Popen(command, env=own_node.environment, stdout=log, stderr=log, cwd=PROJECT)
    yield worker
    worker.terminate()
    assert worker.wait(20) == 0


def one_of_each(node: Node, sent: PushedSeries) -> None:
    node.job(sent.series_uid, "done")
    node.idle()
    found = results.retrieve(node.dicomweb(), sent.study_uid)
    assert results.misplaced_frames(found["SEG"], sent.datasets()) == []
    assert len(node.standing(sent.series_uid)) == 1


def test_a_series_cut_by_the_death_of_the_node_is_done_after_its_restart(own_node: Node, series: MakeSeries) -> None:
    sent = series()
    scanner = Scanner(own_node.dicom_port)
    arrived = scanner.send(sent.files[:7])
    own_node.kill("orthanc")
    own_node.wait_for_the_end()

    own_node.start()

    assert len(arrived) == 7
    assert len(scanner.send(sent.files[7:])) == 5
    one_of_each(own_node, sent)


def test_a_whole_series_is_found_by_a_node_that_died_before_it_looked(own_node: Node, series: MakeSeries) -> None:
    sent = series()
    assert len(Scanner(own_node.dicom_port).send(sent.files)) == len(sent.files)
    own_node.kill("orthanc")
    own_node.wait_for_the_end()

    own_node.start()

    one_of_each(own_node, sent)


@pytest.mark.parametrize("role", ["worker", "device", "intake"])
def test_what_is_killed_in_the_middle_of_a_job_comes_back_and_finishes_it(
    own_node: Node, series: MakeSeries, role: str
) -> None:
    sent = series(slices=16)
    Scanner(own_node.dicom_port).send(sent.files)
    own_node.job(sent.series_uid, "running")

    own_node.kill(role)

    one_of_each(own_node, sent)


def test_a_worker_started_by_hand_outlives_orthanc_and_waits_for_it(
    own_node: Node, series: MakeSeries, worker_by_hand: subprocess.Popen[bytes]
) -> None:
    sent = series(slices=16)
    Scanner(own_node.dicom_port).send(sent.files)
    own_node.job(sent.series_uid, "running")

    own_node.kill("orthanc")
    eventually(lambda: not own_node.processes("orthanc", "intake"), what="the end of Orthanc")
    own_node.start()

    assert worker_by_hand.poll() is None
    one_of_each(own_node, sent)
