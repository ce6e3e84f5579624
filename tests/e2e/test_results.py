"""A pushed CT series comes back as SEG, SR and SC in its own study, whoever sends it."""

from collections.abc import Callable

import pytest
from pydicom import dcmread

from tests.e2e import results
from tests.e2e.node import Node
from tests.e2e.senders import Scanner, storescu
from tests.e2e.series import PushedSeries

MakeSeries = Callable[..., PushedSeries]
TITLE = "Abdominal muscle and fat"
NOTICE = "Not for clinical use. Trained on synthetic phantoms."


def by_storescu(node: Node, series: PushedSeries) -> None:
    storescu(node.dicom_port, series.files)


def by_pynetdicom(node: Node, series: PushedSeries) -> None:
    assert len(Scanner(node.dicom_port).send(series.files)) == len(series.files)


def by_stow_rs(node: Node, series: PushedSeries) -> None:
    node.dicomweb().store_instances([dcmread(path) for path in series.files])


@pytest.mark.parametrize("push", [by_storescu, by_pynetdicom, by_stow_rs])
def test_a_pushed_series_comes_back_as_seg_sr_and_sc(
    node: Node, series: MakeSeries, push: Callable[[Node, PushedSeries], None]
) -> None:
    sent = series()
    push(node, sent)

    job = node.job(sent.series_uid, "done")
    found = results.retrieve(node.dicomweb(), sent.study_uid)

    sources = sent.datasets()
    segmentation = found["SEG"]
    assert results.misplaced_frames(segmentation, sources) == []
    assert all(str(result.StudyInstanceUID) == sent.study_uid for result in found.values())
    assert all(str(result.SeriesDescription).startswith(TITLE) for result in found.values())
    assert set(results.references(segmentation)) <= set(sources)
    assert set(results.references(found["SR"])) <= set(sources) | {str(segmentation.SOPInstanceUID)}
    assert {(r["kind"], r["sop_instance_uid"], r["series_instance_uid"]) for r in job["results"]} == {
        (kind, str(result.SOPInstanceUID), str(result.SeriesInstanceUID)) for kind, result in found.items()
    }


@pytest.mark.parametrize(
    ("label", "lowest", "highest"),
    [("Skeletal muscle", -29, 150), ("Visceral fat", -190, -30), ("Subcutaneous fat", -190, -30)],
)
def test_each_segment_covers_the_tissue_that_it_names(
    node: Node, finished: PushedSeries, label: str, lowest: int, highest: int
) -> None:
    segmentation = results.retrieve(node.dicomweb(), finished.study_uid)["SEG"]

    hounsfield = results.hounsfield_under(segmentation, label, finished.datasets())

    assert hounsfield.size > 500
    assert lowest <= hounsfield.min() and hounsfield.max() <= highest


def test_the_job_reads_as_the_contract_says(node: Node, finished: PushedSeries) -> None:
    listed = node.jobs(series=finished.series_uid)
    assert len(listed) == 1

    job = node.get(f"/inference/api/jobs/{listed[0]['id']}")

    assert (
        job.keys()
        >= listed[0].keys()
        == {
            *("id", "study", "series", "model", "version", "digest", "state", "priority", "attempts", "reason"),
            *("created_at", "started_at", "finished_at", "timings", "results", "viewer"),
        }
    )
    assert (job["study"], job["series"]) == (finished.study_uid, [finished.series_uid])
    assert (job["model"], job["state"], job["priority"], job["attempts"]) == (
        "abdominal-muscle-ct",
        "done",
        "routine",
        1,
    )
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert job["timings"].keys() >= {"read", "infer", "measure", "encode", "store"}
    assert [job["id"]] == [found["id"] for found in node.jobs(study=finished.study_uid, state="done")]


def test_every_result_says_what_made_it_and_that_it_is_not_for_clinical_use(node: Node, finished: PushedSeries) -> None:
    job = node.job(finished.series_uid, "done")
    found = results.retrieve(node.dicomweb(), finished.study_uid)

    for kind, result in found.items():
        text = result.to_json()
        assert job["version"] in text, f"the {kind} does not name the model's version"
        assert job["digest"] in text, f"the {kind} does not name the model's digest"
        assert NOTICE in text or "Not for clinical use" in text, f"the {kind} hides that it is not for clinical use"


def test_the_same_series_again_gives_nothing_new(node: Node, finished: PushedSeries) -> None:
    before = results.search(node.dicomweb(), finished.study_uid)

    storescu(node.dicom_port, finished.files)
    ended = node.post("/inference/api/run", {"series": finished.series_uid})

    node.idle()
    assert len(node.jobs(series=finished.series_uid)) == 1, ended
    assert results.search(node.dicomweb(), finished.study_uid) == before


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"])
def test_a_compressed_series_gives_the_same(node: Node, series: MakeSeries, syntax: str) -> None:
    sent = series(transfer_syntax=syntax, slices=6)
    by_pynetdicom(node, sent)

    assert node.job(sent.series_uid, "done")
    assert results.misplaced_frames(results.retrieve(node.dicomweb(), sent.study_uid)["SEG"], sent.datasets()) == []


def test_order_of_arrival_does_not_matter(node: Node, series: MakeSeries) -> None:
    sent = series()
    shuffled = sorted(sent.files, key=lambda path: hash(path.name[::-1]) % 7)
    assert len(Scanner(node.dicom_port).send(shuffled)) == len(sent.files)

    assert node.job(sent.series_uid, "done")
    assert results.misplaced_frames(results.retrieve(node.dicomweb(), sent.study_uid)["SEG"], sent.datasets()) == []
