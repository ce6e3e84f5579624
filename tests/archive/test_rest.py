"""Orthanc away, silent, full, closed or picky: each is told apart, with its own sentence."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import requests

from orthanc_plugin.archive.rest import FILES_AHEAD, READERS, RestArchive
from orthanc_plugin.errors import Broken, NodeError, Temporary, Unsuitable
from tests.archive.conftest import OrthancPlace
from tests.archive.results import KIND, SCAN, result
from tests.builders.series import Scan, part10, slices
from tests.orthanc_server import OrthancServer, free_port

SERIES_UID = slices(SCAN)[0].SeriesInstanceUID
AWAY = "The archive does not answer; the job goes on when it is back."
GONE = "The series is no longer in the archive: it was deleted, merged or anonymised, so nothing was made of it."


@contextmanager
def opened(url: str, authorization: str = "", patience_s: float = 10.0) -> Iterator[RestArchive]:
    archive = RestArchive(url, authorization, httpx.Timeout(patience_s))
    try:
        yield archive
    finally:
        archive.close()


def sentence(kind: type[NodeError], asked: Callable[[], object]) -> str:
    with pytest.raises(kind) as raised:
        asked()
    return raised.value.sentence


@contextmanager
def answering(status: int, body: bytes, *, deaf_on_reuse: bool = False) -> Iterator[str]:
    """The address of a server that answers everything alike; on a kept-alive connection, perhaps, not at all."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        asked = 0

        def answer(self) -> None:
            self.asked += 1
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if deaf_on_reuse and self.asked > 1:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *said: object) -> None:
            """Nothing on the terminal."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_orthanc_is_not_there() -> None:
    with opened(f"http://127.0.0.1:{free_port()}") as archive:
        assert sentence(Temporary, lambda: archive.series(SERIES_UID)) == AWAY
        assert sentence(Temporary, lambda: archive.read(SERIES_UID)) == AWAY
        assert sentence(Temporary, lambda: archive.store(KIND, result())) == AWAY


def test_orthanc_is_killed_while_it_is_read_and_comes_back(tmp_path: Path) -> None:
    scan = Scan(slices=FILES_AHEAD + READERS + 4, name="killed")
    with OrthancServer(tmp_path) as server, opened(server.url) as archive:
        for dataset in slices(scan):
            server.post(part10(dataset))
        files = archive.read(scan.uid("series"))
        next(files)
        server.kill()
        assert sentence(Temporary, lambda: list(files)) == AWAY
        server.start()
        assert len(list(archive.read(scan.uid("series")))) == scan.slices


def test_orthanc_is_silent(tmp_path: Path) -> None:
    with OrthancServer(tmp_path) as server, opened(server.url, patience_s=0.3) as archive:
        server.freeze()
        assert sentence(Temporary, lambda: archive.series(SERIES_UID)) == AWAY
        server.thaw()


def test_the_series_is_deleted_while_it_is_read(orthanc_place: OrthancPlace) -> None:
    scan = Scan(slices=FILES_AHEAD + READERS + 4, name="deleted")
    for dataset in slices(scan):
        orthanc_place.receive(dataset)
    files = orthanc_place.archive.read(scan.uid("series"))
    next(files)
    orthanc_place.empty()
    assert sentence(Unsuitable, lambda: list(files)) == GONE


def test_reading_ahead_is_bounded(orthanc_place: OrthancPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = Scan(slices=FILES_AHEAD + 8, name="ahead")
    for dataset in slices(scan):
        orthanc_place.receive(dataset)
    fetch, fetched, too_far = orthanc_place.archive._file, [], threading.Event()

    def first_one_slow(instance_id: str) -> bytes:
        fetched.append(instance_id)
        if len(fetched) == 1:
            too_far.wait(0.5)
        elif len(fetched) > FILES_AHEAD:
            too_far.set()
        return fetch(instance_id)

    monkeypatch.setattr(orthanc_place.archive, "_file", first_one_slow)
    files = orthanc_place.archive.read(scan.uid("series"))
    next(files)
    assert not too_far.is_set()
    assert len(list(files)) == scan.slices - 1


def test_the_disk_is_full(tmp_path: Path) -> None:
    with OrthancServer(tmp_path, file_size_most=300_000, StorageCompression=False) as server:
        big = result()
        big.Rows, big.Columns, big.PixelData = 512, 512, bytes(512 * 512 * 2)
        with opened(server.url) as archive:
            assert sentence(Temporary, lambda: archive.store(KIND, big)) == (
                "The archive can't write (Cannot write to file), most likely because its disk is full; make room, "
                "the job is tried again."
            )


def test_the_quota_is_full() -> None:
    body = b'{"OrthancError": "The file storage is full", "OrthancStatus": 11}'
    with answering(507, body) as url, opened(url) as archive:
        assert sentence(Temporary, lambda: archive.store(KIND, result())) == (
            "The archive can't write (The file storage is full), most likely because its disk is full; make room, "
            "the job is tried again."
        )


def test_orthanc_is_unwell() -> None:
    with answering(503, b"busy") as url, opened(url) as archive:
        assert sentence(Temporary, lambda: archive.series(SERIES_UID)) == (
            "The archive answers with 503 (Service Unavailable); the job is tried again."
        )


def test_orthanc_asks_who_is_there(tmp_path: Path) -> None:
    server = OrthancServer(tmp_path, AuthenticationEnabled=True, RegisteredUsers={"alice": "secret"})
    with server, opened(server.url, "Basic nonsense") as archive:
        assert sentence(Broken, lambda: archive.series(SERIES_UID)) == (
            "The archive refuses the node's authorization (401); give the worker the credentials of this archive."
        )
        authorization = requests.auth._basic_auth_str("alice", "secret")
        with opened(server.url, authorization) as allowed:
            assert sentence(Unsuitable, lambda: allowed.series(SERIES_UID)) == GONE


def test_a_filter_of_orthanc_does_not_take_the_result(tmp_path: Path) -> None:
    script = tmp_path / "filter.lua"
    script.write_text("function ReceivedInstanceFilter(dicom, origin) return false end")
    with OrthancServer(tmp_path / "orthanc", LuaScripts=[str(script)]) as server, opened(server.url) as archive:
        assert sentence(Broken, lambda: archive.store(KIND, result())) == (
            "The archive did not take the SC (it answered FilteredOut); look at its filters and its log."
        )


def test_what_orthanc_refuses() -> None:
    body = b'{"OrthancError": "Bad file format", "OrthancStatus": 15, "Details": "PatientName Built^Series"}'
    with answering(400, body) as url, opened(url) as archive:
        assert sentence(Broken, lambda: archive.store(KIND, result())) == (
            "The archive refuses with 400 (Bad file format); look at its log."
        )


def test_a_connection_that_was_closed_while_idle_is_opened_again() -> None:
    with answering(200, b"[]", deaf_on_reuse=True) as url, opened(url) as archive:
        for _ in range(3):
            assert sentence(Unsuitable, lambda: archive.series(SERIES_UID)) == GONE


def test_nothing_is_overwritten_even_where_orthanc_would(tmp_path: Path) -> None:
    with OrthancServer(tmp_path, OverwriteInstances=True) as server, opened(server.url) as archive:
        archive.store(KIND, result(pixel=1))
        before = archive.series(result().SeriesInstanceUID).fingerprint
        assert sentence(Broken, lambda: archive.store(KIND, result(pixel=2))).startswith("The archive holds another SC")
        assert archive.store(KIND, result(pixel=1)).was_there
        assert archive.series(result().SeriesInstanceUID).fingerprint == before


def test_the_fingerprint_sees_an_overwritten_file(tmp_path: Path) -> None:
    with OrthancServer(tmp_path, OverwriteInstances=True) as server, opened(server.url) as archive:
        [dataset] = slices(Scan(slices=1, name="overwritten"))
        server.post(part10(dataset))
        before = archive.series(dataset.SeriesInstanceUID)
        dataset.PixelData = bytes(len(dataset.PixelData))
        server.post(part10(dataset))
        after = archive.series(dataset.SeriesInstanceUID)
        assert before.sop_instance_uids == after.sop_instance_uids
        assert before.fingerprint != after.fingerprint


def test_the_fingerprint_sees_a_merged_study(orthanc_place: OrthancPlace) -> None:
    [dataset] = slices(Scan(slices=1, name="merged"))
    [target] = slices(Scan(slices=1, name="target"))
    orthanc_place.receive(dataset)
    orthanc_place.receive(target)
    before = orthanc_place.archive.series(dataset.SeriesInstanceUID)
    url = orthanc_place.server.url
    ids = {
        uid: requests.post(f"{url}/tools/lookup", data=uid, timeout=10).json()[0]["ID"]
        for uid in (dataset.SeriesInstanceUID, target.StudyInstanceUID)
    }
    merge = {"Resources": [ids[dataset.SeriesInstanceUID]], "KeepSource": False, "Synchronous": True}
    requests.post(f"{url}/studies/{ids[target.StudyInstanceUID]}/merge", json=merge, timeout=10).raise_for_status()
    with pytest.raises(Unsuitable):  # Orthanc gives a merged series another UID
        orthanc_place.archive.series(dataset.SeriesInstanceUID)
    assert before.study_uid == dataset.StudyInstanceUID


def test_rejected_instances_are_as_if_they_were_not_there(orthanc_place: OrthancPlace) -> None:
    source = slices(SCAN)
    for dataset in source:
        orthanc_place.receive(dataset)
    rejected = [source[0].SOPInstanceUID]
    archive = RestArchive(orthanc_place.server.url, "", rejected=lambda uid: rejected if uid == SERIES_UID else [])

    stored = archive.series(SERIES_UID)

    assert set(stored.sop_instance_uids) == {dataset.SOPInstanceUID for dataset in source[1:]}
    assert stored.rejected == 1
    assert stored.fingerprint != orthanc_place.archive.series(SERIES_UID).fingerprint
    assert sorted(archive.read(SERIES_UID)) == sorted(part10(dataset) for dataset in source[1:])
    rejected += [dataset.SOPInstanceUID for dataset in source[1:]]
    assert sentence(Unsuitable, lambda: archive.series(SERIES_UID)) == (
        "All images of the series were rejected by a key object, so nothing was made of it."
    )
    archive.close()
