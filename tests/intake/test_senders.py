"""What senders say when they are asked (C-FIND), and that a request for storage commitment ends the waiting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage
from pynetdicom import AE, evt

from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.senders import QUESTIONS_A_SERIES, Question, Senders
from tests.builders.series import Scan, slices
from tests.intake.bench import Bench
from tests.orthanc_server import OrthancServer, free_port
from tests.waiting import eventually

SCANNER = "SCANNER"
FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
COMMITMENT = UID("1.2.840.10008.1.20.1")
COMMITMENT_INSTANCE = UID("1.2.840.10008.1.20.1.1")


class Scanner:
    """Answers how many instances its series have; sends, and asks for commitment, like a modality."""

    def __init__(self, server: OrthancServer) -> None:
        self.counts: dict[str, str] = {}
        self.asked: list[str] = []
        self._server = server
        entity = AE(ae_title=SCANNER)
        entity.add_supported_context(FIND)
        port = free_port()
        self._listening: Any = entity.start_server(
            ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_FIND, self._find)]
        )
        self.modality = {"AET": SCANNER, "Host": "127.0.0.1", "Port": port}

    def close(self) -> None:
        self._listening.shutdown()

    def send(self, datasets: list[Dataset]) -> None:
        association = self._associate(CTImageStorage)
        for dataset in datasets:
            assert association.send_c_store(dataset).Status == 0
        association.release()

    def ask_for_commitment(self, datasets: list[Dataset]) -> None:
        request = Dataset()
        request.TransactionUID = Scan().uid("transaction")
        request.ReferencedSOPSequence = [Dataset() for _ in datasets]
        for item, dataset in zip(request.ReferencedSOPSequence, datasets, strict=True):
            item.ReferencedSOPClassUID = dataset.SOPClassUID
            item.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
        association = self._associate(COMMITMENT)
        status, _ = association.send_n_action(request, 1, COMMITMENT, COMMITMENT_INSTANCE)
        assert status.Status == 0
        association.release()

    def _associate(self, sop_class: str) -> Any:
        entity = AE(ae_title=SCANNER)
        entity.add_requested_context(sop_class)
        association = entity.associate("127.0.0.1", self._server.dicom_port, ae_title="ORTHANC")
        assert association.is_established
        return association

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        uid = str(event.identifier.SeriesInstanceUID)
        self.asked.append(uid)
        if uid in self.counts:
            answer = Dataset()
            answer.QueryRetrieveLevel = "SERIES"
            answer.SeriesInstanceUID = uid
            answer.NumberOfSeriesRelatedInstances = self.counts[uid]
            yield 0xFF00, answer
        yield 0x0000, None


@pytest.fixture
def scanner(server: OrthancServer) -> Iterator[Scanner]:
    listening = Scanner(server)
    address = f"{server.url}/modalities/scanner"
    requests.put(address, json=listening.modality, timeout=10).raise_for_status()
    yield listening
    requests.delete(address, timeout=10).raise_for_status()
    listening.close()


@pytest.fixture
def answers() -> list[None]:
    return []


@pytest.fixture
def senders(orthanc: Orthanc, answers: list[None]) -> Senders:
    return Senders(orthanc, lambda: answers.append(None))


def question(series_uid: str = "1.2.3", here: int = 5, sender: str = SCANNER) -> Question:
    return Question(sender, "1.2", series_uid, here)


def test_a_listed_sender_says_its_count(senders: Senders, scanner: Scanner, answers: list[None]) -> None:
    scanner.counts["1.2.3"] = "60"
    assert senders.count("1.2.3") is None
    senders.ask(question())
    eventually(lambda: answers, within_s=5)
    assert senders.count("1.2.3") == 60
    senders.forget("1.2.3")
    assert senders.count("1.2.3") is None


def test_no_sender_is_asked_the_same_again_or_too_often(senders: Senders, scanner: Scanner) -> None:
    for here in (5, 5, 6, 7, 8):
        senders.ask(question(here=here))
    senders.ask(question("1.2.4"))
    eventually(lambda: "1.2.4" in scanner.asked, within_s=5)
    assert scanner.asked.count("1.2.3") == QUESTIONS_A_SERIES


def test_who_is_not_listed_is_not_asked(orthanc: Orthanc, scanner: Scanner) -> None:
    assert orthanc.modality_called(SCANNER) == "scanner"
    assert orthanc.modality_called("STRANGER") is None
    assert orthanc.modality_called("") is None


def test_a_sender_that_is_switched_off_stops_nothing(
    senders: Senders, scanner: Scanner, server: OrthancServer, answers: list[None]
) -> None:
    switched_off = {"AET": "OFF", "Host": "127.0.0.1", "Port": free_port()}
    requests.put(f"{server.url}/modalities/off", json=switched_off, timeout=10).raise_for_status()
    scanner.counts["1.2.4"] = "7"
    senders.ask(question(sender="OFF"))
    senders.ask(question("1.2.4"))
    eventually(lambda: answers, within_s=15)
    assert (senders.count("1.2.3"), senders.count("1.2.4")) == (None, 7)
    requests.delete(f"{server.url}/modalities/off", timeout=10).raise_for_status()


@pytest.mark.parametrize("said", [{}, {"1.2.3": ""}, {"1.2.3": "-1"}])
def test_an_odd_count_is_none(orthanc: Orthanc, scanner: Scanner, said: dict[str, str]) -> None:
    scanner.counts = said
    assert orthanc.count_at("scanner", "1.2", "1.2.3") is None


def test_a_series_is_published_as_soon_as_its_sender_counts_no_more(bench: Bench, scanner: Scanner) -> None:
    series = slices(Scan(slices=5, name="counted"))
    uid = str(series[0].SeriesInstanceUID)
    scanner.counts[uid] = "5"
    scanner.send(series)
    bench.tick(1.5)
    assert [job.order.released for job in bench.jobs(series[0])] == [False]
    eventually(lambda: bench.answers, within_s=5)
    bench.intake.heard_sender(bench.now_s)
    bench.look()
    assert [job.order.released for job in bench.jobs(series[0])] == [True]
    assert scanner.asked == [uid]


def test_a_series_is_waited_for_while_its_sender_counts_more(bench: Bench, scanner: Scanner) -> None:
    series = slices(Scan(slices=6, name="counted higher"))
    uid = str(series[0].SeriesInstanceUID)
    scanner.counts[uid] = "6"
    scanner.send(series[:5])
    bench.tick(1.5)
    eventually(lambda: bench.answers, within_s=5)
    bench.tick(10)
    assert all(not job.order.released for job in bench.jobs(series[0]))
    scanner.send(series[5:])
    bench.tick(2)
    assert bench.jobs(series[0])[-1].order.released


def test_nobody_is_asked_where_the_configuration_says_so(bench: Bench, scanner: Scanner) -> None:
    bench.start(ask_senders=False)
    series = slices(Scan(slices=5, name="quiet node"))
    scanner.send(series)
    bench.tick(3.1)
    assert len(bench.jobs(series[0])) == 1
    assert scanner.asked == []


def test_storage_commitment_ends_the_waiting_for_the_senders_series(bench: Bench, scanner: Scanner) -> None:
    series = slices(Scan(slices=5, name="committed"))
    scanner.send(series)
    bench.tick(0.3)
    scanner.ask_for_commitment(series)
    (job,) = [
        job["ID"]
        for job in requests.get(f"{bench.url}/jobs?expand", timeout=10).json()
        if job["Type"] == "StorageCommitmentScp"
    ][-1:]
    bench.intake.heard_job(job, bench.now_s)
    bench.tick(0.4)
    assert [job.order.released for job in bench.jobs(series[0])] == [True]


def test_other_jobs_of_orthanc_tell_nothing(bench: Bench) -> None:
    series = slices(Scan(slices=1, name="archived"))
    bench.send(series)
    (study,) = requests.get(f"{bench.url}/studies", timeout=10).json()
    archive = {"Resources": [study], "Synchronous": False}
    job = requests.post(f"{bench.url}/tools/create-archive", json=archive, timeout=10).json()["ID"]
    assert bench.orthanc.committed_sender(job) is None
    bench.intake.heard_job("no-such-job", bench.now_s)
