"""The door to an archive: what the node asks of it, whatever stands behind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # whoever only keeps the books of jobs need not wait for pydicom
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class StoredSeries:
    """What an archive holds of a series at one moment; `fingerprint` changes with any of its files or its patient.

    Rejected instances are no part of it; `rejected` says how many there are.
    """

    study_uid: str
    series_uid: str
    sop_instance_uids: tuple[str, ...]
    fingerprint: str
    rejected: int = 0


@dataclass(frozen=True)
class Receipt:
    """The archive's word that it holds a result; `was_there` when it already did, `sha256` of the file in it."""

    kind: str
    sop_instance_uid: str
    series_instance_uid: str
    was_there: bool = False
    sha256: str = ""


class Archive(Protocol):
    """Errors: Unsuitable when it is gone, Temporary when the archive is away, Broken when it refuses."""

    def series(self, series_uid: str) -> StoredSeries: ...

    def read(self, series_uid: str, only: Collection[str] = ()) -> Iterator[bytes]:
        """The instances' DICOM files, in no order, read ahead while the caller decodes; `only` some SOPInstanceUIDs."""
        ...

    def store(self, kind: str, dataset: Dataset) -> Receipt: ...

    def file(self, sop_instance_uid: str) -> bytes | None:
        """The DICOM file of a result, None when it is not there."""
        ...

    def withdraw(self, sop_instance_uid: str) -> None:
        """Take back a result of ours; nothing happens when it is not there."""
        ...
