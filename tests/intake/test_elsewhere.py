"""Priors in another archive: two real Orthancs, the one of the node and a PACS that has the patient's past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset

from orthanc_plugin.jobs.job import Job, State
from tests.builders.series import part10
from tests.intake.bench import Bench
from tests.intake.test_priors import NOW, compares, compares_alone, seats, study, uid
from tests.orthanc_server import OrthancServer, free_port
from tests.routing.cards import model_folder
from tests.waiting import eventually

BROUGHT = (
    "The study was brought from another archive to be compared with a later one; run a model by hand where its own "
    "results are wanted."
)


@pytest.fixture(scope="module")
def other_archive(server: OrthancServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    node = ["ORTHANC", "127.0.0.1", server.dicom_port]
    folder = tmp_path_factory.mktemp("pacs")
    with OrthancServer(
        folder, DicomServerEnabled=True, DicomAet="PACS", DicomModalities={"node": node}, DicomAlwaysAllowFind=True
    ) as running:
        yield running


@pytest.fixture
def pacs(other_archive: OrthancServer) -> OrthancServer:
    """Empty."""
    for patient in requests.get(f"{other_archive.url}/patients", timeout=10).json():
        requests.delete(f"{other_archive.url}/patients/{patient}", timeout=10).raise_for_status()
    return other_archive


@pytest.fixture
def asking(bench: Bench, pacs: OrthancServer) -> Bench:
    """A node that compares, and asks the PACS."""
    knows(bench, pacs.dicom_port)
    compares(bench)
    bench.start(priors_from="pacs", priors_wait_s=30.0)
    return bench


def knows(bench: Bench, port: int) -> None:
    entry = {"AET": "PACS", "Host": "127.0.0.1", "Port": port}
    requests.put(f"{bench.url}/modalities/pacs", json=entry, timeout=10).raise_for_status()


def keeps(pacs: OrthancServer, *studies: list[Dataset]) -> None:
    for dataset in (dataset for datasets in studies for dataset in datasets):
        pacs.post(part10(dataset))


def settled(bench: Bench, datasets: list[Dataset], **wanted: Any) -> Job:
    """The job on the study, once there is one; time goes on while the archive is asked."""
    bench.send(datasets)

    def ended() -> Job | None:
        bench.tick(1)
        found = bench.jobs(datasets[0])
        return found[-1] if found else None

    job = eventually(ended, what="a line for the study")
    assert job is not None
    return job


def test_the_newest_earlier_study_is_brought_and_compared_and_no_model_is_run_on_it(
    asking: Bench, pacs: OrthancServer
) -> None:
    old, newest, later = (study(day, "before") for day in ("20200101", "20250101", "20270101"))
    keeps(pacs, old, newest, later)
    now = study(NOW)
    job = settled(asking, now)
    assert (job.reason, job.state, seats(job)) == ("", State.WAITING, {"now": uid(now), "before": uid(newest)})
    assert [len(role.sop_instance_uids) for role in job.order.input_set.roles] == [4, 4]
    assert [asking.holds(datasets[0]) for datasets in (old, newest, later)] == [False, True, False]

    asking.tick(70)
    brought = [
        each for each in asking.jobs(newest[0]) if each.order.input_set.study_uid != job.order.input_set.study_uid
    ]
    assert [(each.state, each.reason) for each in brought] == [(State.SKIPPED, BROUGHT)]
    assert [each.state for each in asking.jobs(now[0])] == [State.WAITING]


def test_what_was_brought_is_known_as_such_after_a_restart_and_runs_by_hand(asking: Bench, pacs: OrthancServer) -> None:
    before = study("20250101", "before")
    keeps(pacs, before)
    settled(asking, study(NOW))
    asking.start(priors_from="pacs")
    asking.tick(70)
    lines = [each for each in asking.jobs(before[0]) if each.order.input_set.study_uid == before[0].StudyInstanceUID]
    assert [each.reason for each in lines] == [BROUGHT]
    asking.send(study("20100101", "before"))
    (placed,) = asking.orders.orders_for(uid(before), "change")
    assert placed.job.state is State.WAITING


def test_a_prior_that_is_here_already_is_not_brought_again(asking: Bench, pacs: OrthancServer) -> None:
    before = study("20250101", "before")
    keeps(pacs, before)
    asking.send(before)
    asking.tick(8)
    moves = requests.get(f"{asking.url}/jobs", timeout=10).json()
    job = settled(asking, study(NOW))
    assert seats(job)["before"] == uid(before)
    assert requests.get(f"{asking.url}/jobs", timeout=10).json() == moves


@pytest.mark.parametrize("other", [{"PatientID": "two"}, {"IssuerOfPatientID": "Elsewhere"}, {"Modality": "MR"}])
def test_what_is_another_patients_or_another_kind_stays_where_it_is(
    asking: Bench, pacs: OrthancServer, other: dict[str, str]
) -> None:
    before = study("20250101", "before", **other)
    keeps(pacs, before)
    job = settled(asking, study(NOW))
    assert (job.state, asking.holds(before[0])) == (State.SKIPPED, False)


@pytest.mark.parametrize("pattern", ["*", "on?", "two\\one"])
def test_a_patient_id_that_would_match_others_is_not_asked_about(
    asking: Bench, pacs: OrthancServer, pattern: str
) -> None:
    before = study("20250101", "before")
    keeps(pacs, before)
    job = settled(asking, study(NOW, PatientID=pattern))
    assert (job.state, asking.holds(before[0])) == (State.SKIPPED, False)


def test_an_archive_that_is_away_holds_nothing_up_and_the_line_says_so(asking: Bench) -> None:
    knows(asking, free_port())
    job = settled(asking, study(NOW))
    assert job.state is State.SKIPPED
    assert job.reason.endswith(
        " An earlier study was sought in the archive pacs, and it does not answer; see that it runs and knows this "
        "node. What is here was compared, if anything."
    )


def test_what_could_not_be_brought_is_a_study_like_any_when_somebody_sends_it(
    asking: Bench, pacs: OrthancServer
) -> None:
    """The PACS does not know the node as a destination."""
    before = study("20250101", "before")
    keeps(pacs, before)
    node = requests.get(f"{pacs.url}/modalities/node/configuration", timeout=10).json()
    requests.delete(f"{pacs.url}/modalities/node", timeout=10).raise_for_status()
    try:
        job = settled(asking, study(NOW))
    finally:
        requests.put(f"{pacs.url}/modalities/node", json=node, timeout=10).raise_for_status()
    assert job.reason.endswith(
        " An earlier study was sought in the archive pacs, and its C-MOVE failed. What is here was compared, if "
        "anything."
    )
    sent = settled(asking, before)
    assert sent.reason.startswith("Change compares a study with an earlier one")


def test_while_an_archive_is_asked_nobody_else_is(
    asking: Bench, pacs: OrthancServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    seating = asking.orders.sets.seating
    monkeypatch.setattr(asking.orders.sets, "seating", lambda *given: looked.append(given) or seating(*given))
    now = study(NOW)
    pacs.freeze()
    try:
        asking.send(now)
        asking.tick(30)
        assert (len(looked), asking.jobs(now[0])) == (1, [])
    finally:
        pacs.thaw()


def test_each_model_has_the_past_that_its_card_allows(bench: Bench, pacs: OrthancServer) -> None:
    before, now = study("20240101", "before"), study(NOW)
    keeps(pacs, before)
    knows(bench, pacs.dicom_port)
    compares(bench, within_years=1)
    compares(bench, name="long", within_years=5)
    bench.start(priors_from="pacs", priors_wait_s=30.0)
    bench.send(now)

    def both() -> dict[str, Job]:
        bench.tick(1)
        found = {job.order.model: job for job in bench.jobs(now[0])}
        return found if len(found) == 2 else {}

    jobs = eventually(both, what="a line of each model")
    assert {name: job.state for name, job in jobs.items()} == {"change": State.SKIPPED, "long": State.WAITING}
    assert seats(jobs["long"])["before"] == uid(before)


def test_without_a_required_prior_what_went_wrong_is_in_the_results(bench: Bench) -> None:
    compares(bench, required=False, meaning_of_missing="Nothing was compared.")
    knows(bench, free_port())
    bench.start(priors_from="pacs")
    job = settled(bench, study(NOW))
    assert job.state is State.WAITING
    [said] = job.order.remarks
    assert said.startswith("An earlier study was sought in the archive pacs, and it does not answer")


def test_a_series_by_itself_waits_for_what_is_brought_and_other_models_do_not(
    bench: Bench, pacs: OrthancServer
) -> None:
    before, now = study("20250101", "before"), study(NOW)
    keeps(pacs, before)
    knows(bench, pacs.dicom_port)
    compares_alone(bench)
    model_folder(bench.models, "plain")
    bench.start(priors_from="pacs", priors_wait_s=30.0)
    bench.send(now)
    pacs.freeze()
    try:
        bench.tick(40)
        assert [(job.order.model, job.order.released) for job in bench.jobs(now[0])] == [("plain", True)]
    finally:
        pacs.thaw()

    def both() -> dict[str, Job]:
        bench.tick(1)
        found = {job.order.model: job for job in bench.jobs(now[0])}
        return found if len(found) == 2 else {}

    jobs = eventually(both, what="a job of each model")
    assert (jobs["growth"].order.released, seats(jobs["growth"])) == (True, {"series": uid(now), "before": uid(before)})
    assert seats(jobs["plain"]) == {"series": uid(now)}


def test_a_series_by_itself_has_its_job_and_a_remark_where_nothing_could_be_brought(bench: Bench) -> None:
    compares_alone(bench)
    knows(bench, free_port())
    bench.start(priors_from="pacs")
    job = settled(bench, study(NOW))
    [said] = job.order.remarks
    assert said.startswith("An earlier study was sought in the archive pacs, and it does not answer")
