"""An intake on a real Orthanc and a real ledger, with a clock that stands until a test moves it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
from pydicom.dataset import Dataset

from orthanc_plugin.archive.rest import RestArchive
from orthanc_plugin.intake.intake import Intake
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.orthanc import Orthanc, Series
from orthanc_plugin.jobs.job import Job
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.region import Region, RegionOfPixels
from orthanc_plugin.settings import Settings
from tests.builders.series import part10
from tests.orthanc_server import OrthancServer
from tests.routing.cards import model_folder


class Bench:
    """Starts with an empty Orthanc; `tick` lets time go by in tenths of a second, looking each time."""

    def __init__(self, server: OrthancServer, ledger: Ledger, folder: Path) -> None:
        self.url = server.url
        self.orthanc = Orthanc(server.url, "")
        self.ledger = ledger
        self.models = folder / "models"
        self.now_s = 1000.0
        self.answers = 0
        self.region: Region | None = None
        self.pixels_asked: list[str] = []
        self._folder = folder
        self._archive = RestArchive(server.url, "")
        self._empty()
        model_folder(self.models, "abdomen")
        self.start()

    def start(self, **settings: Any) -> None:
        """A new intake process, as after a restart."""
        known = Settings(state_folder=self._folder, database_url="sqlite:///unused", **settings)
        self.catalogue = Catalogue(self.models, self._folder, clock=lambda: self.now_s)
        self.orders = Orders(self.orthanc, self._archive, self.catalogue, self.ledger, self._pixels_of)
        self.intake = Intake(self.orthanc, self.orders, self.ledger, known, self._answered, lambda: self.now_s)

    def close(self) -> None:
        self._archive.close()

    def send(self, datasets: Sequence[Dataset]) -> None:
        for dataset in datasets:
            requests.post(f"{self.url}/instances", data=part10(dataset), timeout=10).raise_for_status()

    def delete(self, datasets: Sequence[Dataset]) -> None:
        """The whole series."""
        for series in self.orthanc.find_series(str(datasets[0].SeriesInstanceUID)):
            requests.delete(f"{self.url}/series/{series.id}", timeout=10).raise_for_status()

    def look(self) -> float:
        return self.intake.look(self.now_s, self.now_s)

    def tick(self, seconds: float) -> None:
        """Looks at both ends of the time as well."""
        end_s = self.now_s + seconds
        self.look()
        while self.now_s < end_s:
            self.now_s = min(end_s, self.now_s + 0.1)
            self.look()

    def jobs(self, series: Dataset) -> list[Job]:
        """Oldest first."""
        return self.ledger.jobs(series=str(series.SeriesInstanceUID))[0][::-1]

    def _pixels_of(self, series: Series) -> RegionOfPixels:
        def region() -> Region | None:
            self.pixels_asked.append(series.uid)
            return self.region

        return region

    def _answered(self) -> None:
        self.answers += 1

    def _empty(self) -> None:
        for patient in requests.get(f"{self.url}/patients", timeout=10).json():
            requests.delete(f"{self.url}/patients/{patient}", timeout=10).raise_for_status()
