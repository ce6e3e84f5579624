"""What a job worked on and with in, the record of its results out, which the ledger keeps."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib import metadata

from orthanc_plugin import __version__
from orthanc_plugin.encode.identity import RESULT_SCHEMA, Origin
from orthanc_plugin.encode.lettering import typeface
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.jobs.job import Job, PlannedResult, Record

# All whose arithmetic or writing may show in a result; of the runtimes one is installed.
PACKAGES = (
    *("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "numpy", "scipy", "scikit-image"),
    *("highdicom", "pydicom", "pylibjpeg-libjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pyjpegls", "pillow"),
)


def record_of(
    inputs: Mapping[str, Imaged], origin: Origin, encoding: str, predecessors: tuple[PlannedResult, ...]
) -> Record:
    """`encoding` is what the destination takes, from which its profile can be read again."""
    offset = origin.created_at.utcoffset() or timedelta()
    return Record(
        inputs=tuple((role, digest_of(role, imaged)) for role, imaged in sorted(inputs.items())),
        parameters=origin.parameters,
        provider=origin.provider,
        encoding=encoding,
        result_schema=RESULT_SCHEMA,
        versions=versions(),
        utc_offset_s=round(offset.total_seconds()),
        predecessors=predecessors,
    )


def digest_of(role: str, imaged: Imaged) -> str:
    """SHA-256 over the images in their order and their pixels; the same images in another role are another input."""
    sources = [f"{source.sop_instance_uid} {source.frame_number}" for source in imaged.sources]
    return hashlib.sha256("\n".join([role, *sources, *imaged.pixel_digests]).encode()).hexdigest()


def ordered_at(job: Job) -> datetime:
    """In the hospital's local time, as it was when the results were first planned."""
    if job.record is None:
        return job.created_at.astimezone()
    return job.created_at.astimezone(timezone(timedelta(seconds=job.record.utc_offset_s)))


@cache
def versions() -> tuple[tuple[str, str], ...]:
    found = {"inference-node": __version__, "python": platform.python_version(), "typeface": typeface()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return tuple(found.items())
