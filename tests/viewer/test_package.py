"""A package is taken from the registry that npm is told of, and only when it is the very one that was pinned."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path, PurePosixPath

import pytest

from orthanc_plugin.errors import Broken, Temporary
from orthanc_plugin.viewer.package import Package, configured_registry, fetched, files


def tarball(**content: bytes) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return whole.getvalue()


CONTENT = tarball(**{"package/dist/a.js": b"a", "package/README.md": b"r", "package/dist/../../b.js": b"b"})


def pinned(content: bytes) -> Package:
    return Package("@scope/viewer", "1.2.3", base64.b64encode(hashlib.sha512(content).digest()).decode())


@pytest.fixture
def registry() -> Iterator[str]:
    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/@scope/viewer/-/viewer-1.2.3.tgz"
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(CONTENT) if known else 0))
            self.end_headers()
            self.wfile.write(CONTENT if known else b"")

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_the_pinned_package_comes(registry: str) -> None:
    heard: list[tuple[int, int]] = []

    assert fetched(pinned(CONTENT), registry, lambda now, whole: heard.append((now, whole))) == CONTENT
    assert heard[-1] == (len(CONTENT), len(CONTENT))


def test_another_one_is_refused(registry: str) -> None:
    with pytest.raises(Broken) as caught:
        fetched(pinned(b"another"), registry)
    assert caught.value.sentence == (
        f"What {registry}@scope/viewer/-/viewer-1.2.3.tgz gave is not @scope/viewer 1.2.3 as it was pinned, so nothing "
        "was installed; look at that registry."
    )


def test_a_registry_that_does_not_have_it(registry: str) -> None:
    with pytest.raises(Temporary) as caught:
        fetched(Package("@scope/viewer", "9.9.9", ""), registry)
    assert caught.value.sentence == (
        f"@scope/viewer 9.9.9 can't be fetched from {registry}@scope/viewer/-/viewer-9.9.9.tgz (HTTPStatusError); "
        "connect the machine for a moment, or name a registry that it reaches in npm_config_registry."
    )


def test_a_machine_that_reaches_nothing() -> None:
    with pytest.raises(Temporary, match=r"can't be fetched from http://127\.0\.0\.1:9/.* \(ConnectError\)"):
        fetched(pinned(CONTENT), "http://127.0.0.1:9")


def test_only_plain_files_below_the_folder_are_unpacked() -> None:
    assert dict(files(CONTENT, "dist")) == {PurePosixPath("a.js"): b"a"}


@pytest.mark.parametrize(
    ("environment", "written", "registry"),
    [
        ({}, "", "https://registry.npmjs.org"),
        ({"npm_config_registry": "https://a"}, "registry=https://b", "https://a"),
        ({"NPM_CONFIG_REGISTRY": "https://a"}, "", "https://a"),
        ({}, "fund=false\nregistry = https://b/npm/\n", "https://b/npm/"),
        ({}, "@ohif:registry=https://c\nregistry=https://b\n", "https://c"),
    ],
)
def test_the_registry_is_the_one_that_npm_uses(
    environment: dict[str, str], written: str, registry: str, tmp_path: Path
) -> None:
    (tmp_path / ".npmrc").write_text(written)

    assert configured_registry("@ohif", environment, (tmp_path / "none", tmp_path / ".npmrc")) == registry
