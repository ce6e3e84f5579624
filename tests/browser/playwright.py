"""The browser's driver from its pinned npm package, unpacked beside the project; run as a module by script/test."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from orthanc_plugin.viewer.package import Package, configured_registry, fetched, files

# The last that asks for no more than Debian 12's Node.js.
PLAYWRIGHT = Package(
    "playwright-core",
    "1.60.0",
    "9bW6zvX/m0lEbgTKJ6YppOKx8H3VOPBMOCFh2irXFOT4BbHgrx5hPjwJYLT40Lu+4qtD36qKc/Hn56StUW57IA==",
)
FOLDER = Path(__file__).resolve().parents[2] / ".browser" / f"playwright-core-{PLAYWRIGHT.version}"


def main() -> None:
    if FOLDER.exists():
        return
    draft = FOLDER.with_name("draft")
    shutil.rmtree(draft, ignore_errors=True)
    for path, content in files(fetched(PLAYWRIGHT, configured_registry("@playwright")), ""):
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_bytes(content)
    draft.rename(FOLDER)


if __name__ == "__main__":
    sys.exit(main())
