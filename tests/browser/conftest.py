"""One node with a study of each modality and its results, and one browser, for all tests."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.browser import models, studies
from tests.browser.browser import Browser
from tests.browser.studies import Study
from tests.browser.viewer import Viewer
from tests.e2e.node import Node, configured
from tests.e2e.senders import Scanner

Jobs = dict[tuple[str, str], dict[str, Any]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A picture of the window beside every failure."""
    report = yield
    opened = getattr(item, "funcargs", {}).get("browser")
    if report.failed and isinstance(opened, Browser):
        with suppress(AssertionError, OSError):
            opened.picture(f"failed-{item.name}")
    return report


@pytest.fixture(scope="module")
def viewed_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("viewed")
    environment = configured(folder, ModelsFolder=str(models.install(folder / "models")), QuietMostSeconds=2)
    with Node(folder / "state", environment) as running:
        yield running


@pytest.fixture(scope="module")
def sent(viewed_node: Node, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Study]:
    """By modality; all jobs have ended."""
    made = studies.all_of(tmp_path_factory.mktemp("studies"))
    for study in made.values():
        Scanner(viewed_node.dicom_port).send(study.files)
    for study in made.values():
        viewed_node.job(study.series_uid)
    viewed_node.idle()
    return made


@pytest.fixture(scope="module")
def browser(viewed_node: Node) -> Iterator[Browser]:
    with Browser(viewed_node.url, *viewed_node.credentials) as opened:
        yield opened


@pytest.fixture
def viewer(browser: Browser) -> Viewer:
    return Viewer(browser)


@pytest.fixture(scope="module")
def jobs(viewed_node: Node, sent: dict[str, Study]) -> Jobs:
    """By modality and model."""
    return {
        (modality, job["model"]): job
        for modality, study in sent.items()
        for job in viewed_node.jobs(series=study.series_uid)
    }
