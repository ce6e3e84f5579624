"""The disk fills up while results are stored: the job waits and says why, and goes on when there is room again."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e import results
from tests.e2e.disk import fill, small_disk
from tests.e2e.node import MUSCLE, Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries


@pytest.fixture
def cramped(tmp_path: Path) -> Iterator[Node]:
    """Its archive lies on a disk of its own, as a hospital's does; the ledger has room."""
    with small_disk(tmp_path / "state/orthanc", megabytes=24), Node(tmp_path / "state", models=MUSCLE) as node:
        yield node


def test_a_full_disk_delays_the_results_and_loses_nothing(cramped: Node, series: Callable[..., PushedSeries]) -> None:
    sent = series(slices=16)
    assert len(Scanner(cramped.dicom_port).send(sent.files)) == len(sent.files)
    cramped.job(sent.series_uid, "running")

    filler = fill(cramped.state_folder / "orthanc")
    waiting = cramped.job(sent.series_uid, "retrying")
    filler.unlink()

    assert waiting["reason"] == (
        "The archive can't write (Cannot write to file), most likely because its disk is full; "
        "make room, the job is tried again."
    )
    cramped.job(sent.series_uid, "done")
    cramped.idle()
    found = results.retrieve(cramped.dicomweb(), sent.study_uid)
    assert results.misplaced_frames(found["SEG"], sent.datasets()) == []
