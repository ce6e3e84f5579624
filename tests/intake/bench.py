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
from orthanc_plugin.jobs.job import Job, PlannedResult, State
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.region import Region, RegionOfPixels
from orthanc_plugin.settings import Settings
from tests.builders.series import part10
from tests.orthanc_server import OrthancServer
from tests.routing.cards import model_folder
from tests.waiting import eventually


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
        self.archive = RestArchive(server.url, "", rejected=ledger.rejections.of_series)
        self._empty()
        model_folder(self.models, "abdomen")
        self.start()

    def start(self, **settings: Any) -> None:
        """A new intake process, as after a restart."""
        known = Settings(state_folder=self._folder, database_url="sqlite:///unused", **settings)
        self.catalogue = Catalogue(self.models, self._folder, clock=lambda: self.now_s)
        self.orders = Orders(self.orthanc, self.archive, self.catalogue, self.ledger, self._pixels_of)
        self.intake = Intake(
            self.orthanc, self.archive, self.orders, self.ledger, known, self._answered, lambda: self.now_s
        )

    def close(self) -> None:
        self.archive.close()

    def send(self, datasets: Sequence[Dataset]) -> None:
        for dataset in datasets:
            requests.post(f"{self.url}/instances", data=part10(dataset), timeout=10).raise_for_status()

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

    def finish(self, job: Job, *results: Dataset) -> Job:
        """As a worker does: the results are planned, stored and received, the job is done."""
        attempts = self.ledger.attempts
        [turn] = [turn for turn in attempts.waiting() if turn.job_id == job.id]
        begun = attempts.begin(turn, attempts.enrol("here", Process.mine()))
        assert begun is not None
        _, hold = begun
        kinds = [(str(each.SOPInstanceUID), str(each.SeriesInstanceUID), str(each.SOPClassUID)) for each in results]
        attempts.plan(hold, [PlannedResult("SC", *kind) for kind in kinds])
        for result in results:
            attempts.receive(hold, self.archive.store("SC", result))
        attempts.end(hold, State.DONE, "", {})
        return self.ledger.job(job.id)

    def holds(self, dataset: Dataset) -> bool:
        return self.archive.file(str(dataset.SOPInstanceUID)) is not None

    def delete(self, uid: str) -> list[str]:
        """What bears the UID; answers the series that left with it, as the plugin would tell them."""
        [found] = requests.post(f"{self.url}/tools/lookup", data=uid, timeout=10).json()
        series = [found["ID"]]
        if found["Type"] == "Study":
            series = requests.get(self.url + found["Path"], timeout=10).json()["Series"]
        requests.delete(self.url + found["Path"], timeout=10).raise_for_status()
        return [] if found["Type"] == "Instance" else series

    def change(self, path: str, **wanted: Any) -> str:
        """A job of Orthanc on what bears the UID, by its name there; answers the job once it is done."""
        wanted |= {"Asynchronous": True}
        answer = requests.post(self.url + path, json=wanted, timeout=10)
        answer.raise_for_status()
        job_id: str = answer.json()["ID"]
        eventually(lambda: self.orthanc.get(f"/jobs/{job_id}")["State"] == "Success", what="Orthanc's job")
        return job_id

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
