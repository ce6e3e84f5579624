"""Orthanc's REST in, what intake asks of it out: changes, series, headers, senders, and now and then a whole file."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from orthanc_plugin.errors import Broken, Temporary, Unsuitable
from orthanc_plugin.intake.positions import Plane, plane
from orthanc_plugin.routing.headers import Headers

PATIENCE_S = 10.0
SENDER_PATIENCE_S = 3
ARCHIVE_PATIENCE_S = 8
"""Less than ours for Orthanc's own answer."""


@dataclass(frozen=True)
class Change:
    """A row of the change log; a hint, as it may name what is gone by now."""

    seq: int
    kind: str
    resource_id: str


@dataclass(frozen=True)
class Changes:
    """`last` is where to go on reading; `done` when there is nothing more for now."""

    rows: tuple[Change, ...]
    last: int
    done: bool


@dataclass(frozen=True)
class Series:
    """A series as Orthanc holds it now; `mark` changes whenever an instance joins or leaves."""

    id: str
    uid: str
    modality: str
    instance_ids: tuple[str, ...]
    stated: int | None
    mark: str


@dataclass(frozen=True)
class Slice:
    """What the index knows of one instance."""

    plane: Plane | None
    frames: int


@dataclass(frozen=True)
class Stored:
    """One instance of a series, with its InstanceNumber (0 where it has none)."""

    instance_id: str
    slice: Slice
    number: int
    size_bytes: int
    sop_instance_uid: str = ""


@dataclass(frozen=True)
class Counts:
    series: int
    instances: int


class Orthanc:
    """Errors: Unsuitable for what is gone, Temporary while Orthanc is away, Broken for what it should not answer."""

    def __init__(self, url: str, authorization: str) -> None:
        self._url = url.rstrip("/")
        self._authorization = authorization
        self._local = threading.local()

    def identity(self) -> str:
        """What tells this Orthanc from another that shares the ledger; releases before 1.11 have no identifier."""
        system = self.get("/system")
        return str(system.get("DatabaseServerIdentifier") or system.get("DicomAet") or "orthanc")

    def counts(self) -> Counts:
        statistics = self.get("/statistics")
        return Counts(int(statistics["CountSeries"]), int(statistics["CountInstances"]))

    def changes(self, since: int, limit: int) -> Changes:
        answer = self.get("/changes", since=since, limit=limit)
        rows = tuple(Change(int(row["Seq"]), row["ChangeType"], row["ID"]) for row in answer["Changes"])
        return Changes(rows, int(answer["Last"]), bool(answer["Done"]))

    def series(self, series_id: str) -> Series:
        return series_of(self.get(f"/series/{series_id}"))

    def page_of_series(self, since: int, limit: int) -> tuple[Series, ...]:
        return tuple(series_of(entry) for entry in self.get("/series", since=since, limit=limit, expand="true"))

    def find_series(self, series_uid: str) -> tuple[Series, ...]:
        """All series under one SeriesInstanceUID: the same one in two studies is two for Orthanc."""
        found = self.post("/tools/lookup", series_uid)
        return tuple(self.series(entry["ID"]) for entry in found if entry["Type"] == "Series")

    def series_of_instance(self, sop_instance_uid: str) -> tuple[Series, ...]:
        """All series that hold an instance of that SOPInstanceUID."""
        found = self.post("/tools/lookup", sop_instance_uid)
        return tuple(self.series(self.parent_series(entry["ID"])) for entry in found if entry["Type"] == "Instance")

    def series_of_study(self, study_uid: str) -> tuple[Series, ...]:
        """None for a study that is not there; those that left meanwhile are left out."""
        found = [entry["ID"] for entry in self.post("/tools/lookup", study_uid) if entry["Type"] == "Study"]
        series = [one for study_id in found for one in self.get(f"/studies/{study_id}/series")]
        return tuple(series_of(entry) for entry in series if entry["Instances"])

    def headers(self, series: Series) -> Headers:
        """What routing may know of it."""
        slices = sum(each.frames for each in self.slices(series.id))
        return Headers(self.header(series.instance_ids[0]), slices)

    def slices(self, series_id: str) -> tuple[Slice, ...]:
        return tuple(slice_of(entry["MainDicomTags"]) for entry in self.get(f"/series/{series_id}/instances"))

    def stored(self, series_id: str) -> tuple[Stored, ...]:
        return tuple(stored_of(entry) for entry in self.get(f"/series/{series_id}/instances"))

    def file(self, instance_id: str) -> bytes:
        """The whole DICOM file."""
        try:
            return bytes(self._answer("GET", f"/instances/{instance_id}/file").content)
        except requests.RequestException as error:
            raise away() from error

    def parent_series(self, instance_id: str) -> str:
        return str(self.get(f"/instances/{instance_id}")["ParentSeries"])

    def header(self, instance_id: str) -> Mapping[str, object]:
        """The values of one instance by keyword, without the pixels."""
        header: Mapping[str, object] = self.get(f"/instances/{instance_id}/simplified-tags")
        return header

    def sender_of(self, instance_id: str) -> str:
        """The calling AE title, or the address from which HTTP brought the instance."""
        metadata = self.get(f"/instances/{instance_id}/metadata", expand="true")
        return str(metadata.get("RemoteAET") or metadata.get("RemoteIP") or "")

    def committed_sender(self, job_id: str) -> str | None:
        """The AE title that asked for storage commitment, when the job is of that type."""
        job = self.get(f"/jobs/{job_id}")
        if job.get("Type") != "StorageCommitmentScp":
            return None
        return str(job["Content"].get("RemoteAet", ""))

    def modality_called(self, ae_title: str) -> str | None:
        """The name under which Orthanc's configuration lists an AE title that may be asked."""
        for name, entry in self.get("/modalities", expand="true").items():
            if entry.get("AET") == ae_title and entry.get("AllowFind", True):
                return str(name)
        return None

    def count_at(self, modality: str, study_uid: str, series_uid: str) -> int | None:
        """How many instances of the series the modality says it has (C-FIND); None when it does not say."""
        wanted = {
            "StudyInstanceUID": study_uid,
            "SeriesInstanceUID": series_uid,
            "NumberOfSeriesRelatedInstances": "",
        }
        answers = self.found_at(modality, "Series", wanted, SENDER_PATIENCE_S)
        counts = [answer["NumberOfSeriesRelatedInstances"] for answer in answers]
        return int(counts[0]) if len(counts) == 1 and counts[0].isdecimal() else None

    def found_at(
        self, modality: str, level: str, wanted: Mapping[str, str], patience_s: int = ARCHIVE_PATIENCE_S
    ) -> tuple[Mapping[str, str], ...]:
        """What a modality answers (C-FIND): of each match the wanted keys, empty where it does not say."""
        with self._asked(modality, level, wanted, patience_s) as query:
            answers = self.get(f"{query}/answers", expand="true", simplify="true")
        return tuple({key: str(answer.get(key) or "").strip() for key in wanted} for answer in answers)

    def move(self, modality: str, study_uid: str, series_uid: str) -> str:
        """Orthanc's job that brings the series here (C-MOVE)."""
        wanted = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
        with self._asked(modality, "Series", wanted, ARCHIVE_PATIENCE_S) as query:
            return str(self.post(f"{query}/retrieve", {"Synchronous": False})["ID"])

    @contextmanager
    def _asked(self, modality: str, level: str, wanted: Mapping[str, str], patience_s: int) -> Iterator[str]:
        """The path of a query's answers, which Orthanc keeps until they are deleted."""
        query = {"Level": level, "Query": dict(wanted), "Timeout": patience_s}
        path = f"/queries/{self.post(f'/modalities/{modality}/query', query)['ID']}"
        try:
            yield path
        finally:
            self.ask("DELETE", path)

    def job_state(self, job_id: str) -> str:
        return str(self.get(f"/jobs/{job_id}")["State"])

    def get(self, path: str, **arguments: str | int) -> Any:
        return self.ask("GET", path, params=arguments)

    def post(self, path: str, body: str | dict[str, Any]) -> Any:
        return self.ask("POST", path, data=body if isinstance(body, str) else json.dumps(body))

    def ask(self, method: str, path: str, **sent: Any) -> Any:
        """The answer's JSON, None for an empty one."""
        try:
            answer = self._answer(method, path, **sent)
            return answer.json() if answer.content else None
        except requests.RequestException as error:
            raise away() from error

    def _answer(self, method: str, path: str, **sent: Any) -> requests.Response:
        """Asked twice when Orthanc had just closed an idle connection."""
        try:
            answer = self._session().request(method, self._url + path, timeout=PATIENCE_S, **sent)
        except requests.ConnectionError:
            answer = self._session().request(method, self._url + path, timeout=PATIENCE_S, **sent)
        check(answer)
        return answer

    def _session(self) -> requests.Session:
        """One a thread, kept alive; compressing small answers costs more than it saves."""
        if not hasattr(self._local, "session"):
            session = requests.Session()
            session.trust_env = False
            session.headers.update({"Accept-Encoding": "identity", "Authorization": self._authorization})
            self._local.session = session
        session_of_thread: requests.Session = self._local.session
        return session_of_thread


def away() -> Temporary:
    return Temporary("Orthanc does not answer; intake goes on when it is back.", stage="intake")


def check(answer: requests.Response) -> None:
    status = answer.status_code
    if status == HTTPStatus.NOT_FOUND:
        raise Unsuitable("Orthanc no longer holds it; it was deleted meanwhile.", stage="intake")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Temporary(f"Orthanc answers intake with {status}; it goes on when Orthanc is well again.", stage="intake")
    if not answer.ok:
        raise Broken(f"Orthanc refuses intake with {status}; check the node's authorization.", stage="intake")


def series_of(entry: Mapping[str, Any]) -> Series:
    tags = entry["MainDicomTags"]
    instance_ids = tuple(entry["Instances"])
    return Series(
        id=entry["ID"],
        uid=tags.get("SeriesInstanceUID", ""),
        modality=tags.get("Modality", "").strip().upper(),
        instance_ids=instance_ids,
        stated=entry.get("ExpectedNumberOfInstances") or stated_by(tags),
        mark=f"{len(instance_ids)} {entry.get('LastUpdate', '')}",
    )


def stated_by(tags: Mapping[str, str]) -> int | None:
    """Numbers that Orthanc does not take for the whole series, as they are often one acquisition's."""
    for keyword in ("ImagesInAcquisition", "NumberOfSlices"):
        value = tags.get(keyword, "").strip()
        if value.isdecimal() and int(value) > 0:
            return int(value)
    return None


def stored_of(entry: Mapping[str, Any]) -> Stored:
    number = entry["MainDicomTags"].get("InstanceNumber", "").strip()
    return Stored(
        instance_id=entry["ID"],
        slice=slice_of(entry["MainDicomTags"]),
        number=int(number) if number.lstrip("-").isdecimal() else 0,
        size_bytes=int(entry.get("FileSize", 0)),
        sop_instance_uid=entry["MainDicomTags"].get("SOPInstanceUID", ""),
    )


def slice_of(tags: Mapping[str, str]) -> Slice:
    frames = tags.get("NumberOfFrames", "").strip()
    return Slice(
        plane=plane(tags.get("ImagePositionPatient", ""), tags.get("ImageOrientationPatient", "")),
        frames=int(frames) if frames.isdecimal() and int(frames) > 0 else 1,
    )
