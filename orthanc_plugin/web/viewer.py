"""An address below `/ohif` in, the file of the viewer out; read when it is asked for, nothing is kept in memory."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from orthanc_plugin.viewer import place

OWN_PAGES = Path(place.__file__).with_name("pages")
ADDRESS = re.compile(re.escape(place.PREFIX) + r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
NODE = f"{place.PREFIX}/node/"
# The names of these hold a digest of their content.
NEVER_CHANGES = re.compile(r".*[.]?[0-9a-f]{16}(\.\d+)?\.(js|wasm|woff2)")
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".xml": "text/xml",
}
ABSENT = b"""<!doctype html><html lang="en"><title>Viewer</title><p>The viewer is not installed on this node.
Run script/setup where its registry can be reached, or see docs/viewer.md.</p></html>"""


@dataclass(frozen=True)
class Page:
    """What goes over the wire; `media_type` is empty where there is no body."""

    status: int
    media_type: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def lacking(folder: Path = place.FOLDER) -> str:
    """Empty when the viewer is there."""
    if (folder / place.STAMP).is_file():
        return ""
    return "The viewer is not installed; run script/setup where its npm registry can be reached."


def page(uri: str, headers: Mapping[str, str], folder: Path = place.FOLDER) -> Page:
    """The file of that name, or the viewer's page, whose own router knows the rest; names of headers in lower case."""
    if lacking(folder):
        return Page(HTTPStatus.SERVICE_UNAVAILABLE, MEDIA_TYPES[".html"], ABSENT)
    found = file(uri, folder)
    if found is None and Path(uri).suffix in MEDIA_TYPES:
        return Page(HTTPStatus.NOT_FOUND)
    return sent(found or folder / "index.html.gz", headers)


def file(uri: str, folder: Path) -> Path | None:
    """None where no such file is; no spelling of an address leads out of the two folders."""
    if ADDRESS.fullmatch(uri) is None:
        return None
    root, rest = (OWN_PAGES, uri.removeprefix(NODE)) if uri.startswith(NODE) else (folder, uri[len(place.PREFIX) + 1 :])
    candidates = (root / f"{rest}.gz", root / rest)
    return next((path for path in candidates if rest and path.is_file()), None)


def sent(path: Path, headers: Mapping[str, str]) -> Page:
    """Not again what the browser has; compressed as it lies there, save for the rare client that takes no gzip."""
    state = path.stat()
    tag = f'"{state.st_mtime_ns:x}-{state.st_size:x}"'
    name, compressed = path.name.removesuffix(".gz"), path.suffix == ".gz"
    lasting = NEVER_CHANGES.fullmatch(name) is not None
    more = {"ETag": tag, "Cache-Control": "private, max-age=31536000, immutable" if lasting else "no-cache"}
    if headers.get("if-none-match") == tag:
        return Page(HTTPStatus.NOT_MODIFIED, headers=more)
    body = path.read_bytes()
    if compressed and "gzip" in headers.get("accept-encoding", ""):
        more |= {"Content-Encoding": "gzip"}
    elif compressed:
        body = gzip.decompress(body)
    media_type = MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream")
    return Page(
        HTTPStatus.OK, media_type, body, more | {"Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
    )


def link(study_uid: str, series_uids: tuple[str, ...]) -> str:
    """Where the viewer shows these series of the study side by side, with what is outlined drawn upon its source."""
    wanted = {"StudyInstanceUIDs": study_uid, "SeriesInstanceUIDs": ",".join(series_uids)}
    return f"{place.PREFIX}/viewer?{urlencode(wanted, safe=',')}"
