"""What Orthanc makes of our results when it writes a study anew: broken copies go, everything else stays."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from tests.builders.series import Scan, slices
from tests.intake.bench import Bench
from tests.intake.made import result

SOURCE = slices(Scan(slices=3, name="source"))
RESULT = result(SOURCE)


def done(bench: Bench) -> str:
    """The study, as Orthanc names it."""
    bench.send(SOURCE)
    bench.tick(3.0)
    (placed,) = bench.orders.orders_for(str(SOURCE[0].SeriesInstanceUID), "abdomen")
    bench.finish(placed.job, labelled(RESULT, placed.job.order.digest))
    return study_of(bench, SOURCE[0])


def labelled(made: Dataset, digest: str) -> Dataset:
    made.DeviceSerialNumber = digest
    return made


def study_of(bench: Bench, dataset: Dataset) -> str:
    [found] = bench.orthanc.post("/tools/lookup", str(dataset.StudyInstanceUID))
    study_id: str = found["ID"]
    return study_id


def series_of(bench: Bench, dataset: Dataset) -> str:
    [found] = bench.orthanc.post("/tools/lookup", str(dataset.SeriesInstanceUID))
    series_id: str = found["ID"]
    return series_id


def modalities(bench: Bench, study_id: str) -> list[tuple[str, int]]:
    """Of each series of the study who made it, and how many instances it has."""
    found = bench.orthanc.get(f"/studies/{study_id}/series")
    makers = ((each["MainDicomTags"].get("Manufacturer", ""), len(each["Instances"])) for each in found)
    return sorted(("node" if maker == "Inference node" else "scanner", count) for maker, count in makers)


def test_a_study_that_is_modified_keeps_its_images_and_loses_the_copies(bench: Bench) -> None:
    job_id = bench.change(f"/studies/{done(bench)}/modify", Replace={"PatientName": "Corrected"}, KeepSource=False)
    [study_id] = bench.orthanc.get("/studies")
    assert modalities(bench, study_id) == [("node", 1), ("scanner", 3)]

    bench.intake.heard_job_end(job_id)

    assert modalities(bench, study_id) == [("scanner", 3)]


def test_a_study_that_is_merged_into_another_brings_its_images_alone(bench: Bench) -> None:
    target = slices(Scan(slices=2, name="target"))
    bench.send(target)
    source = done(bench)
    job_id = bench.change(f"/studies/{study_of(bench, target[0])}/merge", Resources=[source], KeepSource=False)
    bench.intake.heard_job_end(job_id)

    assert modalities(bench, study_of(bench, target[0])) == [("scanner", 2), ("scanner", 3)]


def test_series_that_are_split_off_bring_their_images_alone(bench: Bench) -> None:
    source = done(bench)
    series = bench.orthanc.get(f"/studies/{source}")["Series"]
    job_id = bench.change(f"/studies/{source}/split", Series=series, KeepSource=False)
    bench.intake.heard_job_end(job_id)

    [study_id] = bench.orthanc.get("/studies")
    assert modalities(bench, study_id) == [("scanner", 3)]


@pytest.mark.parametrize("level", ["patients", "series"])
def test_whatever_is_modified_its_study_is_looked_at(bench: Bench, level: str) -> None:
    source = done(bench)
    named = {"patients": bench.orthanc.get(f"/studies/{source}/patient")["ID"], "series": series_of(bench, RESULT)}
    wanted = {"PatientID": "CORRECTED"} if level == "patients" else {"SeriesDescription": "Corrected"}
    job_id = bench.change(f"/{level}/{named[level]}/modify", Replace=wanted, KeepSource=False, Force=True)
    bench.intake.heard_job_end(job_id)

    [study_id] = bench.orthanc.get("/studies")
    kept = [("scanner", 3)] if level == "patients" else [("node", 1), ("scanner", 3)]
    assert modalities(bench, study_id) == kept, "a copy in the study of its images refers to what is there"


def test_an_anonymised_study_leaves_the_one_it_came_from_as_it_was(bench: Bench) -> None:
    source = done(bench)
    job_id = bench.change(f"/studies/{source}/anonymize")
    bench.intake.heard_job_end(job_id)

    assert modalities(bench, source) == [("node", 1), ("scanner", 3)]
    assert bench.holds(RESULT)


def test_results_of_others_stay_as_they_were_brought(bench: Bench) -> None:
    stranger = result(SOURCE, "stranger")
    stranger.Manufacturer = "Another maker"
    bench.send([stranger])
    job_id = bench.change(f"/studies/{done(bench)}/modify", Replace={"PatientName": "Corrected"}, KeepSource=False)
    bench.intake.heard_job_end(job_id)

    [study_id] = bench.orthanc.get("/studies")
    assert modalities(bench, study_id) == [("scanner", 1), ("scanner", 3)]


def test_a_job_that_writes_nothing_anew_is_no_matter(bench: Bench) -> None:
    bench.intake.heard_job_end("no such job")
