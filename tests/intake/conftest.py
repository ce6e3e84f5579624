"""A real Orthanc without the plugin, and a ledger in a file, for tests of intake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.jobs.ledger import Ledger
from tests.intake.bench import Bench
from tests.ledgers import url_in
from tests.orthanc_server import OrthancServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("orthanc"), DicomServerEnabled=True) as running:
        yield running


@pytest.fixture
def orthanc(server: OrthancServer) -> Orthanc:
    return Orthanc(server.url, "")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(url_in(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def bench(server: OrthancServer, ledger: Ledger, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(server, ledger, tmp_path)
    yield made
    made.close()
