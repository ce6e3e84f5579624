"""Results are found, fetched and moved by DICOM's own protocol: by DCMTK and pynetdicom, for listed callers alone."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context

from tests import judges
from tests.e2e import results
from tests.e2e.node import MUSCLE, PROJECT, Node, configured, free_port
from tests.e2e.results import KINDS
from tests.e2e.senders import SUCCESS, Refused, Scanner
from tests.e2e.series import PushedSeries, phantom_series
from tests.waiting import eventually

FIND, MOVE = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2"
PENDING = 0xFF00
STATEMENT = PROJECT / "docs" / "conformance-statement.md"
LISTED, STRANGER = "VIEWER", "STRANGER"


@dataclass(frozen=True)
class Archive:
    """DCMTK's storescp, to which the node may move."""

    title: str
    port: int
    folder: Path

    def received(self) -> dict[str, Path]:
        """By kind of result; sources are left out."""
        read = {path: dcmread(path, stop_before_pixels=True) for path in self.folder.iterdir() if path.stat().st_size}
        return {KINDS[header.SOPClassUID]: path for path, header in read.items() if header.SOPClassUID in KINDS}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    there = Archive("ARCHIVE", free_port(), tmp_path_factory.mktemp("archive"))
    command = ["storescp", "-aet", there.title, "-od", str(there.folder), str(there.port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: listens(there.port), what="storescp")
            yield there
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def node(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Knows a viewer that may ask, and an archive that it may send to."""
    folder = tmp_path_factory.mktemp("listed")
    environment = configured(folder)
    listed = {"viewer": [LISTED, "127.0.0.1", free_port()], "archive": [archive.title, "127.0.0.1", archive.port]}
    written = Path(environment["INFERENCE_CONFIG"])
    written.write_text(written.read_text().replace('"DicomModalities": {}', f'"DicomModalities": {json.dumps(listed)}'))
    with Node(folder / "state", environment, models=MUSCLE) as running:
        yield running


@pytest.fixture(scope="module")
def finished(node: Node, tmp_path_factory: pytest.TempPathFactory) -> PushedSeries:
    sent = phantom_series(tmp_path_factory.mktemp("sent"), "listed", slices=6)
    Scanner(node.dicom_port).send(sent.files)
    node.job(sent.series_uid, "done")
    return sent


def dcmtk(program: str, node: Node, keys: dict[str, str], *options: str, caller: str = LISTED) -> str:
    """What it says, errors included; its exit status says little."""
    asked = [argument for name, value in keys.items() for argument in ("-k", f"{name}={value}" if value else name)]
    command = [program, "-v", "-S", "-aet", caller, "-aec", "ORTHANC", *options, "127.0.0.1", str(node.dicom_port)]
    ended = subprocess.run([*command, *asked], capture_output=True, text=True, timeout=60, check=False)
    return ended.stdout + ended.stderr


def said(answer: str, keyword: str) -> list[str]:
    """The values of an attribute in all that findscu prints of the answers."""
    return [value.strip(" \0") for value in re.findall(rf"\[(.*?)\s*\]\s+#.*\b{keyword}\b", answer)]


def query(level: str, **keys: str) -> Dataset:
    dataset = Dataset()
    dataset.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(("kind", "modality"), [("SEG", "SEG"), ("SR", "SR"), ("SC", "OT")])
def test_findscu_finds_results_by_modality(node: Node, finished: PushedSeries, kind: str, modality: str) -> None:
    asked = {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": finished.study_uid, "Modality": modality}

    answer = dcmtk("findscu", node, asked | {"SeriesInstanceUID": "", "SeriesDescription": ""})

    [uid] = [found.series_uid for found in results.search(node.dicomweb(), finished.study_uid) if found.kind == kind]
    assert uid in said(answer, "SeriesInstanceUID")


def test_findscu_finds_results_by_description(node: Node, finished: PushedSeries) -> None:
    asked = {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": finished.study_uid, "SeriesDescription": "*report*"}

    answer = dcmtk("findscu", node, asked | {"Modality": ""})

    assert said(answer, "Modality") == ["SR"]


def test_pynetdicom_finds_source_and_results(node: Node, finished: PushedSeries) -> None:
    statuses = Scanner(node.dicom_port, ae_title=LISTED).find(
        FIND, query("SERIES", StudyInstanceUID=finished.study_uid, Modality="", SeriesInstanceUID="")
    )

    assert statuses == [PENDING] * 4 + [SUCCESS]


def test_movescu_moves_results_to_an_archive_where_judges_find_them_sound(
    node: Node, finished: PushedSeries, archive: Archive
) -> None:
    dcmtk("movescu", node, {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": finished.study_uid}, "-aem", "ARCHIVE")

    received = eventually(lambda: whole(archive), what="the study in the archive")
    assert received is not None
    assert judges.dcentvfy([*finished.files, *received.values()]) == []
    assert [judges.dciodvfy(path) for path in received.values()] == [[], [], []]
    segmentation = dcmread(received["SEG"])
    assert results.misplaced_frames(segmentation, finished.datasets()) == []
    assert str(segmentation.SOPInstanceUID) in set(results.references(dcmread(received["SR"])))


def test_pynetdicom_moves_one_series(node: Node, finished: PushedSeries, archive: Archive) -> None:
    [report] = [each for each in results.search(node.dicomweb(), finished.study_uid) if each.kind == "SR"]

    statuses = Scanner(node.dicom_port, ae_title=LISTED).move(
        MOVE,
        query("SERIES", StudyInstanceUID=finished.study_uid, SeriesInstanceUID=report.series_uid),
        archive.title,
    )

    assert statuses[-1] == SUCCESS


def test_getscu_fetches_results(node: Node, finished: PushedSeries, tmp_path: Path) -> None:
    [picture] = [each for each in results.search(node.dicomweb(), finished.study_uid) if each.kind == "SC"]

    dcmtk(
        "getscu",
        node,
        {
            "QueryRetrieveLevel": "SERIES",
            "StudyInstanceUID": finished.study_uid,
            "SeriesInstanceUID": picture.series_uid,
        },
        *("-od", str(tmp_path)),
    )

    assert [dcmread(path).SOPInstanceUID for path in tmp_path.iterdir()] == [picture.sop_instance_uid]


@pytest.mark.parametrize("program", ["findscu", "movescu", "getscu"])
def test_callers_that_are_not_listed_get_nothing_from_dcmtk(
    node: Node, finished: PushedSeries, program: str, tmp_path: Path
) -> None:
    options: Sequence[str] = {"findscu": (), "movescu": ("-aem", "ARCHIVE"), "getscu": ("-od", str(tmp_path))}[program]
    asked = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": finished.study_uid}

    answer = dcmtk(program, node, asked, *options, caller=STRANGER)

    assert "Pending" not in answer
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", [FIND, MOVE])
def test_callers_that_are_not_listed_get_nothing_from_pynetdicom(
    node: Node, finished: PushedSeries, archive: Archive, model: str
) -> None:
    stranger, asked = Scanner(node.dicom_port, ae_title=STRANGER), query("STUDY", StudyInstanceUID=finished.study_uid)
    try:
        statuses = stranger.find(model, asked) if model == FIND else stranger.move(model, asked, archive.title)
    except Refused:
        return
    assert statuses and not {SUCCESS, PENDING} & set(statuses)


def test_what_the_conformance_statement_says_is_taken_is_taken_and_nothing_else(node: Node) -> None:
    stated = dict(re.findall(r"^\| [^|]+ \| (1\.2\.840[0-9.]+) \| (yes|no) \|$", STATEMENT.read_text(), re.MULTILINE))
    assert len(stated) > 20

    asked = [build_context(uid) for uid in stated]
    association = AE(STRANGER).associate("127.0.0.1", node.dicom_port, contexts=asked)
    taken = {str(context.abstract_syntax) for context in association.accepted_contexts}
    association.release()

    assert taken == {uid for uid, answer in stated.items() if answer == "yes"}


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def whole(archive: Archive) -> dict[str, Path] | None:
    received = archive.received()
    return received if set(received) == {"SEG", "SR", "SC"} else None
