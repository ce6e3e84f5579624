"""OHIF's npm package in, `.ohif/` out: rewritten to live at `/ohif/`, compressed, in answers that Orthanc can give.

Run as a module it does so once for each version, and says in one sentence when it can't.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path, PurePosixPath

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from orthanc_plugin.errors import NodeError
from orthanc_plugin.viewer.package import Package, configured_registry, fetched, files
from orthanc_plugin.viewer.place import FOLDER, LARGEST_FILE_BYTES, PREFIX, STAMP

OHIF = Package(
    "@ohif/app",
    "3.13.2",
    "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==",
)
# Runtimes for models that the viewer would fetch from the network, and what only a debugger reads: two thirds of it.
LEFT_OUT = ("ort",)
LEFT_OUT_SUFFIXES = (".map",)
# Icons and fonts are compressed already.
COMPRESSED = frozenset({".js", ".css", ".html", ".json", ".svg", ".wasm", ".xml"})
BUNDLE = re.compile(r'<script defer src="/ohif/(app\.bundle\.[^"]+\.js)"></script>')
SETTINGS = '<script rel="preload" as="script" src="/ohif/app-config.js"></script>'
OWN_SETTINGS = '<script type="module" src="/ohif/node/config.js"></script>'
SERVICE_WORKER = '<script rel="preload" as="script" type="module" src="/ohif/init-service-worker.js"></script>'
# Where frames of a parametric map begin is counted in numbers where bytes are meant: where a slice has an odd number of
# pixels, OHIF ends with an error.
FRAME_TAKEN = b"sourcePixelData.buffer, i * sliceLength, sliceLength"
FRAME_IN_BYTES = b"sourcePixelData.buffer, i * sliceLength * sourcePixelData.BYTES_PER_ELEMENT, sliceLength"
# The bundle is longer than any answer of a Python plugin may be (see docs/viewer.md), so it comes in pieces.
JOINED = """<script type="module">
const answers = await Promise.all(%s.map(name => fetch(name)));
const pieces = await Promise.all(answers.map(answer => answer.blob()));
const script = document.createElement("script");
script.src = URL.createObjectURL(new Blob(pieces, {type: "text/javascript"}));
document.head.append(script);
</script>"""


def rewritten(path: PurePosixPath, content: bytes) -> bytes:
    """The bundle expects to live at `/`, and says so in its page, its scripts' public path and its style sheets; and
    stumbles over parametric maps with an odd number of pixels a slice.
    """
    if path.suffix == ".html":
        text = re.sub(r'(href|src)="/(?!/)', rf'\1="{PREFIX}/', content.decode())
        return text.replace('PUBLIC_URL="/"', f'PUBLIC_URL="{PREFIX}/"').encode()
    if path.suffix == ".js":
        content = content.replace(FRAME_TAKEN, FRAME_IN_BYTES)
        return content.replace(b'__webpack_require__.p = "/";', f'__webpack_require__.p = "{PREFIX}/";'.encode())
    if path.suffix == ".css":
        return re.sub(rb"url\((['\"]?)/(?!/)", rf"url(\g<1>{PREFIX}/".encode(), content)
    return content


def install(tarball: bytes, folder: Path) -> None:
    """All of it or nothing: the folder is exchanged once the new one is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=folder.parent) as draft:
        made, maps_mended = Path(draft) / "new", False
        for path, content in files(tarball, "dist"):
            if path.parts[0] not in LEFT_OUT and path.suffix not in LEFT_OUT_SUFFIXES:
                maps_mended |= path.suffix == ".js" and FRAME_TAKEN in content
                write(made / path, rewritten(path, content))
        if not maps_mended:
            raise ValueError("how this version of OHIF takes the frames of a map is another way than the one mended")
        fit_page(made)
        (made / STAMP).write_text(stamp(), "utf-8")
        if folder.exists():
            folder.rename(Path(draft) / "old")
        made.rename(folder)


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in COMPRESSED:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, mtime=0))
    else:
        path.write_bytes(content)


def fit_page(folder: Path) -> None:
    """Our settings in place of the package's, the bundle in pieces, no service worker from elsewhere."""
    page = folder / "index.html.gz"
    text = gzip.decompress(page.read_bytes()).decode()
    bundle = BUNDLE.search(text)
    if bundle is None or SETTINGS not in text:
        raise ValueError("the page of this version of OHIF is another than the one that was fitted")
    names = [f"{PREFIX}/{name}" for name in in_pieces(folder / f"{bundle[1]}.gz")]
    text = text.replace(bundle[0], JOINED % json.dumps(names))
    text = text.replace(SETTINGS, OWN_SETTINGS).replace(SERVICE_WORKER, "")
    page.write_bytes(gzip.compress(text.encode(), mtime=0))


def in_pieces(file: Path) -> list[str]:
    """Their names; how much a piece compresses is known only afterwards, so the number grows until all are short."""
    content = gzip.decompress(file.read_bytes())
    for number in range(1, len(content)):
        length = -(-len(content) // number)
        pieces = [gzip.compress(content[at : at + length], mtime=0) for at in range(0, len(content), length)]
        if max(map(len, pieces)) <= LARGEST_FILE_BYTES:
            break
    file.unlink()
    stem = file.name.removesuffix(".js.gz")
    names = [f"{stem}.{place}.js" for place in range(len(pieces))]
    for name, piece in zip(names, pieces, strict=True):
        file.with_name(f"{name}.gz").write_bytes(piece)
    return names


def stamp() -> str:
    """Another version, and another way to fit it, install anew."""
    way = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"{OHIF.name} {OHIF.version} {way}\n"


def installed(folder: Path) -> bool:
    path = folder / STAMP
    return path.is_file() and path.read_text("utf-8") == stamp()


def main() -> int:
    if installed(FOLDER):
        return 0
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    try:
        with Progress(*columns, transient=True) as progress:
            task = progress.add_task(f"OHIF {OHIF.version}")
            registry = configured_registry("@ohif")
            tarball = fetched(OHIF, registry, lambda now, whole: progress.update(task, completed=now, total=whole))
            progress.update(task, description=f"OHIF {OHIF.version}: unpacking", total=None)
            install(tarball, FOLDER)
    except NodeError as error:
        print(f"The viewer is not installed. {error.sentence}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The viewer can't be written to {FOLDER}: {error.strerror}; correct its permissions.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
