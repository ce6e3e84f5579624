"""A node that is configured wrongly refuses to start, with one sentence in its log, and never runs open."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.disk import small_disk
from tests.e2e.node import Node, configured

STARTS_WITHIN_S = 60


def refusal(node: Node) -> str:
    """The log of a start that has to fail."""
    assert node.launch().wait(STARTS_WITHIN_S) != 0
    assert node.processes() == []
    return node.log_since(0)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"JobsAtOnce": 0}, '"Inference.JobsAtOnce" is 0; allowed is a whole number from 1 to 64.'),
        ({"Devise": "cpu"}, '"Inference.Devise" is not a key of the node; allowed are AskSenders, AttemptsMost, '),
    ],
)
def test_a_wrong_key_or_value_stops_the_start(tmp_path: Path, section: dict[str, object], sentence: str) -> None:
    assert sentence in refusal(Node(tmp_path / "state", configured(tmp_path, **section)))


def unwritable(folder: Path) -> str:
    return (
        f"The state folder {folder} can't be written; correct its permissions or name another one in INFERENCE_DATA.\n"
    )


def test_a_state_folder_that_can_not_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file/state"

    assert refusal(Node(folder, log=tmp_path / "node.log")) == unwritable(folder)


def test_a_read_only_state_folder_stops_the_start(tmp_path: Path) -> None:
    with small_disk(tmp_path / "state", megabytes=1) as folder:
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)

        assert refusal(Node(folder)) == unwritable(folder)
