"""A model that changes while intake runs: each job is made for one version, and none is lost."""

from __future__ import annotations

import json

from orthanc_plugin.jobs.job import Job, State
from orthanc_plugin.routing.folder import folder_digest
from orthanc_plugin.routing.versions import rollback
from tests.builders.series import Scan, slices
from tests.intake.bench import Bench
from tests.routing.cards import card_values

TAKEN_UP_S = 5.0


def job_on_a_new_series(bench: Bench, name: str) -> Job:
    series = slices(Scan(slices=4, name=name))
    bench.send(series)
    bench.tick(4)
    (job,) = bench.jobs(series[0])
    return job


def release(bench: Bench, version: str) -> str:
    folder = bench.models / "abdomen"
    (folder / "card.json").write_text(json.dumps(card_values(version=version)))
    bench.tick(TAKEN_UP_S)
    return folder_digest(folder)


def test_a_new_version_and_its_rollback_are_taken_up_without_a_restart(bench: Bench) -> None:
    first = job_on_a_new_series(bench, "before")
    digest = release(bench, "2.0.0")
    second = job_on_a_new_series(bench, "after")
    rollback("abdomen", bench.models, bench.models.parent)
    bench.tick(TAKEN_UP_S)
    third = job_on_a_new_series(bench, "again")

    assert [job.order.version for job in (first, second, third)] == ["1.0.0", "2.0.0", "1.0.0"]
    assert second.order.digest == digest
    assert third.order.digest == first.order.digest
    for job in (first, second, third):
        assert bench.ledger.job(job.id).state is State.WAITING
        version = bench.catalogue.model("abdomen", job.order.digest)
        assert (version.digest, version.card.version) == (job.order.digest, job.order.version)


def test_a_version_that_is_wrong_stops_its_model_alone_and_says_so(bench: Bench) -> None:
    job_on_a_new_series(bench, "right")
    release(bench, "")
    job = job_on_a_new_series(bench, "wrong")
    assert (job.state, job.reason) == (
        State.SKIPPED,
        "No model is installed and switched on; put one into the models folder.",
    )
    (problem,) = bench.catalogue.problems
    assert problem.startswith("The card of the model abdomen is wrong at version: ")
