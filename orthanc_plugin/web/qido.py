"""A query of the viewer in, the address at which Orthanc's own QIDO-RS understands it out.

Orthanc's DICOMweb 1.7 decodes no percent signs in a query and takes several fields only one by one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

PREFIX = "/inference/dicom-web"
NATIVE = "/dicom-web"
SEARCHES = re.compile(r"/studies(/[0-9.]+/series(/[0-9.]+/instances)?)?")
MEDIA_TYPE = "application/dicom+json"


def native(uri: str, query: Mapping[str, str]) -> str | None:
    """None where it is no search; `query` as it came, undecoded."""
    path = uri.removeprefix(PREFIX)
    if SEARCHES.fullmatch(path) is None:
        return None
    arguments = [pair for name, value in query.items() for pair in pairs(unquote_plus(name), unquote_plus(value))]
    return f"{NATIVE}{path}" + (f"?{'&'.join(arguments)}" if arguments else "")


def pairs(name: str, value: str) -> list[str]:
    """What would part one argument from the next becomes DICOM's sign for any character (PS3.4 C.2.2.2.4)."""
    if name == "includefield":
        return [f"includefield={field}" for field in value.split(",")]
    return [re.sub(r"[&#]", "?", f"{name}={value}")]
