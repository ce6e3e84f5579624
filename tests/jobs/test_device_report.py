"""What a worker says of its device is there for whoever asks, as long as the machine has a worker."""

from orthanc_plugin.jobs.device_report import DeviceReport, leave, reports
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process

FALLEN = DeviceReport("cpu", "cuda,cpu", "The graphs run on cpu and not on cuda, which was asked for: no driver.")


def test_the_reports_of_machines_with_workers_are_read(sqlite_ledger: Ledger) -> None:
    for host in ("one", "gone", "silent"):
        if host != "silent":
            leave(sqlite_ledger, host, FALLEN if host == "one" else DeviceReport("cpu", "cpu", ""))
        if host != "gone":
            sqlite_ledger.attempts.enrol(host, Process.mine())

    assert list(reports(sqlite_ledger)) == [FALLEN]


def test_a_worker_that_starts_anew_replaces_what_it_said(sqlite_ledger: Ledger) -> None:
    sqlite_ledger.attempts.enrol("one", Process.mine())
    leave(sqlite_ledger, "one", FALLEN)
    leave(sqlite_ledger, "one", DeviceReport("cuda", "cuda,cpu", ""))

    assert list(reports(sqlite_ledger)) == [DeviceReport("cuda", "cuda,cpu", "")]
