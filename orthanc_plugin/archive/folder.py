"""The archive that is a folder of DICOM files, at any depth: for trying models on files, and for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from orthanc_plugin.archive.content import file_of, same_content
from orthanc_plugin.archive.protocol import Receipt, StoredSeries
from orthanc_plugin.errors import Broken, Temporary, Unsuitable
from orthanc_plugin.imaging.header import DAMAGED, text

PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")


@dataclass(frozen=True)
class Entry:
    """A file of the folder, as far as the archive must know it."""

    path: Path
    patient: tuple[str, ...]
    study_uid: str
    series_uid: str
    sop_instance_uid: str
    digest: str


class FolderArchive:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def series(self, series_uid: str) -> StoredSeries:
        entries = self._entries_of(series_uid)
        first = entries[0]
        files = sorted(f"{entry.sop_instance_uid} {entry.digest}" for entry in entries)
        return StoredSeries(
            study_uid=first.study_uid,
            series_uid=series_uid,
            sop_instance_uids=tuple(sorted(entry.sop_instance_uid for entry in entries)),
            fingerprint=hashlib.sha256("\n".join([*first.patient, first.study_uid, *files]).encode()).hexdigest(),
        )

    def read(self, series_uid: str, only: Collection[str] = ()) -> Iterator[bytes]:
        entries = self._entries_of(series_uid)
        return (_bytes(entry.path) for entry in entries if not only or entry.sop_instance_uid in only)

    def store(self, kind: str, dataset: Dataset) -> Receipt:
        file, uid = file_of(kind, dataset), str(dataset.SOPInstanceUID)
        stored = [entry for entry in self._entries() if entry.sop_instance_uid == uid]
        if stored and not same_content(_bytes(stored[0].path), file):
            raise Broken(
                f"The folder holds another {kind} under the same SOP instance UID ({uid}), so this one was not stored; "
                "delete the other one if it is wrong, and retry.",
                stage="store",
            )
        if not stored:
            self._write(self._folder / f"{uid}.dcm", file)
        held = _bytes(stored[0].path) if stored else file
        return Receipt(kind, uid, str(dataset.SeriesInstanceUID), bool(stored), hashlib.sha256(held).hexdigest())

    def file(self, sop_instance_uid: str) -> bytes | None:
        found = (entry.path for entry in self._entries() if entry.sop_instance_uid == sop_instance_uid)
        path = next(found, None)
        return None if path is None else _bytes(path)

    def withdraw(self, sop_instance_uid: str) -> None:
        for entry in self._entries():
            if entry.sop_instance_uid == sop_instance_uid:
                entry.path.unlink(missing_ok=True)

    def _write(self, path: Path, file: bytes) -> None:
        """Whole or not at all."""
        part = path.with_suffix(".part")
        try:
            part.write_bytes(file)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise Temporary(
                f"The folder can't be written ({error.strerror}), most likely because the disk is full; make room, "
                "the job is tried again.",
                stage="store",
            ) from error

    def _entries_of(self, series_uid: str) -> list[Entry]:
        entries = [entry for entry in self._entries() if entry.series_uid == series_uid]
        if not entries:
            raise Unsuitable(
                "The series is not in the folder; nothing was made of it.", stage="read", series_uid=series_uid
            )
        if len({(entry.study_uid, entry.patient[0]) for entry in entries}) > 1:
            raise Unsuitable(
                "The folder holds the series in more than one study or under more than one patient; delete files until "
                "one is left.",
                stage="read",
                series_uid=series_uid,
            )
        return entries

    def _entries(self) -> Iterator[Entry]:
        for path in sorted(path for path in self._folder.rglob("*") if path.is_file()):
            entry = _entry(path)
            if entry is not None:
                yield entry


def _entry(path: Path) -> Entry | None:
    """None for files that are no DICOM."""
    data = _bytes(path)
    try:
        header = pydicom.dcmread(BytesIO(data), stop_before_pixels=True)
    except DAMAGED:
        return None
    return Entry(
        path,
        tuple(text(header, keyword) for keyword in PATIENT),
        text(header, "StudyInstanceUID"),
        text(header, "SeriesInstanceUID"),
        text(header, "SOPInstanceUID"),
        hashlib.sha256(data).hexdigest(),
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise Unsuitable("A file of the series was deleted while it was read.", stage="read") from error
    except OSError as error:
        raise Temporary(
            f"A file of the folder can't be read ({error.strerror}); the job is tried again.", stage="read"
        ) from error
