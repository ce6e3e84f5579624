"""A node for the whole session, fresh series for each test, and the node's log beside every failure."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.node import MUSCLE, Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries, phantom_series

LOG_SHOWN = 12_000
LOG_SIZES = pytest.StashKey[dict[Node, int]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with Node(tmp_path_factory.mktemp("node") / "state", models=MUSCLE) as running:
        yield running


@pytest.fixture(scope="session")
def finished(node: Node, tmp_path_factory: pytest.TempPathFactory) -> PushedSeries:
    """A series whose results are there, for tests that only look."""
    sent = phantom_series(tmp_path_factory.mktemp("finished"), "finished")
    Scanner(node.dicom_port).send(sent.files)
    node.job(sent.series_uid, "done")
    return sent


@pytest.fixture
def series(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., PushedSeries]:
    """Makes series that no other test has: their UIDs come from the test's name and how many it made."""
    made: list[PushedSeries] = []

    def make(**wanted: int | str) -> PushedSeries:
        name = f"{request.node.nodeid}/{len(made)}"
        made.append(phantom_series(tmp_path / f"series{len(made)}", name, **wanted))
        return made[-1]

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    nodes = {value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Node)}
    if report.when == "setup":
        item.stash[LOG_SIZES] = {node: node.log.stat().st_size for node in nodes}
    elif report.failed:
        for node, size in item.stash[LOG_SIZES].items():
            report.sections.append((f"log of {node.state_folder}", node.log_since(size)[-LOG_SHOWN:]))
    return report
