"""Priors: the newest earlier study of the same patient gives its series, or the reader is told that there was none."""

from __future__ import annotations

import logging
import shutil
from typing import Any

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.priors import Examination, examination, past, same_patient
from orthanc_plugin.jobs.job import Job, State
from orthanc_plugin.jobs.ledger import COMPARED_ANEW
from orthanc_plugin.routing.headers import Headers
from tests.builders.series import Scan, slices
from tests.intake import made
from tests.intake.bench import Bench
from tests.routing.cards import CT_ABDOMEN, card_values, model_folder, stage

NOW = "20260301"


def study(day: str, name: str = "now", time: str = "101500", **tags: str) -> list[Dataset]:
    """One series of the patient's study of that day."""
    made = slices(Scan(slices=4, name=f"{day} {time} {name}", patient_id="one"))
    for dataset in made:
        dataset.StudyInstanceUID = f"1.2.826.{day}.{time.lstrip('0') or '0'}"
        dataset.StudyDate, dataset.StudyTime, dataset.SeriesDescription = day, time, name
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
    return made


def compares(bench: Bench, name: str = "change", **before: Any) -> Bench:
    """A model that compares a CT with an earlier one."""
    shutil.rmtree(bench.models / "abdomen", ignore_errors=True)
    prior = {"from": "prior", "rule": {"tag": "SeriesDescription", "matches": "now|before"}} | before
    model_folder(
        bench.models,
        name,
        title=name.capitalize(),
        applies={"all": list(CT_ABDOMEN)},
        inputs={"now": {}, "before": prior},
        stages=[stage(roles=["now", "before"])],
    )
    bench.start()
    return bench


@pytest.fixture
def comparing(bench: Bench) -> Bench:
    return compares(bench)


def compares_alone(bench: Bench, name: str = "growth", **before: Any) -> Bench:
    """A model of single series, which says what changed where there is something to compare with."""
    shutil.rmtree(bench.models / "abdomen", ignore_errors=True)
    prior = {"from": "prior", "compared_with": "series", "required": False} | before
    outputs = card_values()["outputs"] | {"measurements": [{"measure": "volumes"}]}
    inputs = {"series": {}, "before": prior}
    model_folder(bench.models, name, applies={"all": list(CT_ABDOMEN)}, inputs=inputs, outputs=outputs)
    bench.start()
    return bench


def uid(datasets: list[Dataset]) -> str:
    return str(datasets[0].SeriesInstanceUID)


def settled(bench: Bench, *earlier: list[Dataset]) -> None:
    """Studies that lie in the archive, with whatever the node made of them, before anything is looked at."""
    for datasets in earlier:
        bench.send(datasets)
    bench.tick(8)


def seats(job: Job) -> dict[str, str]:
    return {role.name: role.series_uid for role in job.order.input_set.roles}


def job_on(bench: Bench, datasets: list[Dataset]) -> Job:
    """The newest in which the series is the current one."""
    found = [job for job in bench.jobs(datasets[0]) if job.order.input_set.study_uid == datasets[0].StudyInstanceUID]
    return found[-1]


def test_the_newest_earlier_study_that_has_a_series_for_the_role_gives_it(comparing: Bench) -> None:
    old, newer = study("20200101", "before"), study("20240101", "before")
    without, later = study("20250101", "other"), study("20270101", "before")
    settled(comparing, old, newer, without, later)
    now = study(NOW)
    comparing.send(now)
    comparing.tick(5)
    job = job_on(comparing, now)
    assert (job.state, seats(job)) == (State.WAITING, {"now": uid(now), "before": uid(newer)})


def test_on_the_same_day_the_time_tells_which_is_earlier(comparing: Bench) -> None:
    morning, evening = study(NOW, "before", "070000"), study(NOW, "before", "190000")
    settled(comparing, morning, evening)
    noon = study(NOW, "now", "120000")
    comparing.send(noon)
    comparing.tick(5)
    assert seats(job_on(comparing, noon))["before"] == uid(morning)


def test_it_is_not_waited_for_and_the_line_says_what_to_do(comparing: Bench) -> None:
    now = study(NOW)
    comparing.send(now)
    comparing.tick(5)
    job = job_on(comparing, now)
    assert (job.state, seats(job)) == (State.SKIPPED, {"now": uid(now)})
    assert job.reason == (
        "Change compares a study with an earlier one of the same patient, and none in the archive has a series for the "
        "role before; send one, then run the model on the study."
    )
    with pytest.raises(Unsuitable) as caught:
        comparing.orders.orders_for(uid(now), "change")
    assert caught.value.sentence == job.reason
    before = study("20250101", "before")
    comparing.send(before)
    (placed,) = comparing.orders.orders_for(uid(now), "change")
    assert seats(placed.job) == {"now": uid(now), "before": uid(before)}


def test_without_one_that_is_not_required_the_model_runs_alone(bench: Bench) -> None:
    compares(bench, required=False, meaning_of_missing="Nothing was compared.")
    now = study(NOW)
    bench.send(now)
    bench.tick(5)
    job = job_on(bench, now)
    assert (job.state, seats(job)) == (State.WAITING, {"now": uid(now)})


def test_what_is_older_than_the_card_allows_is_none(bench: Bench) -> None:
    compares(bench, within_years=2)
    settled(bench, study("20240101", "before"))
    now = study(NOW)
    bench.send(now)
    bench.tick(5)
    assert job_on(bench, now).state is State.SKIPPED
    just = study("20250101", "before")
    settled(bench, just)
    (placed,) = bench.orders.orders_for(uid(now), "change")
    assert seats(placed.job)["before"] == uid(just)


@pytest.mark.parametrize(
    "other", [{"PatientID": "two"}, {"IssuerOfPatientID": "Elsewhere"}, {"PatientID": ""}, {"StudyDate": ""}]
)
def test_what_may_be_another_patients_or_of_another_time_is_none(comparing: Bench, other: dict[str, str]) -> None:
    settled(comparing, study("20250101", "before", **other))
    now = study(NOW)
    comparing.send(now)
    comparing.tick(5)
    assert job_on(comparing, now).state is State.SKIPPED


@pytest.mark.parametrize(("keyword", "known"), [("PatientID", "whose it is"), ("StudyDate", "which are earlier")])
def test_a_study_that_does_not_say_whose_or_when_is_compared_with_nothing(
    comparing: Bench, keyword: str, known: str
) -> None:
    settled(comparing, study("20250101", "before", **{keyword: ""}), study("20240101", "before"))
    now = study(NOW, **{keyword: ""})
    comparing.send(now)
    comparing.tick(5)
    assert job_on(comparing, now).reason == (
        f"Change compares a study with an earlier one of the same patient, and this study has no {keyword}, so nobody "
        f"can tell {known}; correct it in the archive."
    )


def test_a_prior_that_changes_makes_a_new_set_for_the_later_study(comparing: Bench) -> None:
    before, now = study("20250101", "before"), study(NOW)
    settled(comparing, before[:-1])
    comparing.send(now)
    comparing.tick(5)
    comparing.send(before[-1:])
    comparing.tick(40)
    replaced, new = comparing.jobs(now[0])
    assert (replaced.state, new.state) == (State.CANCELLED, State.WAITING)
    assert seats(replaced) == seats(new) == {"now": uid(now), "before": uid(before)}
    assert [len(role.sop_instance_uids) for role in new.order.input_set.roles] == [4, 4]


def test_a_prior_that_arrives_along_with_the_study_is_taken_and_in_the_end_as_a_whole(comparing: Bench) -> None:
    before, now = study("20250101", "before"), study(NOW)
    comparing.send([*now, *before[:-1]])
    comparing.tick(3)
    comparing.send(before[-1:])
    comparing.tick(40)
    job = job_on(comparing, now)
    assert (job.state, seats(job)) == (State.WAITING, {"now": uid(now), "before": uid(before)})
    assert [len(role.sop_instance_uids) for role in job.order.input_set.roles] == [4, 4]


class TestOneSeriesByItself:
    @pytest.fixture
    def alone(self, bench: Bench) -> Bench:
        return compares_alone(bench)

    def test_every_series_of_the_study_has_its_job_beside_the_earlier_one(self, alone: Bench) -> None:
        before, now, other = study("20250101", "before"), study(NOW), study(NOW, "another")
        settled(alone, before)
        alone.send([*now, *other])
        alone.tick(40)
        assert seats(job_on(alone, now)) == {"series": uid(now), "before": uid(before)}
        assert seats(job_on(alone, other)) == {"series": uid(other), "before": uid(before)}
        assert seats(job_on(alone, before)) == {"series": uid(before)}

    def test_it_begins_early_as_any(self, alone: Bench) -> None:
        before, now = study("20250101", "before"), study(NOW)
        settled(alone, before)
        alone.send(now)
        alone.tick(0.5)
        early = job_on(alone, now)
        alone.tick(40)
        assert [job.id for job in alone.jobs(now[0])] == [early.id]
        assert (early.order.released, job_on(alone, now).order.released) == (False, True)
        assert seats(early) == {"series": uid(now), "before": uid(before)}

    def test_one_that_comes_later_is_taken_by_hand_and_there_is_one_job_in_the_end(self, alone: Bench) -> None:
        now = study(NOW)
        settled(alone, now)
        (first,) = alone.jobs(now[0])
        stored = made.result(now)
        alone.finish(first, stored)
        before = study("20250101", "before")
        settled(alone, before)
        assert alone.jobs(now[0]) == [alone.ledger.job(first.id)]

        (placed,) = alone.orders.orders_for(uid(now), "growth")

        assert seats(placed.job) == {"series": uid(now), "before": uid(before)}
        assert alone.ledger.job(first.id).reason == COMPARED_ANEW
        (image,) = alone.orders.order_image(OneImage(uid(now), str(now[0].SOPInstanceUID)), "growth")
        assert seats(image.job) == {"series": uid(now)}
        assert alone.ledger.job(placed.job.id).state is State.WAITING

    def test_one_that_gets_more_images_is_compared_with_anew(self, alone: Bench) -> None:
        before, now = study("20250101", "before"), study(NOW)
        settled(alone, before[:-1])
        alone.send(now)
        alone.tick(5)
        alone.send(before[-1:])
        alone.tick(40)
        replaced, new = alone.jobs(now[0])
        assert (replaced.state, new.state) == (State.CANCELLED, State.WAITING)
        assert [len(role.sop_instance_uids) for role in new.order.input_set.roles] == [4, 4]

    @pytest.mark.parametrize("ended", [True, False])
    def test_without_one_that_left_the_series_is_worked_on_by_itself(self, alone: Bench, ended: bool) -> None:
        before, now = study("20250101", "before"), study(NOW)
        settled(alone, before)
        settled(alone, now)
        (first,), stored = alone.jobs(now[0]), made.result(now)
        if ended:
            alone.finish(first, stored)
        for series_id in alone.delete(uid(before)):
            alone.intake.heard_gone(series_id, alone.now_s)
        alone.tick(40)
        new = job_on(alone, now)
        assert (seats(new), new.state) == ({"series": uid(now)}, State.WAITING)
        assert not alone.holds(stored)
        assert alone.ledger.job(first.id).state is (State.DONE if ended else State.CANCELLED)


def test_nothing_of_the_patient_is_logged(comparing: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settled(comparing, study("20250101", "before"))
    comparing.send(study(NOW))
    comparing.tick(5)
    records = [f"{record.getMessage()} {vars(record)}" for record in caplog.records if "orthanc_plugin" in record.name]
    assert records and not any(word == "one" for record in records for word in record.split())
    assert not any("PatientID" in record for record in records)


def test_a_study_that_is_not_there_or_is_nobodys_has_no_past(bench: Bench) -> None:
    assert past(bench.orthanc, "1.2.3.4.5") is None
    nobodys = study(NOW, PatientID="")
    bench.send([*nobodys, *study("20250101", PatientID="")])
    assert past(bench.orthanc, str(nobodys[0].StudyInstanceUID)) is None


@pytest.mark.parametrize(
    ("tags", "day", "time"),
    [
        ({"StudyDate": "20260301", "StudyTime": "1015"}, "2026-03-01", "101500"),
        ({"StudyDate": "20260301", "StudyTime": "101530.123"}, "2026-03-01", "101530"),
        ({"StudyDate": "2026.03.01", "StudyTime": "10:15"}, "None", ""),
        ({}, "None", ""),
    ],
)
def test_when_a_study_was(tags: dict[str, str], day: str, time: str) -> None:
    known = examination({"MainDicomTags": tags})
    assert (str(known.day), known.time) == (day, time)


def test_without_a_time_nothing_follows_on_the_same_day() -> None:
    first, second = (examination({"MainDicomTags": {"StudyDate": NOW, "StudyTime": time}}) for time in ("", "10"))
    assert not first.follows(second) and not second.follows(first)
    assert second.follows(examination({"MainDicomTags": {"StudyDate": "20260228"}}))
    assert not second.follows(Examination("1.2", None, "10"))


def test_a_patient_is_the_same_under_the_same_number_of_the_same_issuer() -> None:
    known = Headers({"PatientID": "1", "IssuerOfPatientID": "A"}, 1)
    assert same_patient(known, Headers({"PatientID": "1 ", "IssuerOfPatientID": "A"}, 9))
    for other in ({"PatientID": "1"}, {"PatientID": "1", "IssuerOfPatientID": "B"}, {"PatientID": "2"}):
        assert not same_patient(known, Headers(other, 1))
    assert not same_patient(Headers({"PatientID": " "}, 1), Headers({"PatientID": " "}, 1))
