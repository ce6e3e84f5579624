"""Nothing of Orthanc is served without the administrator's password, by whatever address or method."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from tests.plugin.conftest import House

CLOSED = (401, 403)
# Ends or empties the node that the other tests use.
LEFT_ALONE = {"/tools/shutdown", "/tools/reset", "/tools/reconstruct", "/changes", "/exports"}
# Orthanc keeps metadata and attachments of lower numbers to itself, and answers 403 to everybody.
NOBODYS = "2000"
NOT_IN_THE_DOCUMENT = (
    "/system",
    "/statistics",
    "/patients",
    "/studies",
    "/series",
    "/instances",
    "/plugins",
    "/jobs",
    "/queries",
    "/storage-commitment",
    "/transforms",
    "/app/explorer.html",
    "/app/explorer.js",
    "/dicom-web/studies",
    "/dicom-web/servers",
    "/dicom-web/info",
    "/dicom-web/app/client/index.html",
    "/wado",
    "/webdav/",
    "/plugins/explorer.js",
    "/inference/",
    "/inference/api/health",
    "/inference/api/jobs",
    "/nothing",
)


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Every method and address that this Orthanc says it has."""
    path = tmp_path_factory.mktemp("openapi") / "api.json"
    subprocess.run(["Orthanc", f"--openapi={path}"], check=True, capture_output=True)
    document = json.loads(path.read_text())
    core = [
        (method.upper(), re.sub(r"\{[^}]*\}", NOBODYS, address))
        for address, methods in document["paths"].items()
        for method in methods
    ]
    return core + [(method, address) for address in NOT_IN_THE_DOCUMENT for method in ("GET", "POST", "PUT", "DELETE")]


@pytest.mark.parametrize("password", [None, ("admin", "wrong"), ("", "")], ids=["none", "wrong", "empty"])
def test_no_route_is_open(house: House, routes: list[tuple[str, str]], password: tuple[str, str] | None) -> None:
    assert len(routes) > 200

    answers = {route: house.ask(*route, auth=password).status_code for route in routes}

    assert {route: status for route, status in answers.items() if status not in CLOSED} == {}


def test_every_route_is_open_to_the_administrator(house: House, routes: list[tuple[str, str]]) -> None:
    answers = {route: house.ask(*route) for route in routes if route[1] not in LEFT_ALONE}

    # Lua that comes in by HTTP runs as the server's user, so orthanc.json keeps it from the administrator, too.
    assert [route for route in answers if answers[route].status_code in CLOSED] == [("POST", "/tools/execute-script")]
    for address in ("/system", "/dicom-web/studies", "/app/explorer.html"):
        assert answers["GET", address].status_code == 200


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "PROPFIND", "TRACE", "CONNECT", "get"])
def test_no_other_method_opens_anything(house: House, method: str) -> None:
    for address in ("/system", "/instances", "/dicom-web/studies", "/webdav/"):
        assert house.ask(method, address, auth=None).status_code in (400, 401, 403, 404, 405, 501)


@pytest.mark.parametrize(
    "address",
    [
        "/inference/../system",
        "/inference/%2e%2e/system",
        "/inference/..%2fsystem",
        "/inference/%2e%2e%2fsystem",
        "/inference//../../system",
        "/inference/./../system",
        "//system",
        "/./system",
        "/%73ystem",
        "/system/",
        "/system?/inference/",
        "/system#/inference/",
        "/inference\\..\\system",
        "http://127.0.0.1/system",
        "/inference/../system HTTP/1.0\r\nX: /inference/",
    ],
)
def test_no_spelling_of_an_address_opens_it(house: House, address: str) -> None:
    with socket.create_connection(("127.0.0.1", house.http_port), timeout=10) as line:
        line.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))

    assert answer == b"" or answer.split()[1] in (b"400", b"401", b"403", b"404")
    assert b"DicomAet" not in answer


@pytest.mark.parametrize("address", ["/", "/inference", "/inference/", "/inference/api/jobs"])
def test_a_browser_is_asked_for_the_password(house: House, address: str) -> None:
    answer = house.ask("GET", address, auth=None)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="inference node", charset="UTF-8"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "Name and password are missing or wrong."


def test_the_entrance_leads_the_administrator_in(house: House) -> None:
    answer = house.ask("GET", "/")

    assert (answer.status_code, answer.headers["Location"]) == (303, "app/explorer.html")


def test_another_sites_page_changes_nothing(house: House) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}

    assert house.ask("POST", "/tools/generate-uid?level=study", headers=headers).status_code == 403
    assert house.ask("GET", "/system", headers=headers).status_code == 200


def test_the_nodes_own_token_opens_orthanc(house: House) -> None:
    token = house.ask("GET", "/inference/api/environment").json()["INFERENCE_ORTHANC_AUTHORIZATION"]

    assert token.startswith("Bearer ")
    assert house.ask("GET", "/system", auth=None, headers={"Authorization": token}).status_code == 200
    assert house.ask("GET", "/system", auth=None, headers={"Authorization": token + "x"}).status_code == 403


def test_the_http_server_refuses_other_machines(house: House) -> None:
    own = subprocess.check_output(["hostname", "-I"], text=True).split()
    if not own:
        pytest.skip("this machine has the loopback alone")

    answer = requests.get(f"http://{own[0]}:{house.http_port}/system", auth=house.password, timeout=10)

    assert (answer.status_code, answer.content) == (401, b"")


def test_what_orthanc_loaded_is_light(house: House) -> None:
    assert house.process is not None
    loaded = Path(f"/proc/{house.process.pid}/maps").read_text()

    assert "pydantic_core" in loaded
    for heavy in ("numpy", "onnxruntime", "skimage", "scipy", "sqlalchemy", "psycopg", "_sqlite3"):
        assert heavy not in loaded
