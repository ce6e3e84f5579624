"""The viewer's files in a real Orthanc: behind the password, and no stalled client keeps the others waiting."""

from __future__ import annotations

import gzip
import random
import socket
import time
from base64 import b64encode

import pytest

from orthanc_plugin.viewer.place import LARGEST_FILE_BYTES, STAMP
from tests.plugin.conftest import House

LARGEST = "1234567890abcdef.wasm"
PAGE = b"<!doctype html>"


@pytest.fixture(scope="module")
def viewed(house: House) -> House:
    folder = house.project / ".ohif"
    folder.mkdir()
    (folder / f"{LARGEST}.gz").write_bytes(random.Random(7).randbytes(LARGEST_FILE_BYTES))
    (folder / "index.html.gz").write_bytes(gzip.compress(PAGE))
    (folder / STAMP).touch()
    return house


def test_without_a_password_a_browser_is_led_to_where_it_is_asked(viewed: House) -> None:
    page = {"Accept": "text/html"}
    led = viewed.ask("GET", "/ohif/viewer?StudyInstanceUIDs=1.2,1.3", auth=None, headers=page)
    asked = viewed.ask("GET", led.headers["Location"], auth=None, headers=page)
    back = viewed.ask("GET", led.headers["Location"])

    assert (led.status_code, asked.status_code, back.status_code) == (303, 401, 303)
    assert back.headers["Location"] == "/ohif/viewer?StudyInstanceUIDs=1.2,1.3"
    assert viewed.ask("GET", back.headers["Location"]).content == PAGE


@pytest.mark.parametrize("address", ["/ohif", "/ohif/", "/ohif/viewer", f"/ohif/{LARGEST}", "/ohif/node/config.js"])
def test_no_file_is_given_without_the_password(viewed: House, address: str) -> None:
    assert viewed.ask("GET", address, auth=None).status_code == 401


def test_a_file_is_kept_by_the_browser(viewed: House) -> None:
    first = viewed.ask("GET", "/ohif/")
    again = viewed.ask("GET", "/ohif/", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.content, first.headers["Content-Encoding"]) == (PAGE, "gzip")
    assert (again.status_code, again.content) == (304, b"")


def test_a_client_that_stalls_in_the_longest_file_holds_nobody_up(viewed: House) -> None:
    name, password = viewed.password
    authorization = b64encode(f"{name}:{password}".encode()).decode()
    with socket.create_connection(("127.0.0.1", viewed.http_port)) as stalled:
        stalled.sendall(
            f"GET /ohif/{LARGEST} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n"
            f"Authorization: Basic {authorization}\r\n\r\n".encode()
        )
        stalled.recv(1)  # the answer has begun, and nobody takes the rest

        began_s = time.monotonic()
        for _ in range(5):
            assert viewed.ask("GET", "/system").status_code == 200
        assert time.monotonic() - began_s < 2
