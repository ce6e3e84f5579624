import base64

import pytest

from orthanc_plugin.people.access import Keys, Outcome, Person, Request, Role, decide
from orthanc_plugin.people.credentials import Credentials

ADMINISTRATOR = Credentials("admin", "pass:wörd")
KEYS = Keys(ADMINISTRATOR, "Bearer of-this-start")
MISSING = "Name and password are missing or wrong."


def request(uri: str = "/system", method: str = "GET", **headers: str) -> Request:
    return Request(method, uri, {name.replace("_", "-"): value for name, value in headers.items()}, "192.0.2.1")


def basic(pair: bytes, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(pair).decode()}"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_the_administrator_may_do_all(scheme: str, method: str) -> None:
    authorization = basic("admin:pass:wörd".encode(), scheme)

    verdict = decide(request("/tools/reset", method, authorization=authorization), KEYS)

    assert verdict.outcome is Outcome.ADMITTED
    assert verdict.person == Person("admin", Role.ADMINISTRATOR)


def test_the_nodes_own_processes_come_in_by_the_token_of_this_start() -> None:
    verdict = decide(request(authorization="Bearer of-this-start"), KEYS)

    assert verdict.outcome is Outcome.ADMITTED
    assert verdict.person == Person("node", Role.NODE)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic \u00e4",
        basic(b""),
        basic(b":"),
        basic(b"admin"),
        basic(b"admin:"),
        basic(b"admin:wrong"),
        basic("Admin:pass:wörd".encode()),
        basic("admin:pass:wörd ".encode()),
        basic("admin:pass:wörd".encode("latin-1")),
        basic("admin:pass:wörd".encode(), "Bearer"),
        "Bearer of-another-start",
        "Bearer",
    ],
)
@pytest.mark.parametrize(
    ("uri", "outcome"),
    [
        ("/system", Outcome.REFUSED),
        ("/dicom-web/studies", Outcome.REFUSED),
        ("/inference/api/jobs", Outcome.CHALLENGED),
    ],
)
def test_nobody_else_gets_in(authorization: str, uri: str, outcome: Outcome) -> None:
    verdict = decide(request(uri, authorization=authorization), KEYS)

    assert (verdict.outcome, verdict.person, verdict.reason) == (outcome, None, MISSING)


@pytest.mark.parametrize(
    "uri", ["/", "/inference", "/inference/", "/inference/api/jobs/12", "/ohif", "/ohif/viewer", "/ohif/node/config.js"]
)
def test_the_nodes_own_pages_ask_for_the_password(uri: str) -> None:
    assert decide(request(uri), KEYS).outcome is Outcome.CHALLENGED


@pytest.mark.parametrize(
    "uri",
    [
        "/inference/../instances",
        "/inference/%2e%2e/instances",
        "/inference//instances",
        "/inference/.hidden",
        "/inferences",
        "/ohif/../instances",
        "/ohif/%2e%2e/instances",
        "/ohif//instances",
        "/ohifs",
        "/instances?/inference/",
        "//",
        "/inference/\n",
        "/INFERENCE/",
    ],
)
def test_an_address_that_only_looks_like_a_page_of_the_node_is_refused(uri: str) -> None:
    assert decide(request(uri), KEYS).outcome is Outcome.REFUSED


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_page_changes_nothing_with_a_remembered_password(site: str) -> None:
    authorization = ADMINISTRATOR.basic

    written = decide(request("/inference/api/run", "POST", authorization=authorization, sec_fetch_site=site), KEYS)
    read = decide(request("/inference/api/jobs", "GET", authorization=authorization, sec_fetch_site=site), KEYS)

    assert written.outcome is Outcome.REFUSED
    assert written.reason == "A page of another site may not change anything here."
    assert read.outcome is Outcome.ADMITTED


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_nodes_own_pages_may_change_things(site: str) -> None:
    verdict = decide(request("/jobs", "POST", authorization=ADMINISTRATOR.basic, sec_fetch_site=site), KEYS)

    assert verdict.outcome is Outcome.ADMITTED


def test_what_is_printed_of_a_request_shows_no_secret() -> None:
    assert "cGFzcw" not in repr(request(authorization="Basic cGFzcw"))
    assert "of-this-start" not in repr(KEYS)
