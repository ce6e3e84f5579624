"""The viewer's files: what is served under which address, how it is kept, and that nothing else can be reached."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from orthanc_plugin.viewer.place import STAMP
from orthanc_plugin.web.viewer import lacking, link, page

PAGE = b"<!doctype html>"
SCRIPT = b"let viewer = true;" * 50
GZIP = {"accept-encoding": "gzip, deflate, br"}
LASTING = "private, max-age=31536000, immutable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".ohif"
    for name, content in {
        STAMP: b"",
        "index.html.gz": gzip.compress(PAGE),
        "12.bundle.b4688cdbdd856b75.js.gz": gzip.compress(SCRIPT),
        "5130ccb17e3f3f5b.wasm.gz": gzip.compress(b"wasm"),
        "assets/icon.png": b"png",
    }.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    (tmp_path / "orthanc.json").write_text("secret")
    return made


@pytest.mark.parametrize("uri", ["/ohif", "/ohif/", "/ohif/viewer", "/ohif/index.html", "/ohif/some/where"])
def test_the_page_is_under_every_address_that_is_no_file(uri: str, folder: Path) -> None:
    shown = page(uri, {}, folder)

    assert (shown.status, shown.media_type, shown.body) == (200, "text/html; charset=utf-8", PAGE)
    assert shown.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("uri", "media_type", "caching"),
    [
        ("/ohif/12.bundle.b4688cdbdd856b75.js", "text/javascript; charset=utf-8", LASTING),
        ("/ohif/5130ccb17e3f3f5b.wasm", "application/wasm", LASTING),
        ("/ohif/assets/icon.png", "image/png", "no-cache"),
        ("/ohif/node/config.js", "text/javascript; charset=utf-8", "no-cache"),
    ],
)
def test_files_are_what_they_are(uri: str, media_type: str, caching: str, folder: Path) -> None:
    shown = page(uri, GZIP, folder)

    assert (shown.status, shown.media_type) == (200, media_type)
    assert shown.headers["Cache-Control"] == caching
    assert shown.headers["X-Content-Type-Options"] == "nosniff"


def test_what_lies_compressed_goes_out_compressed_to_whom_takes_it(folder: Path) -> None:
    uri = "/ohif/12.bundle.b4688cdbdd856b75.js"
    squeezed, plain = page(uri, GZIP, folder), page(uri, {"accept-encoding": "identity"}, folder)

    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.body) == plain.body == SCRIPT
    assert "Content-Encoding" not in plain.headers
    assert squeezed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


def test_what_the_browser_has_is_not_sent_again(folder: Path) -> None:
    tag = page("/ohif/", GZIP, folder).headers["ETag"]

    again = page("/ohif/", GZIP | {"if-none-match": tag}, folder)
    (folder / "index.html.gz").write_bytes(gzip.compress(b"another"))

    assert (again.status, again.body) == (304, b"")
    assert page("/ohif/", GZIP | {"if-none-match": tag}, folder).status == 200


@pytest.mark.parametrize(
    "uri",
    [
        "/ohif/../orthanc.json",
        "/ohif/..%2forthanc.json",
        "/ohif/%2e%2e/orthanc.json",
        "/ohif/assets/../../orthanc.json",
        "/ohif//../orthanc.json",
        "/ohif/./../orthanc.json",
        "/ohif/..\\orthanc.json",
        "/ohif/node/../config.js",
        "/ohif/node/../../place.py",
        "/ohif//etc/passwd.json",
        "/ohif/nothing.js",
        "/ohif/node/nothing.js",
    ],
)
def test_no_spelling_leads_out_of_the_folder(uri: str, folder: Path) -> None:
    shown = page(uri, {}, folder)

    assert shown.status == 404 or shown.body == PAGE
    assert b"secret" not in shown.body


def test_a_node_without_the_viewer_says_so(tmp_path: Path) -> None:
    shown = page("/ohif/", {}, tmp_path)

    assert (shown.status, shown.media_type) == (503, "text/html; charset=utf-8")
    assert b"The viewer is not installed on this node." in shown.body
    assert lacking(tmp_path) == "The viewer is not installed; run script/setup where its npm registry can be reached."


def test_a_link_opens_the_series_of_a_study() -> None:
    assert link("1.2", ("1.2.1", "1.2.2")) == "/ohif/viewer?StudyInstanceUIDs=1.2&SeriesInstanceUIDs=1.2.1,1.2.2"
