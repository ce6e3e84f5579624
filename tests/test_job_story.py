"""One job from its lease to its results: what is stored, and that nothing is when the source is not what it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from orthanc_plugin.archive.folder import FolderArchive
from orthanc_plugin.archive.protocol import Receipt, StoredSeries
from orthanc_plugin.errors import Broken, SourceGone, Temporary, Unsuitable
from orthanc_plugin.inference.device import Device
from orthanc_plugin.jobs.job import InputSet, Job, Order, PlannedResult, Record, Role, State
from orthanc_plugin.pipeline import Rooms, carry_out
from orthanc_plugin.routing.catalogue import Catalogue
from tests.builders.series import Scan, part10, slices
from tests.inference.graphs import write_bands, write_level

SHIPPED = Path(__file__).parents[1] / "onnx_models" / "abdominal-muscle-ct" / "card.json"
MUSCLE, VISCERAL, SUBCUTANEOUS = (0.0, 100.0), (-130.0, -100.0), (-90.0, -60.0)
SCAN = Scan(slices=4, rows=32, columns=32, name="pipeline")


@dataclass
class GivenLease:
    """The lease as a ledger gives it; `before_store` is what the world does just before the first store."""

    job: Job
    before_store: Callable[[], None] = lambda: None
    while_waiting: Callable[[Callable[[], None]], None] = lambda look: look()
    steps: list[str] = field(default_factory=list)
    planned: tuple[PlannedResult, ...] = ()
    receipts: list[Receipt] = field(default_factory=list)
    older: tuple[str, ...] = ()

    @contextmanager
    def step(self, verb: str) -> Iterator[None]:
        self.steps.append(verb)
        yield

    def check(self) -> None:
        """Never lost."""

    def predecessors(self, holds: Callable[[str], bool]) -> tuple[PlannedResult, ...]:
        return ()

    def plan(self, results: Sequence[PlannedResult], record: Record | None = None) -> None:
        self.planned = tuple(results)

    def await_release(self, look: Callable[[], None]) -> None:
        self.while_waiting(look)
        self.before_store()

    def receive(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)

    def superseded(self, *, removed: bool) -> tuple[str, ...]:
        return self.older

    def succeed(self, *, removed: bool) -> None:
        """Noted by a ledger."""


@dataclass(frozen=True)
class House:
    rooms: Rooms
    folder: Path

    def lease(self, **parameters: float) -> GivenLease:
        stored = self.rooms.archive.series(SCAN.uid("series"))
        role = Role("series", stored.series_uid, stored.sop_instance_uids, stored.fingerprint)
        model = self.rooms.models.model("abdominal-muscle-ct")
        order = Order(InputSet(stored.study_uid, (role,)), model.card.name, model.card.version, model.digest)
        order = replace(order, parameters=tuple(parameters.items()))
        moment = datetime(2026, 2, 3, 14, 5, 6, tzinfo=UTC)
        return GivenLease(Job("1", order, State.RUNNING, 1, 0, "", moment, moment, None, (), (), ()))

    def stored(self, modality: str) -> Dataset:
        found = [dcmread(path) for path in sorted(self.folder.glob("2.25.*.dcm"))]
        [only] = [dataset for dataset in found if dataset.Modality == modality]
        return only


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    device = Device("cpu")
    yield device
    device.close()


@pytest.fixture
def house(device: Device, tmp_path: Path) -> House:
    model = tmp_path / "models" / "abdominal-muscle-ct"
    model.mkdir(parents=True)
    card = json.loads(SHIPPED.read_text())
    for stage in card["stages"]:
        stage.update(rows=64, columns=64, batch=3)
    (model / "card.json").write_text(json.dumps(card))
    write_bands(model / "model.onnx", [MUSCLE, VISCERAL, SUBCUTANEOUS])
    write_level(model / "level.onnx")
    folder = tmp_path / "archive"
    folder.mkdir()
    for number, dataset in enumerate(slices(SCAN)):
        (folder / f"slice{number}.dcm").write_bytes(part10(dataset))
    return House(Rooms(FolderArchive(folder), Catalogue(tmp_path / "models"), device), folder)


def test_a_series_comes_back_as_seg_sr_and_sc_step_by_step(house: House) -> None:
    lease = house.lease()
    carry_out(lease, house.rooms)
    assert lease.steps == ["read", "infer", "measure", "encode", "await", "store"]
    assert [receipt.kind for receipt in lease.receipts] == ["SEG", "SR", "SC"]
    assert [(result.kind, result.sop_instance_uid) for result in lease.planned] == [
        (receipt.kind, receipt.sop_instance_uid) for receipt in lease.receipts
    ]
    assert {house.stored(modality).StudyInstanceUID for modality in ("SEG", "SR", "OT")} == {SCAN.uid("study")}


def test_doing_it_again_stores_nothing_new(house: House) -> None:
    carry_out(house.lease(), house.rooms)
    before = sorted(path.name for path in house.folder.iterdir())
    again = house.lease()
    carry_out(again, house.rooms)
    assert all(receipt.was_there for receipt in again.receipts)
    assert sorted(path.name for path in house.folder.iterdir()) == before


def test_the_height_that_came_with_the_order_makes_the_muscle_index(house: House) -> None:
    carry_out(house.lease(height_m=1.8), house.rooms)
    report = str(house.stored("SR"))
    assert "Skeletal muscle index" in report


@pytest.mark.parametrize("stated", ["", "nan"])
def test_a_height_in_the_header_that_is_no_number_does_not_stop_the_job(house: House, stated: str) -> None:
    for path in house.folder.glob("slice*.dcm"):
        dataset = dcmread(path)
        dataset.PatientSize = stated
        path.write_bytes(part10(dataset))
    carry_out(house.lease(), house.rooms)
    assert "Skeletal muscle index" not in str(house.stored("SR"))


def test_a_source_that_changed_before_the_job_began_gets_no_result(house: House) -> None:
    lease = house.lease()
    (house.folder / "slice0.dcm").unlink()
    with pytest.raises(Unsuitable) as end:
        carry_out(lease, house.rooms)
    assert end.value.sentence == (
        "The series was changed, anonymised or merged after this job was made, so nothing of it was stored; "
        "what it is now gets a job of its own."
    )
    assert end.value.series_uid == SCAN.uid("series")
    assert not list(house.folder.glob("2.25.*"))


def test_a_source_that_is_deleted_while_the_job_computes_gets_no_result(house: House) -> None:
    def delete() -> None:
        for path in house.folder.glob("slice*.dcm"):
            path.unlink()

    lease = house.lease()
    lease.before_store = delete
    with pytest.raises(Unsuitable) as end:
        carry_out(lease, house.rooms)
    assert end.value.sentence == "The series is not in the folder; nothing was made of it."
    assert not list(house.folder.iterdir())


def test_a_source_that_is_deleted_while_the_job_waits_for_its_release_ends_it(house: House) -> None:
    def delete_and(look: Callable[[], None]) -> None:
        for path in house.folder.glob("slice*.dcm"):
            path.unlink()
        look()
        pytest.fail("the job goes on waiting")

    lease = house.lease()
    lease.while_waiting = delete_and
    with pytest.raises(SourceGone) as end:
        carry_out(lease, house.rooms)
    assert end.value.sentence == "The series is not in the folder; nothing was made of it."


def test_an_archive_that_is_away_while_the_job_waits_for_its_release_does_not_end_it(house: House) -> None:
    archive = AwayArchive(house.folder)

    def look_when_away(look: Callable[[], None]) -> None:
        archive.away = True
        look()
        archive.away = False

    lease = house.lease()
    lease.while_waiting = look_when_away
    carry_out(lease, replace(house.rooms, archive=archive))
    assert len(lease.receipts) == 3


def test_a_source_that_goes_while_it_is_read_may_come_back(house: House) -> None:
    with pytest.raises(SourceGone):
        carry_out(house.lease(), replace(house.rooms, archive=CutArchive(house.folder)))


class AwayArchive(FolderArchive):
    away = False

    def series(self, series_uid: str) -> StoredSeries:
        if self.away:
            raise Temporary("The archive is away.")
        return super().series(series_uid)


class CutArchive(FolderArchive):
    """Loses a slice of the source while it is read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def read(self, series_uid: str, only: Collection[str] = ()) -> Iterator[bytes]:
        files = super().read(series_uid, only)
        yield next(files)
        (self.folder / "slice3.dcm").unlink()
        raise Unsuitable("A file of the series is gone.")


class VanishingArchive(FolderArchive):
    """Loses the source while the first result is stored."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def store(self, kind: str, dataset: Dataset) -> Receipt:
        receipt = super().store(kind, dataset)
        for path in self.folder.glob("slice*.dcm"):
            path.unlink()
        return receipt


def test_results_beside_a_source_that_went_meanwhile_are_taken_back(house: House) -> None:
    rooms = replace(house.rooms, archive=VanishingArchive(house.folder))
    with pytest.raises(Unsuitable):
        carry_out(house.lease(), rooms)
    assert not list(house.folder.iterdir())


def test_results_on_fewer_slices_go_when_those_on_all_are_there(house: House) -> None:
    late = house.folder / "slice3.dcm"
    file = late.read_bytes()
    late.unlink()
    early = house.lease()
    carry_out(early, house.rooms)
    late.write_bytes(file)
    whole = house.lease()
    whole.older = tuple(receipt.sop_instance_uid for receipt in early.receipts)
    carry_out(whole, house.rooms)
    stored = {path.stem for path in house.folder.glob("2.25.*")}
    assert stored == {receipt.sop_instance_uid for receipt in whole.receipts}
    assert not stored & set(whole.older)


def test_a_model_that_changed_meanwhile_is_not_passed_off_as_the_one_ordered(house: House) -> None:
    lease = house.lease()
    lease.job = replace(lease.job, order=replace(lease.job.order, digest="another"))
    with pytest.raises(Unsuitable) as end:
        carry_out(lease, house.rooms)
    assert end.value.sentence == (
        "The version another of the model abdominal-muscle-ct is not kept on this machine; run the series again to use "
        "the version that is installed."
    )


def test_a_network_that_answers_no_numbers_breaks_the_job(house: House) -> None:
    write_level(house.rooms.models.model("abdominal-muscle-ct").folder / "level.onnx", offset_mm=float("nan"))
    with pytest.raises(Broken) as end:
        carry_out(replace_digest(house), replace(house.rooms, models=Catalogue(house.folder.parent / "models")))
    assert end.value.sentence == (
        "The network level.onnx of abdominal-muscle-ct answered values that are not numbers in offset_mm; "
        "nothing of it was stored."
    )


def replace_digest(house: House) -> GivenLease:
    """A lease on the model as its folder is now."""
    lease = house.lease()
    digest = Catalogue(house.folder.parent / "models").model("abdominal-muscle-ct").digest
    lease.job = replace(lease.job, order=replace(lease.job.order, digest=digest))
    return lease


def test_masks_lie_where_the_voxels_are(house: House) -> None:
    """The series is 32 x 32, the network 64 x 64: what comes back is on the series' own grid."""
    carry_out(house.lease(), house.rooms)
    seg = house.stored("SEG")
    assert (seg.Rows, seg.Columns) == (32, 32)
    assert seg.pixel_array.any()
    assert np.isin(seg.pixel_array, (0, 1)).all()
