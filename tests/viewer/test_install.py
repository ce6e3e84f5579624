"""The package is fitted to its address: rewritten, compressed, its one long script in pieces, all or nothing."""

from __future__ import annotations

import gzip
import random
import re
from pathlib import Path

import pytest

from orthanc_plugin.viewer import install as fitting
from orthanc_plugin.viewer.install import install, installed
from tests.viewer.test_package import tarball

INDEX = """<!doctype html><script>window.PUBLIC_URL="/"</script><link href="/app.css" rel="stylesheet">
<a href="https://elsewhere.example/"></a><a href="//elsewhere.example"></a>
<script rel="preload" as="script" src="/app-config.js"></script>
<script rel="preload" as="script" type="module" src="/init-service-worker.js"></script>
<script defer src="/app.bundle.0f6159c501addfe9.js"></script>"""
MAPS = b"view(sourcePixelData.buffer, i * sliceLength, sliceLength)"
BUNDLE = random.Random(7).randbytes(9000)


def package(**more: bytes) -> bytes:
    return tarball(
        **{
            "package/dist/index.html": INDEX.encode(),
            "package/dist/app.bundle.0f6159c501addfe9.js": BUNDLE,
            "package/dist/worker.js": b'x; __webpack_require__.p = "/"; y',
            "package/dist/maps.js": MAPS,
            "package/dist/app.css": b"a { b: url(/c.png); d: url('/e.woff2'); f: url(data:g) }",
            "package/dist/c.png": b"png",
            "package/dist/app.js.map": b"map",
            "package/dist/ort/ort.wasm": b"wasm",
        }
        | more
    )


def unpacked(path: Path) -> str:
    return gzip.decompress(path.read_bytes()).decode()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fitting, "LARGEST_FILE_BYTES", 4000)
    install(package(), tmp_path / ".ohif")
    return tmp_path / ".ohif"


def test_it_lives_below_its_address(folder: Path) -> None:
    page = unpacked(folder / "index.html.gz")

    assert 'window.PUBLIC_URL="/ohif/"' in page and 'href="/ohif/app.css"' in page
    assert 'href="https://elsewhere.example/"' in page and 'href="//elsewhere.example"' in page
    assert unpacked(folder / "worker.js.gz") == 'x; __webpack_require__.p = "/ohif/"; y'
    assert unpacked(folder / "app.css.gz") == "a { b: url(/ohif/c.png); d: url('/ohif/e.woff2'); f: url(data:g) }"


def test_it_starts_with_the_nodes_settings_and_calls_nobody(folder: Path) -> None:
    page = unpacked(folder / "index.html.gz")

    assert '<script type="module" src="/ohif/node/config.js"></script>' in page
    assert "app-config.js" not in page and "service-worker" not in page


def test_the_frames_of_a_map_are_taken_where_they_begin(folder: Path, tmp_path: Path) -> None:
    mended = "view(sourcePixelData.buffer, i * sliceLength * sourcePixelData.BYTES_PER_ELEMENT, sliceLength)"
    assert unpacked(folder / "maps.js.gz") == mended
    with pytest.raises(ValueError, match="takes the frames of a map is another way than the one mended"):
        install(package(**{"package/dist/maps.js": b"another way"}), tmp_path / "other")


def test_what_only_a_debugger_reads_is_left_out(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir() if "bundle" not in path.name) == [
        "app.css.gz",
        "c.png",
        "index.html.gz",
        "installed",
        "maps.js.gz",
        "worker.js.gz",
    ]


def test_the_bundle_comes_in_short_pieces_that_are_the_whole(folder: Path) -> None:
    names = re.findall(r"/ohif/(app\.bundle\.[0-9a-f]{16}\.\d\.js)", unpacked(folder / "index.html.gz"))
    pieces = [(folder / f"{name}.gz").read_bytes() for name in names]

    assert len(pieces) > 2 and max(map(len, pieces)) <= 4000
    assert b"".join(map(gzip.decompress, pieces)) == BUNDLE
    assert not (folder / "app.bundle.0f6159c501addfe9.js.gz").exists()


def test_another_package_takes_the_place_of_the_first_as_a_whole(folder: Path) -> None:
    assert installed(folder)
    install(package(**{"package/dist/new.js": b"new"}), folder)

    assert installed(folder) and (folder / "new.js.gz").exists()
    assert [path.name for path in folder.parent.iterdir()] == [".ohif"]


def test_a_page_that_is_not_the_one_that_was_fitted_leaves_all_as_it_was(folder: Path) -> None:
    with pytest.raises(ValueError, match="the page of this version of OHIF is another than the one that was fitted"):
        install(package(**{"package/dist/index.html": b"<!doctype html>"}), folder)

    assert installed(folder) and "config.js" in unpacked(folder / "index.html.gz")


def test_what_was_fitted_otherwise_is_not_taken_for_installed(folder: Path) -> None:
    (folder / "installed").write_text("@ohif/app 3.0.0 another way\n")

    assert not installed(folder)
