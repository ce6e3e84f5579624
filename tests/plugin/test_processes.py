"""The plugin's processes: told what arrives, asked what is asked, there as long as Orthanc is."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE

from orthanc_plugin import doctor
from orthanc_plugin.doctor import Finding
from orthanc_plugin.people import credentials
from orthanc_plugin.settings import from_orthanc
from tests.builders.series import Scan, part10, slices
from tests.plugin.conftest import House
from tests.waiting import eventually

ARRIVED = "arrived"
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
WELL_KNOWN_INSTANCE = "1.2.840.10008.1.20.1.1"


def instance(number: int) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = f"1.2.3.{number}"
    dataset.StudyInstanceUID = "1.2.1"
    dataset.SeriesInstanceUID = "1.2.2"
    dataset.PatientID = "NODE"
    buffer = pydicom.filebase.DicomBytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return bytes(buffer.getvalue())


def gone(pid: str) -> bool:
    return not Path("/proc", pid).exists()


def test_intake_hears_of_every_instance(house: House) -> None:
    before = house.notes("intake").count(ARRIVED)

    assert house.ask("POST", "/instances", data=instance(1)).status_code == 200

    eventually(lambda: house.notes("intake").count(ARRIVED) == before + 1, within_s=5, what="the word to intake")


def test_intake_hears_that_storage_commitment_was_asked(house: House) -> None:
    house.ask("POST", "/instances", data=instance(1))
    listed = {"AET": "SCANNER", "Host": "127.0.0.1", "Port": 9}
    assert house.ask("PUT", "/modalities/scanner", json=listed).status_code == 200
    scanner = AE("SCANNER")
    scanner.add_requested_context(STORAGE_COMMITMENT)
    association = scanner.associate("127.0.0.1", house.dicom_port)
    assert association.is_established
    request = pydicom.Dataset()
    request.TransactionUID = "1.2.9"
    request.ReferencedSOPSequence = [pydicom.Dataset()]
    request.ReferencedSOPSequence[0].ReferencedSOPClassUID = CTImageStorage
    request.ReferencedSOPSequence[0].ReferencedSOPInstanceUID = "1.2.3.1"
    association.send_n_action(request, 1, STORAGE_COMMITMENT, WELL_KNOWN_INSTANCE)
    association.release()

    def commitment_jobs() -> list[str]:
        told = [line.removeprefix("job ") for line in house.notes("intake") if line.startswith("job ")]
        return [job for job in told if house.ask("GET", f"/jobs/{job}").json()["Type"] == "StorageCommitmentScp"]

    eventually(commitment_jobs, within_s=10, what="the word of the commitment")


def test_intake_hears_which_series_leave_and_which_jobs_of_orthanc_are_done(house: House) -> None:
    source = slices(Scan(slices=2, name="leaves"))
    for dataset in source:
        house.ask("POST", "/instances", data=part10(dataset)).raise_for_status()
    [study] = house.ask("POST", "/tools/lookup", data=source[0].StudyInstanceUID).json()
    [series] = house.ask("GET", f"/studies/{study['ID']}").json()["Series"]

    wanted = {"Replace": {"PatientName": "Corrected"}, "KeepSource": False, "Asynchronous": True}
    job = house.ask("POST", f"/studies/{study['ID']}/modify", json=wanted).json()["ID"]

    eventually(lambda: f"ended {job}" in house.notes("intake"), within_s=10, what="the end of the modification")
    gone = [line for line in house.notes("intake") if line.startswith("gone ")]
    assert gone == [f"gone {series}"], "a line a series, none for its instances and study"
    new = house.ask("GET", f"/jobs/{job}").json()["Content"]["ID"]
    house.ask("DELETE", f"/studies/{new}").raise_for_status()


def test_a_request_reaches_intake_decoded_and_with_its_person(house: House) -> None:
    asked = house.ask("POST", "/inference/api/run", data='{"series": "ü"}'.encode()).json()
    read = house.ask("GET", "/inference/api/jobs", params={"model": "a b,c^ü&=%", "state": "done"}).json()

    assert (asked["method"], asked["path"], asked["body"]) == ("POST", "/inference/api/run", '{"series": "ü"}')
    assert (asked["person"], asked["processes"]) == ("admin", {"intake": "running", "worker": "running"})
    assert (read["method"], read["query"]) == ("GET", {"model": "a b,c^ü&=%", "state": "done"})


@pytest.mark.parametrize("status", [202, 404, 409, 503])
def test_the_answer_keeps_its_status_and_type(house: House, status: int) -> None:
    answer = house.ask("GET", "/inference/api/x", params={"status": status})

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert answer.json()["path"] == "/inference/api/x"


def test_a_request_that_is_too_long_is_refused(house: House) -> None:
    answer = house.ask("POST", "/inference/api/run", data=b"x" * 300_000)

    assert answer.status_code == 413
    assert answer.json()["detail"] == "The request is too long for this address."


def test_the_processes_get_what_they_need(house: House) -> None:
    handed = house.ask("GET", "/inference/api/environment").json()

    assert handed["INFERENCE_ORTHANC_URL"] == house.url
    assert handed["INFERENCE_DEVICE"] == "auto"
    assert json.loads(handed["INFERENCE_SETTINGS"])["StateFolder"] == str(house.state)


def test_while_intake_is_down_health_says_so_and_it_comes_back(own_house: House) -> None:
    own_house.start()
    [first] = own_house.notes("intake")
    os.kill(int(first), signal.SIGSTOP)
    os.kill(int(first), signal.SIGKILL)
    eventually(lambda: gone(first), what="its end")

    health = own_house.ask("GET", "/inference/api/health")
    jobs = own_house.ask("GET", "/inference/api/jobs")

    # It may be back already: then it is the new one that answers.
    if health.status_code == 503:
        assert health.json()["status"] == "down"
    assert jobs.status_code in (200, 503)
    eventually(lambda: len(own_house.notes("intake")) == 2, what="the next intake")
    eventually(lambda: own_house.ask("GET", "/inference/api/jobs").status_code == 200, what="its answers")


def test_a_killed_worker_starts_again(own_house: House) -> None:
    own_house.start()
    [first] = own_house.notes("worker")

    os.kill(int(first), signal.SIGKILL)

    eventually(lambda: len(own_house.notes("worker")) == 2, within_s=5, what="the next worker")


def test_all_processes_end_with_orthanc(own_house: House) -> None:
    own_house.start()
    processes = [*own_house.notes("intake"), *own_house.notes("worker")]

    assert own_house.stop() == 0

    assert all(gone(process) for process in processes)


def test_all_processes_are_gone_when_orthanc_is_killed(own_house: House) -> None:
    own_house.start()
    processes = [*own_house.notes("intake")[:1], *own_house.notes("worker")[:1]]

    own_house.end()

    eventually(lambda: all(gone(process) for process in processes), within_s=5, what="the end of the processes")


def test_a_second_start_keeps_the_password_and_makes_another_token(own_house: House) -> None:
    own_house.start()
    password = own_house.password
    token = own_house.ask("GET", "/inference/api/environment").json()["INFERENCE_ORTHANC_AUTHORIZATION"]
    own_house.stop()
    own_house.start()

    assert own_house.password == password
    assert own_house.ask("GET", "/system", auth=None, headers={"Authorization": token}).status_code == 403


def test_a_reset_of_orthanc_keeps_it_closed_and_makes_new_processes(own_house: House) -> None:
    own_house.start()

    assert own_house.ask("POST", "/tools/reset").status_code == 200

    def starts(name: str) -> int:
        return sum(line.isdigit() for line in own_house.notes(name))

    eventually(lambda: starts("worker") == starts("intake") == 2, what="new processes")
    assert own_house.ask("GET", "/system", auth=None).status_code == 403
    assert own_house.ask("GET", "/system").status_code == 200


def test_two_nodes_stand_side_by_side(house: House, own_house: House) -> None:
    own_house.start()

    assert own_house.password != house.password
    assert own_house.ask("GET", "/system", auth=house.password).status_code == 403
    assert own_house.ask("GET", "/system").status_code == house.ask("GET", "/system").status_code == 200


def test_the_doctor_knows_a_node_that_runs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INFERENCE_ORTHANC_AUTHORIZATION", raising=False)
    section = {"StateFolder": str(house.state), "OrthancUrl": house.url}
    settings = from_orthanc(json.dumps({"Inference": section}), {})

    found = list(doctor.orthanc(settings))

    assert found[0] == Finding("node", True, f"Orthanc answers 200 at {house.url}.")
    assert [finding.subject for finding in found[1:]] == ["node: intake"]


def test_the_doctor_knows_a_node_that_is_another(house: House, tmp_path: Path) -> None:
    credentials.read_or_make(tmp_path)
    section = {"StateFolder": str(tmp_path), "OrthancUrl": house.url}
    settings = from_orthanc(json.dumps({"Inference": section}), {})

    sentence = f"What answers at {house.url} does not take our password; is it another node?"
    assert list(doctor.orthanc(settings)) == [Finding("node", False, sentence)]
