"""The npm packages of package-lock.json, unpacked in node_modules beside it; run as a module by script/test.

Needs no npm on the machine, only its registry. `npm ci --ignore-scripts` gives the same.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orthanc_plugin.viewer.package import Package, configured_registry, fetched, files

HERE = Path(__file__).parent
LOCK = HERE / "package-lock.json"
FOLDER = HERE / "node_modules"
STAMP = FOLDER / ".lock"
AT_ONCE = 8


def main() -> None:
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == wanted:
        return
    draft = HERE / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda one: unpack(*one, draft), packages()))
    shutil.rmtree(FOLDER, ignore_errors=True)
    (draft / FOLDER.name).rename(FOLDER)
    draft.rmdir()
    STAMP.write_text(wanted)


def packages() -> Iterator[tuple[str, Package]]:
    """Where each goes, and what it is."""
    for place, locked in json.loads(LOCK.read_text("utf-8"))["packages"].items():
        if place:
            name = place.rpartition("node_modules/")[2]
            yield place, Package(name, locked["version"], locked["integrity"].removeprefix("sha512-"))


def unpack(place: str, package: Package, draft: Path) -> None:
    scope = package.name.partition("/")[0] if package.name.startswith("@") else ""
    for path, content in files(fetched(package, configured_registry(scope)), ""):
        target = draft / place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
