"""The archives that the contract is tried on, each empty at first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
import requests
from pydicom.dataset import Dataset

from orthanc_plugin.archive.folder import FolderArchive
from orthanc_plugin.archive.protocol import Archive
from orthanc_plugin.archive.rest import RestArchive
from tests.builders.series import part10
from tests.orthanc_server import OrthancServer


class Place(Protocol):
    """An archive, and what others do to it behind the node's back."""

    @property
    def archive(self) -> Archive: ...

    def receive(self, dataset: Dataset) -> None: ...

    def replace(self, dataset: Dataset) -> None: ...

    def delete(self, dataset: Dataset) -> None: ...


class FolderPlace:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.archive = FolderArchive(folder)

    def receive(self, dataset: Dataset) -> None:
        path = self.folder / dataset.StudyInstanceUID / f"{dataset.SOPInstanceUID}.dcm"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(part10(dataset))

    replace = receive

    def delete(self, dataset: Dataset) -> None:
        next(self.folder.rglob(f"{dataset.SOPInstanceUID}.dcm")).unlink()


class OrthancPlace:
    def __init__(self, server: OrthancServer) -> None:
        self.server = server
        self.archive = RestArchive(server.url, "")

    def receive(self, dataset: Dataset) -> None:
        self.server.post(part10(dataset))

    def replace(self, dataset: Dataset) -> None:
        self.delete(dataset)
        self.receive(dataset)

    def delete(self, dataset: Dataset) -> None:
        found = requests.post(f"{self.server.url}/tools/lookup", data=dataset.SOPInstanceUID, timeout=10).json()
        for entry in found:
            requests.delete(self.server.url + entry["Path"], timeout=10).raise_for_status()

    def empty(self) -> None:
        for patient in requests.get(f"{self.server.url}/patients", timeout=10).json():
            requests.delete(f"{self.server.url}/patients/{patient}", timeout=10).raise_for_status()


@pytest.fixture(scope="session")
def orthanc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    with OrthancServer(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture
def orthanc_place(orthanc_server: OrthancServer) -> Iterator[OrthancPlace]:
    place = OrthancPlace(orthanc_server)
    place.empty()
    yield place
    place.archive.close()


@pytest.fixture(scope="session")
def overwriting_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    """What is sent again under the same UIDs takes the place of what was there."""
    with OrthancServer(tmp_path_factory.mktemp("overwriting"), OverwriteInstances=True) as server:
        yield server


@pytest.fixture
def overwriting_place(overwriting_server: OrthancServer) -> Iterator[OrthancPlace]:
    place = OrthancPlace(overwriting_server)
    place.empty()
    yield place
    place.archive.close()


@pytest.fixture(params=["folder", "orthanc", "overwriting"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return FolderPlace(tmp_path)
    found: OrthancPlace = request.getfixturevalue(f"{request.param}_place")
    return found
