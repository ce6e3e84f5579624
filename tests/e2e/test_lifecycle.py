"""What becomes of results when what they were made of changes under way or afterwards: on a node that overwrites."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from tests.builders.series import part10
from tests.e2e import results
from tests.e2e.node import MUSCLE, PROJECT, Node
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries
from tests.intake.made import rejection
from tests.waiting import eventually

SETTLED_S = 240
"""A change of a study makes its series come anew."""
KINDS = ["SC", "SEG", "SR"]


@pytest.fixture(scope="module")
def overwriting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """It takes what is sent again for something new, and waits a little before it publishes, however long senders pause
    between the series of one test and of the next.
    """
    folder = tmp_path_factory.mktemp("overwriting")
    written = (PROJECT / "orthanc.json").read_text("utf-8")
    changes = {
        '"OverwriteInstances": false': '"OverwriteInstances": true',
        '"Inference": {}': '"Inference": {"QuietLeastSeconds": 3, "QuietMostSeconds": 4, "ReconcileEverySeconds": 5}',
    }
    for before, after in changes.items():
        assert before in written
        written = written.replace(before, after)
    (folder / "orthanc.json").write_text(written)
    with Node(folder / "state", {"INFERENCE_CONFIG": str(folder / "orthanc.json")}, models=MUSCLE) as running:
        yield running


def push(node: Node, sent: PushedSeries) -> dict[str, Any]:
    Scanner(node.dicom_port).send(sent.files)
    return node.job(sent.series_uid, "done")


def push_and_meet(node: Node, sent: PushedSeries) -> None:
    """Returns while the job waits for its release."""
    Scanner(node.dicom_port).send(sent.files)
    eventually(lambda: "encode" in node.job(sent.series_uid, "running")["timings"], within_s=60, what="encode")


def change(node: Node, study_uid: str, verb: str, **wanted: object) -> None:
    node.post(f"/studies/{node.orthanc_id(study_uid)}/{verb}", wanted)


def kinds_in(node: Node, study_uid: str) -> list[str]:
    return results.kinds(results.search(node.dicomweb(), study_uid))


def has_one_of_each(node: Node, study_uid: str, times: int = 1) -> None:
    """The results of the study's own jobs and nothing else, be it a copy of what was there before."""
    eventually(lambda: len(standing(node, study_uid)) == times, within_s=SETTLED_S, what=f"{times} jobs with results")
    node.idle()
    found = eventually(lambda: same_as_stored(node, study_uid), within_s=30, what="just the results of these jobs")
    assert results.kinds(found) == sorted(KINDS * times)


def standing(node: Node, study_uid: str) -> list[dict[str, Any]]:
    return [job for job in node.jobs(study=study_uid, state="done") if job["results"]]


def same_as_stored(node: Node, study_uid: str) -> tuple[results.Found, ...]:
    found = results.search(node.dicomweb(), study_uid)
    said = {uid for job in standing(node, study_uid) for uid in uids(job)}
    return found if {each.sop_instance_uid for each in found} == said else ()


def studies(node: Node) -> set[str]:
    return {study["MainDicomTags"]["StudyInstanceUID"] for study in node.get("/studies", params={"expand": ""})}


@pytest.mark.parametrize("arrive", [push, push_and_meet], ids=["done", "mid-job"])
def test_a_series_that_is_deleted_leaves_nothing_behind(
    overwriting: Node, series: Callable[..., PushedSeries], arrive: Callable[[Node, PushedSeries], object]
) -> None:
    sent = series()
    arrive(overwriting, sent)

    overwriting.delete(f"/series/{overwriting.orthanc_id(sent.series_uid)}")

    eventually(lambda: overwriting.orthanc_id(sent.study_uid) is None, within_s=30, what="the end of the study")
    overwriting.idle()
    assert overwriting.orthanc_id(sent.study_uid) is None
    assert [job["results"] for job in overwriting.jobs(series=sent.series_uid)] == [[]]


def test_a_series_that_is_deleted_as_its_job_begins_leaves_no_ghost_and_may_come_back(
    overwriting: Node, series: Callable[..., PushedSeries]
) -> None:
    sent = series(slices=16)
    Scanner(overwriting.dicom_port).send(sent.files)
    overwriting.job(sent.series_uid, "running")

    overwriting.delete(f"/studies/{overwriting.orthanc_id(sent.study_uid)}")

    ended = overwriting.job(sent.series_uid, "skipped", "cancelled")
    assert ended["reason"]
    assert ended["results"] == []
    assert overwriting.orthanc_id(sent.study_uid) is None
    assert overwriting.orthanc_id(sent.series_uid) is None

    Scanner(overwriting.dicom_port).send(sent.files)

    overwriting.job(sent.series_uid, "done")
    found = results.retrieve(overwriting.dicomweb(), sent.study_uid)
    assert results.misplaced_frames(found["SEG"], sent.datasets()) == []
    assert len(overwriting.standing(sent.series_uid)) == 1


@pytest.mark.parametrize("arrive", [push, push_and_meet], ids=["done", "mid-job"])
def test_a_study_that_is_modified_has_results_of_its_own_and_no_copies(
    overwriting: Node, series: Callable[..., PushedSeries], arrive: Callable[[Node, PushedSeries], object]
) -> None:
    sent = series()
    arrive(overwriting, sent)
    before = studies(overwriting)

    change(overwriting, sent.study_uid, "modify", Replace={"PatientName": "Corrected"}, KeepSource=False)

    [new] = studies(overwriting) - before
    has_one_of_each(overwriting, new)
    assert overwriting.orthanc_id(sent.study_uid) is None


@pytest.mark.parametrize("arrive", [push, push_and_meet], ids=["done", "mid-job"])
def test_a_study_that_is_merged_into_another_has_its_results_there(
    overwriting: Node, series: Callable[..., PushedSeries], arrive: Callable[[Node, PushedSeries], object]
) -> None:
    target, sent = series(seed=7), series()
    push(overwriting, target)
    arrive(overwriting, sent)

    merged = [overwriting.orthanc_id(sent.study_uid)]
    change(overwriting, target.study_uid, "merge", Resources=merged, KeepSource=False)

    has_one_of_each(overwriting, target.study_uid, times=2)
    assert overwriting.orthanc_id(sent.study_uid) is None


@pytest.mark.parametrize("arrive", [push, push_and_meet], ids=["done", "mid-job"])
def test_an_anonymised_study_changes_nothing_for_the_one_it_came_from(
    overwriting: Node, series: Callable[..., PushedSeries], arrive: Callable[[Node, PushedSeries], object]
) -> None:
    sent = series()
    arrive(overwriting, sent)
    before = studies(overwriting)

    change(overwriting, sent.study_uid, "anonymize")

    [new] = studies(overwriting) - before
    eventually(lambda: standing(overwriting, new), within_s=SETTLED_S, what="results of its own")
    has_one_of_each(overwriting, sent.study_uid)
    assert overwriting.job(sent.series_uid)["state"] == "done"


def test_a_second_push_with_other_pixels_under_the_same_uids_supersedes_the_first(
    overwriting: Node, series: Callable[..., PushedSeries]
) -> None:
    sent = series()
    first = push(overwriting, sent)
    sent.edited(other_pixels)

    Scanner(overwriting.dicom_port).send(sent.files)

    eventually(
        lambda: len(overwriting.jobs(series=sent.series_uid, state="done")) == 2, within_s=SETTLED_S, what="a second"
    )
    has_one_of_each(overwriting, sent.study_uid)
    second = overwriting.job(sent.series_uid, "done")
    assert uids(second).isdisjoint(uids(first))
    report = results.retrieve(overwriting.dicomweb(), sent.study_uid)["SR"]
    assert {
        instance.ReferencedSOPInstanceUID
        for study in report.PredecessorDocumentsSequence
        for named in study.ReferencedSeriesSequence
        for instance in named.ReferencedSOPSequence
    } <= uids(first)


def test_a_study_that_was_deleted_and_is_pushed_again_has_its_results_again(
    overwriting: Node, series: Callable[..., PushedSeries]
) -> None:
    sent = series()
    first = push(overwriting, sent)
    overwriting.delete(f"/studies/{overwriting.orthanc_id(sent.study_uid)}")

    Scanner(overwriting.dicom_port).send(sent.files)

    has_one_of_each(overwriting, sent.study_uid)
    assert {found.sop_instance_uid for found in results.search(overwriting.dicomweb(), sent.study_uid)} == uids(first)


def test_an_image_that_a_key_object_rejects_takes_the_results_along(
    overwriting: Node, series: Callable[..., PushedSeries]
) -> None:
    sent = series()
    first = push(overwriting, sent)
    top = pydicom.dcmread(sent.files[0])

    overwriting.upload(part10(rejection([top])))

    eventually(lambda: len(overwriting.jobs(series=sent.series_uid)) == 2, within_s=60, what="a job without it")
    has_one_of_each(overwriting, sent.study_uid)
    found = {result.sop_instance_uid for result in results.search(overwriting.dicomweb(), sent.study_uid)}
    assert found.isdisjoint(uids(first))
    outlines = results.retrieve(overwriting.dicomweb(), sent.study_uid)["SEG"]
    assert str(top.SOPInstanceUID) not in str(outlines)


def test_a_result_is_made_again_and_a_version_recalled_beside_the_running_node(
    overwriting: Node, series: Callable[..., PushedSeries]
) -> None:
    done = push(overwriting, series())

    again = overwriting.command("reproduce", done["results"][0]["sop_instance_uid"], "--json")
    assert (again.returncode, json.loads(again.stdout)["same"]) == (0, True), again.stderr
    assert {each["verdict"] for each in json.loads(again.stdout)["results"]} == {"the same bytes"}

    named = f"{done['model']}@{done['digest'][:12]}"
    listed = overwriting.command("recall", named, "--json")
    assert done["id"] in [job["id"] for job in json.loads(listed.stdout)["found"]]
    assert overwriting.command("recall", named, "--reject").returncode == 0
    eventually(lambda: kinds_in(overwriting, done["study"]) == [], within_s=30, what="no results")


def uids(job: dict[str, Any]) -> set[str]:
    return {result["sop_instance_uid"] for result in job["results"]}


def other_pixels(_number: int, dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[2:] + dataset.PixelData[:2]
