"""The archive behind Orthanc's REST: series and their files in, results out."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import httpx
from pydicom.dataset import Dataset
from pyorthanc import Orthanc

from orthanc_plugin.archive.content import file_of, same_content
from orthanc_plugin.archive.protocol import Receipt, StoredSeries
from orthanc_plugin.errors import Broken, Temporary, Unsuitable

# An answer of Orthanc begins within a second; a minute covers a disk that is busy with a large study.
PATIENCE = httpx.Timeout(60.0, connect=5.0)
# Enough to hide the way to an archive in another house; beside the decoding, more would only take turns.
READERS = 4
FILES_AHEAD = 16
# Orthanc's own numbers (OrthancStatus) for a full storage and for a file that it could not write.
NO_ROOM = frozenset({11, 14})

REJECTED = "All images of the series were rejected by a key object, so nothing was made of it."
GONE = "The series is no longer in the archive: it was deleted, merged or anonymised, so nothing was made of it."


class RestArchive:
    """One kept-alive client, which any number of threads may share.

    pyorthanc rather than requests: 1,800 files of 500 kB a second against 1,400. Compressed answers would be 30 times
    slower (see docs/configuration.md), so none is asked for.
    """

    def __init__(
        self,
        url: str,
        authorization: str,
        patience: httpx.Timeout = PATIENCE,
        rejected: Callable[[str], Collection[str]] = lambda _series_uid: (),
    ) -> None:
        """`rejected` are the SOPInstanceUIDs of a series that are as if they were not there."""
        self._rejected = rejected
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": authorization} if authorization else {})
        self._orthanc = Orthanc(
            url.rstrip("/"), return_raw_response=True, headers=headers, timeout=patience, trust_env=False
        )

    def close(self) -> None:
        self._orthanc.close()

    def series(self, series_uid: str) -> StoredSeries:
        series_id = self._series_id(series_uid)
        study = self._ask(self._orthanc.get_series_id_study, series_id).json()
        instances, rejected = self._read_of(series_id, series_uid)
        return StoredSeries(
            study_uid=study["MainDicomTags"]["StudyInstanceUID"],
            series_uid=series_uid,
            sop_instance_uids=tuple(sorted(_sop_instance_uid(instance) for instance in instances)),
            fingerprint=_fingerprint(study, instances),
            rejected=rejected,
        )

    def read(self, series_uid: str, only: Collection[str] = ()) -> Iterator[bytes]:
        instances, _ = self._read_of(self._series_id(series_uid), series_uid)
        wanted = [instance for instance in instances if not only or _sop_instance_uid(instance) in only]
        return self._read_ahead([instance["ID"] for instance in wanted])

    def store(self, kind: str, dataset: Dataset) -> Receipt:
        file, uid = file_of(kind, dataset), str(dataset.SOPInstanceUID)
        held = self._held(kind, uid, file)
        was_there = held is not None
        if held is None:
            status = self._ask(self._orthanc.post_instances, content=file).json().get("Status")
            if status == "AlreadyStored":  # another worker came first
                held = self._held(kind, uid, file)
                was_there = held is not None
            elif status != "Success":
                raise Broken(
                    f"The archive did not take the {kind} (it answered {status}); look at its filters and its log.",
                    stage="store",
                )
        sha256 = hashlib.sha256(held or file).hexdigest()
        return Receipt(kind, uid, str(dataset.SeriesInstanceUID), was_there, sha256)

    def file(self, sop_instance_uid: str) -> bytes | None:
        for instance_id in self._lookup(sop_instance_uid, "Instance"):
            try:
                return self._file(instance_id)
            except Unsuitable:
                continue  # deleted between the two questions
        return None

    def withdraw(self, sop_instance_uid: str) -> None:
        for instance_id in self._lookup(sop_instance_uid, "Instance"):
            try:
                self._ask(self._orthanc.delete_instances_id, instance_id)
            except Unsuitable:
                continue  # gone already

    def _held(self, kind: str, uid: str, file: bytes) -> bytes | None:
        """The result as the archive holds it; Broken when that is another object under the same UID.

        Whatever Orthanc would do then (`OverwriteInstances`), it is not asked to.
        """
        stored = self.file(uid)
        if stored is not None and not same_content(stored, file):
            raise Broken(
                f"The archive holds another {kind} under the same SOP instance UID ({uid}), so this one was not "
                "stored; delete the other one if it is wrong, and retry.",
                stage="store",
            )
        return stored

    def _series_id(self, series_uid: str) -> str:
        found = self._lookup(series_uid, "Series")
        if not found:
            raise Unsuitable(GONE, stage="read", series_uid=series_uid)
        if len(found) > 1:
            raise Unsuitable(
                "The archive holds the series in more than one study or under more than one patient; merge or delete "
                "them until one is left.",
                stage="read",
                series_uid=series_uid,
            )
        return found[0]

    def _lookup(self, uid: str, level: str) -> list[str]:
        """Orthanc's identifiers of what bears the UID; pyorthanc's own call for it takes no UID."""
        found = self._ask(self._orthanc.post, f"{self._orthanc.url}/tools/lookup", content=uid).json()
        return [entry["ID"] for entry in found if entry["Type"] == level]

    def _instances(self, series_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask(
            self._orthanc.get_series_id_instances, series_id, params={"expand": ""}
        ).json()
        return found

    def _read_of(self, series_id: str, series_uid: str) -> tuple[list[dict[str, Any]], int]:
        """The instances that count, and how many were rejected."""
        found, rejected = self._instances(series_id), frozenset(self._rejected(series_uid))
        counting = [instance for instance in found if _sop_instance_uid(instance) not in rejected]
        if found and not counting:
            raise Unsuitable(REJECTED, stage="read", series_uid=series_uid)
        return counting, len(found) - len(counting)

    def _read_ahead(self, instance_ids: Sequence[str]) -> Iterator[bytes]:
        """At most FILES_AHEAD files wait for the caller; what is left undone when it goes away is dropped."""
        pool = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        ahead: deque[Future[bytes]] = deque()
        try:
            for instance_id in instance_ids:
                ahead.append(pool.submit(self._file, instance_id))
                if len(ahead) >= FILES_AHEAD:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _file(self, instance_id: str) -> bytes:
        return self._ask(self._orthanc.get_instances_id_file, instance_id).content

    def _ask(self, call: Callable[..., Any], *arguments: str, **named: Any) -> httpx.Response:
        """The answer, or an error of ours; asked twice when Orthanc had just closed an idle connection."""
        try:
            try:
                answer = call(*arguments, **named)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                answer = call(*arguments, **named)
        except httpx.HTTPError as error:
            raise Temporary("The archive does not answer; the job goes on when it is back.", stage="read") from error
        _check(answer)
        checked: httpx.Response = answer
        return checked


def _check(answer: httpx.Response) -> None:
    status = answer.status_code
    if answer.is_success:
        return
    if status == HTTPStatus.NOT_FOUND:
        raise Unsuitable(GONE, stage="read")
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise Broken(
            f"The archive refuses the node's authorization ({status}); give the worker the credentials of this archive."
        )
    reason, number = _reason(answer)
    if status == HTTPStatus.INSUFFICIENT_STORAGE or number in NO_ROOM:
        raise Temporary(
            f"The archive can't write ({reason}), most likely because its disk is full; make room, the job is tried "
            "again.",
            stage="store",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Temporary(f"The archive answers with {status} ({reason}); the job is tried again.")
    raise Broken(f"The archive refuses with {status} ({reason}); look at its log.", stage="store")


def _reason(answer: httpx.Response) -> tuple[str, int | None]:
    """Orthanc's name of the error and its number; what else it says may quote the object."""
    try:
        error = answer.json()
        return str(error["OrthancError"]), int(error["OrthancStatus"])
    except (KeyError, TypeError, ValueError):
        return answer.reason_phrase or "no reason given", None


def _sop_instance_uid(instance: dict[str, Any]) -> str:
    uid: str = instance["MainDicomTags"]["SOPInstanceUID"]
    return uid


def _fingerprint(study: dict[str, Any], instances: list[dict[str, Any]]) -> str:
    """Orthanc gives a file another identifier whenever it writes it anew, and a patient another with its PatientID."""
    files = sorted(f"{_sop_instance_uid(instance)} {instance['FileUuid']}" for instance in instances)
    parts = [study["ParentPatient"], study["MainDicomTags"]["StudyInstanceUID"], *files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
