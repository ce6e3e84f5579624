"""The rooms that answers come from: a real ledger and catalogue, an Orthanc and an intake of a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from orthanc_plugin.errors import Temporary, Unsuitable
from orthanc_plugin.intake.order import Placed
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.orthanc import Orthanc, Series
from orthanc_plugin.intake.terms import Terms
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.web.api import Rooms
from tests.jobs.builders import Clock, order
from tests.ledgers import url_in
from tests.routing.cards import model_folder

CT_ABDOMEN = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT", "BodyPartExamined": "ABDOMEN"}
MR_HEAD = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR", "BodyPartExamined": "HEAD"}
SEG = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4", "Modality": "SEG"}


class Shelf:
    """One study 1.2.1 of three series: 1.2.1.1 CT of the abdomen, 1.2.1.2 MR of the head, 1.2.1.3 a SEG."""

    series_headers: ClassVar = {"1.2.1.1": CT_ABDOMEN, "1.2.1.2": MR_HEAD, "1.2.1.3": SEG}

    def __init__(self) -> None:
        self.away = False

    def identity(self) -> str:
        if self.away:
            raise Temporary("Orthanc does not answer; intake goes on when it is back.")
        return "shelf"

    def series_of_study(self, study_uid: str) -> tuple[Any, ...]:
        return tuple(map(self.series, self.series_headers)) if study_uid == "1.2.1" else ()

    def find_series(self, series_uid: str) -> tuple[Any, ...]:
        return (self.series(series_uid),) if series_uid in self.series_headers else ()

    def series(self, series_id: str) -> Any:
        return SimpleNamespace(uid=series_id, instance_ids=(series_id,))

    def headers(self, series: Any) -> Headers:
        return Headers(self.series_headers[series.uid], 3)


class Hand:
    """Orders as they are placed by hand."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.asked: list[tuple[str, str | None, Terms]] = []

    def seen(self, series: Series, headers: Headers) -> Headers:
        return headers

    def take(self, _header: object) -> bool:
        return False

    def orders_for(self, series_uid: str, model: str | None, terms: Terms) -> tuple[Placed, ...]:
        self.asked.append((series_uid, model, terms))
        if series_uid not in Shelf.series_headers:
            raise Unsuitable(f"There is no series {series_uid} in the archive; send it or correct its UID.")
        job = self._ledger.propose(order(int(series_uid.rpartition(".")[2]), priority=terms.priority))
        return (Placed(job, "Routing would not choose it." if model == "abdomen" and series_uid == "1.2.1.2" else ""),)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = Ledger(url_in(tmp_path), clock)
    yield opened
    opened.close()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def hand(ledger: Ledger) -> Hand:
    return Hand(ledger)


@pytest.fixture
def rooms(tmp_path: Path, ledger: Ledger, shelf: Shelf, hand: Hand) -> Rooms:
    model_folder(tmp_path / "models")
    catalogue = Catalogue(tmp_path / "models")
    return Rooms(ledger, catalogue, cast(Orders, hand), cast(Orthanc, shelf), tmp_path)
