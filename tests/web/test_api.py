import json
from typing import Any

import pytest

from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.errors import Broken, ConfigurationError, NodeError, Temporary, Unsuitable
from orthanc_plugin.jobs import device_report
from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.job import InputSet, Job, PlannedResult, Priority, Role, State
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process
from orthanc_plugin.web.api import Rooms, answer, status_of
from orthanc_plugin.web.jobs import seats
from orthanc_plugin.web.message import Request
from tests.jobs.builders import Clock, order
from tests.web.conftest import Hand, Shelf

UP = {"worker": "running", "intake": "running"}


def ask(rooms: Rooms, method: str, path: str, body: str = "", **query: str) -> tuple[int, Any]:
    given = answer(Request(method, f"/inference/api{path}", query, body, "admin", UP), rooms)
    assert given.body.isascii()
    assert given.media_type == ("application/problem+json" if given.status >= 400 else "application/json")
    return given.status, json.loads(given.body)


def refusal(rooms: Rooms, method: str, path: str, body: str = "", **query: str) -> tuple[int, str]:
    status, document = ask(rooms, method, path, body, **query)
    assert document.keys() == {"type", "title", "status", "detail"}
    assert document["status"] == status
    return status, document["detail"]


def done(ledger: Ledger, clock: Clock, job: Job) -> None:
    worker = ledger.attempts.enrol("a-host", Process("boot/1", "1/1"))
    clock.go_on(1)
    begun = ledger.attempts.begin(Turn(job.id, 1), worker)
    assert begun is not None
    ledger.attempts.plan(begun[1], (PlannedResult("SEG", "2.25.1", "2.25.10"),))
    ledger.attempts.receive(begun[1], Receipt("SEG", "2.25.1", "2.25.10"))
    clock.go_on(2.5)
    ledger.attempts.end(begun[1], State.DONE, "", {"read": 0.5, "infer": 1.75})


def test_a_job_reads_as_promised(rooms: Rooms, ledger: Ledger, clock: Clock) -> None:
    job = ledger.propose(order(priority=Priority.STAT))
    done(ledger, clock, job)

    assert ask(rooms, "GET", f"/jobs/{job.id}") == (
        200,
        {
            "id": job.id,
            "study": "1.2.1",
            "series": ["1.2.1.1"],
            "roles": {"image": "1.2.1.1"},
            "model": "muscle",
            "version": "1.0.0",
            "digest": "d" * 64,
            "state": "done",
            "priority": "stat",
            "attempts": 1,
            "reason": None,
            "remarks": [],
            "created_at": "2026-03-01T12:00:00.000+00:00",
            "started_at": "2026-03-01T12:00:01.000+00:00",
            "finished_at": "2026-03-01T12:00:03.500+00:00",
            "timings": {"read": 0.5, "infer": 1.75},
            "record": None,
            "results": [
                {"kind": "SEG", "sop_instance_uid": "2.25.1", "series_instance_uid": "2.25.10", "sha256": None}
            ],
            "viewer": "/ohif/viewer?StudyInstanceUIDs=1.2.1&SeriesInstanceUIDs=1.2.1.1,2.25.10",
        },
    )


def test_a_role_that_several_series_take_names_all_of_them() -> None:
    taken = (("views", "1.1"), ("before", "2.1"), ("views", "1.2"))
    roles = tuple(Role(name, uid, (), "") for name, uid in taken)
    assert seats(InputSet("1.2.1", roles)) == {"views": ["1.1", "1.2"], "before": "2.1"}


def test_a_series_that_no_model_is_for_has_its_reason_and_no_model(rooms: Rooms, ledger: Ledger) -> None:
    job = ledger.skip(order(model=""), "No model is for modality MR and body part HEAD.")

    _, read = ask(rooms, "GET", f"/jobs/{job.id}")

    assert (read["state"], read["model"], read["version"], read["digest"]) == ("skipped", None, None, None)
    assert read["reason"] == "No model is for modality MR and body part HEAD."
    assert (read["started_at"], read["results"]) == (None, [])


def test_jobs_come_newest_first_page_by_page(rooms: Rooms, ledger: Ledger) -> None:
    ids = [ledger.propose(order(series)).id for series in range(1, 6)]

    _, first = ask(rooms, "GET", "/jobs", limit="3")
    _, second = ask(rooms, "GET", "/jobs", limit="3", cursor=first["next"])

    assert [job["id"] for job in first["jobs"] + second["jobs"]] == ids[::-1]
    assert second["next"] is None


def test_jobs_are_found_by_what_they_are_on_and_how_they_stand(rooms: Rooms, ledger: Ledger) -> None:
    wanted = ledger.propose(order(2, study=2))
    ledger.propose(order(1))
    ledger.skip(order(3, model=""), "No model.")

    for query in ({"study": "1.2.2"}, {"series": "1.2.2.2"}, {"study": "1.2.2", "state": "waiting", "model": "muscle"}):
        assert [job["id"] for job in ask(rooms, "GET", "/jobs", **query)[1]["jobs"]] == [wanted.id]
    assert len(ask(rooms, "GET", "/jobs", state="skipped")[1]["jobs"]) == 1


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"limit": "0"}, '"limit" is "0"; allowed is a whole number from 1 to 500.'),
        ({"limit": "501"}, '"limit" is "501"; allowed is a whole number from 1 to 500.'),
        ({"limit": "²"}, '"limit" is "²"; allowed is a whole number from 1 to 500.'),
        (
            {"state": "finished"},
            '"state" is "finished"; allowed are waiting, running, done, skipped, retrying, failed, set-aside, '
            "cancelled.",
        ),
        (
            {"patient": "x"},
            '"patient" is not a filter of jobs; allowed are study, series, state, model, limit, cursor.',
        ),
        ({"cursor": "abc"}, '"cursor" is "abc"; allowed is what an earlier page gave as "next".'),
    ],
)
def test_a_filter_that_can_not_be_understood(rooms: Rooms, query: dict[str, str], sentence: str) -> None:
    assert refusal(rooms, "GET", "/jobs", **query) == (400, sentence)


def test_a_job_that_is_not_there(rooms: Rooms) -> None:
    for method, path in (("GET", "/jobs/77"), ("POST", "/jobs/77/retry"), ("POST", "/jobs/77/cancel")):
        assert refusal(rooms, method, path) == (404, "There is no job '77'.")


def test_cancel_and_retry(rooms: Rooms, ledger: Ledger) -> None:
    job = ledger.propose(order())

    assert ask(rooms, "POST", f"/jobs/{job.id}/cancel")[1]["state"] == "cancelled"
    assert refusal(rooms, "POST", f"/jobs/{job.id}/cancel") == (
        409,
        f"The job {job.id} is cancelled already; there is nothing to cancel.",
    )
    assert ask(rooms, "POST", f"/jobs/{job.id}/retry")[1]["state"] == "waiting"


def test_a_run_by_hand_answers_the_jobs_at_once(rooms: Rooms, hand: Hand) -> None:
    body = json.dumps({"series": "1.2.1.1", "priority": "stat", "parameters": {"height_m": 1.8}})

    status, entries = ask(rooms, "POST", "/run", body)

    assert (status, entries["remarks"]) == (202, [])
    assert ask(rooms, "GET", f"/jobs/{entries['jobs'][0]}")[1]["priority"] == "stat"
    [(uid, model, terms)] = hand.asked
    assert (uid, model, terms.parameters) == ("1.2.1.1", None, (("height_m", 1.8),))


def test_a_run_that_routing_would_not_choose_says_so(rooms: Rooms) -> None:
    _, entries = ask(rooms, "POST", "/run", '{"series": "1.2.1.2", "model": "abdomen"}')

    assert entries["remarks"] == ["Routing would not choose it."]


def test_a_run_on_a_study_leaves_results_out(rooms: Rooms, hand: Hand) -> None:
    _, entries = ask(rooms, "POST", "/run", '{"study": "1.2.1"}')

    assert [uid for uid, _, _ in hand.asked] == ["1.2.1.1", "1.2.1.2"]
    assert len(entries["jobs"]) == 2


def test_a_run_of_one_model_on_a_study_takes_the_series_it_is_for(rooms: Rooms, hand: Hand) -> None:
    ask(rooms, "POST", "/run", '{"study": "1.2.1", "model": "abdomen"}')

    assert [(uid, model) for uid, model, _ in hand.asked] == [("1.2.1.1", "abdomen")]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (
            '{"series": "1.2.3"}',
            422,
            "There is no series 1.2.3 in the archive; send it or correct its UID.",
        ),
        ('{"study": "1.2.3"}', 422, "There is no study 1.2.3 in the archive; send it or correct its UID."),
        ('{"study": "1.2.1", "model": "lung"}', 422, "No model is called lung; installed: abdomen."),
        ("", 400, 'The body must be a JSON object such as {"series": "1.2.840…"}.'),
    ],
)
def test_a_run_that_can_not_be(rooms: Rooms, body: str, status: int, sentence: str) -> None:
    assert refusal(rooms, "POST", "/run", body) == (status, sentence)


def test_models_show_their_cards(rooms: Rooms) -> None:
    _, entries = ask(rooms, "GET", "/models")

    [model] = entries["models"]
    assert (model["name"], model["version"], len(model["digest"])) == ("abdomen", "1.0.0", 64)
    assert model["card"]["notice"] == "Not for clinical use."
    assert model["card"]["applies"]["all"][0] == {"tag": "Modality", "in": ["CT"]}
    assert model["switch"] == "on"
    assert entries["problems"] == []


def test_models_come_with_the_providers_in_use(rooms: Rooms, ledger: Ledger) -> None:
    assert ask(rooms, "GET", "/models")[1]["providers"] == []
    fallen = "The graphs run on cpu and not on cuda, which was asked for: no driver."
    for host, report in {"one": ("cpu", "cuda,cpu", fallen), "two": ("cuda:0", "cuda:0", "")}.items():
        device_report.leave(ledger, host, device_report.DeviceReport(*report))
        ledger.attempts.enrol(host, Process.mine())

    assert ask(rooms, "GET", "/models")[1]["providers"] == [
        {"device": "cpu", "wanted": "cuda,cpu", "fallback": fallen},
        {"device": "cuda:0", "wanted": "cuda:0", "fallback": None},
    ]


def test_routes_say_rule_by_rule_why_a_model_is_for_a_series(rooms: Rooms) -> None:
    _, entries = ask(rooms, "GET", "/routes", series="1.2.1.1")

    assert (entries["series"], entries["problems"]) == ("1.2.1.1", [])
    [route] = entries["routes"]
    assert len(route.pop("digest")) == 64
    assert route == {
        "model": "abdomen",
        "version": "1.0.0",
        "switch": "on",
        "matches": True,
        "verdict": "yes",
        "rules": [
            {"rule": "Modality is CT", "value": "CT", "verdict": "yes"},
            {"rule": "body part is abdomen", "value": "abdomen (BodyPartExamined)", "verdict": "yes"},
            {"rule": "slices are at least 1", "value": "3", "verdict": "yes"},
        ],
        "remarks": [],
        "unknown": "run",
    }


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ({}, 400, "Name one series by its UID: routes?series=1.2.840…."),
        ({"study": "1.2.1"}, 400, "Name one series by its UID: routes?series=1.2.840…."),
        ({"series": "x"}, 400, '"series" is "x"; allowed is a DICOM UID.'),
        ({"series": "1.2.9"}, 422, "There is no series 1.2.9 in the archive; send it or correct its UID."),
    ],
)
def test_routes_that_can_not_be_asked_for(rooms: Rooms, query: dict[str, str], status: int, sentence: str) -> None:
    assert refusal(rooms, "GET", "/routes", **query) == (status, sentence)


def test_health_when_all_is_well(rooms: Rooms) -> None:
    status, entries = ask(rooms, "GET", "/health")

    assert (status, entries["status"]) == (200, "ok")
    assert entries["checks"].keys() == {
        *("intake", "worker", "orthanc", "database", "models", "device", "disk", "viewer")
    }


def test_health_while_orthanc_does_not_answer(rooms: Rooms, shelf: Shelf) -> None:
    shelf.away = True

    given = answer(Request("GET", "/inference/api/health", processes=UP), rooms)

    assert (given.status, given.media_type) == (503, "application/json")
    entries = json.loads(given.body)
    assert entries["status"] == "down"
    assert entries["checks"]["orthanc"] == {
        "status": "down",
        "detail": "Orthanc does not answer; intake goes on when it is back.",
    }


def test_health_while_the_worker_is_down(rooms: Rooms) -> None:
    given = answer(Request("GET", "/inference/api/health", processes={"worker": "ended"}), rooms)

    assert given.status == 200
    assert json.loads(given.body)["status"] == "degraded"


@pytest.mark.parametrize("path", ["/nothing", "/jobs/1/2/3", "/jobs/", "/JOBS", "/health/../jobs"])
def test_an_address_that_is_not_there(rooms: Rooms, path: str) -> None:
    assert refusal(rooms, "GET", path) == (404, "There is nothing at this address.")


def test_an_address_that_takes_another_method(rooms: Rooms) -> None:
    assert refusal(rooms, "DELETE", "/jobs/1") == (405, "This address takes GET only.")
    assert refusal(rooms, "GET", "/run") == (405, "This address takes POST only.")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unsuitable("x"), 422),
        (ConfigurationError("x"), 422),
        (Temporary("x"), 503),
        (Broken("x"), 502),
        (NodeError("x"), 500),
    ],
)
def test_every_kind_of_error_has_its_status(error: NodeError, status: int) -> None:
    assert status_of(error) == status
