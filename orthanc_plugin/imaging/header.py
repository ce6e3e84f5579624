"""Values out of a DICOM header: present and sound, absent, or refused with a sentence that names the keyword."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from orthanc_plugin.errors import Unsuitable

# What pydicom and zlib raise on damaged bytes; pydicom partly as late as when a value is looked at.
DAMAGED = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def refusal(header: Dataset, sentence: str) -> Unsuitable:
    return Unsuitable(sentence, stage="decode", series_uid=text(header, "SeriesInstanceUID"))


def name(header: Dataset) -> str:
    """How a sentence calls an instance; a UID is no patient data."""
    return f"The instance {text(header, 'SOPInstanceUID')}".rstrip()


def text(header: Dataset, keyword: str) -> str:
    """The value as text, empty where it is absent or unreadable."""
    try:
        value = header.get(keyword)
    except DAMAGED:
        return ""
    return "" if value is None else str(value).strip()


def words(header: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of a multi-valued code string, such as ImageType."""
    try:
        value = header.get(keyword)
    except DAMAGED:
        return ()
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(part) for part in value)


def integer(header: Dataset, keyword: str) -> int | None:
    value = number(header, keyword)
    if value is None:
        return None
    if value != int(value):
        raise refusal(header, f"{name(header)} states {keyword} as {value:g}, which is no whole number.")
    return int(value)


def number(header: Dataset, keyword: str) -> float | None:
    values = numbers(header, keyword, 1)
    return None if values is None else values[0]


def numbers(header: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """`count` finite numbers, None where the attribute is absent or empty; Unsuitable for anything else."""
    try:
        value = header.get(keyword)
        if value is None or value == "":
            return None
        parts: Sequence[object] = [value] if isinstance(value, (str, int, float)) else list(value)
        found = tuple(float(part) for part in parts)  # type: ignore[arg-type]
    except DAMAGED as error:
        raise refusal(
            header, f"{name(header)} states {keyword} as something that is no number; send the series again."
        ) from error
    if not found:
        return None
    if len(found) != count:
        raise refusal(header, f"{name(header)} states {len(found)} values of {keyword} where {count} belong.")
    if not all(math.isfinite(part) for part in found):
        raise refusal(header, f"{name(header)} states {keyword} as a number that is not finite.")
    return found
