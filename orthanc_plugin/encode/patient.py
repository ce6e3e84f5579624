"""A making in, the line that says who the patient is out: for destinations that ask for it on the page itself."""

from __future__ import annotations

from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.view import header_of
from orthanc_plugin.imaging.header import text


def patient_line(making: Making) -> str:
    """Name in all the scripts that the source has it in, ID, date of birth; as they stand where they are garbled."""
    header = header_of(making.imaged, making.findings.key_slice)
    parts = (
        _name(text(header, "PatientName")),
        f"ID {text(header, 'PatientID')}",
        _born(text(header, "PatientBirthDate")),
    )
    return "  ·  ".join(part for part in parts if part)


def _name(name: str) -> str:
    """Components of a name are written apart, its representations (PS3.5 6.2.1) beside one another."""
    written = (" ".join(part for part in group.split("^") if part) for group in name.split("="))
    return "  ".join(group for group in written if group)


def _born(date: str) -> str:
    if len(date) != 8 or not date.isdigit():
        return f"born {date}" if date else ""
    return f"born {date[:4]}-{date[4:6]}-{date[6:]}"
