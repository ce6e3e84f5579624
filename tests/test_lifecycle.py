"""What becomes of results over time, on a ledger and an archive: superseded, done again, made again, recalled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from orthanc_plugin import pipeline, recall, reproduce
from orthanc_plugin.archive.folder import FolderArchive
from orthanc_plugin.archive.protocol import Receipt
from orthanc_plugin.deliver.profile import Profile, Superseded
from orthanc_plugin.errors import Broken, Temporary, Unsuitable
from orthanc_plugin.jobs.dispatch import Turn
from orthanc_plugin.jobs.job import InputSet, Job, Order, Role, State
from orthanc_plugin.jobs.lease import Lease
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.jobs.process import Process
from orthanc_plugin.pipeline import Rooms, carry_out
from orthanc_plugin.routing.catalogue import Catalogue
from tests.builders.series import part10
from tests.ledgers import url_in
from tests.test_job_story import SCAN, House, device, house

__all__ = ["device", "house"]


@dataclass(frozen=True)
class Books:
    """A house whose jobs are in a ledger, as a worker has them."""

    house: House
    ledger: Ledger

    @property
    def folder(self) -> Path:
        return self.house.folder

    def rooms(self, superseded: Superseded = "remove", archive: FolderArchive | None = None) -> Rooms:
        profile = Profile.model_validate({"Superseded": superseded})
        return replace(self.house.rooms, profile=profile, archive=archive or FolderArchive(self.folder))

    def order(self) -> Order:
        stored = self.house.rooms.archive.series(SCAN.uid("series"))
        role = Role("series", stored.series_uid, stored.sop_instance_uids, stored.fingerprint)
        model = Catalogue(self.folder.parent / "models").model("abdominal-muscle-ct")
        return Order(InputSet(stored.study_uid, (role,)), model.card.name, model.card.version, model.digest)

    def place(self) -> Job:
        order = self.order()
        self.ledger.replace(SCAN.uid("series"), order.input_set.roles[0].fingerprint)
        return self.ledger.propose(order)

    def lease(self, job: Job) -> Lease:
        attempts = self.ledger.attempts
        [turn] = [turn for turn in attempts.waiting() if turn.job_id == job.id]
        begun = attempts.begin(Turn(job.id, turn.number), attempts.enrol("here", Process.mine()))
        assert begun is not None
        return Lease(*begun, attempts)

    def run(self, rooms: Rooms | None = None) -> Job:
        """The next job on the series as it is now, to its end."""
        lease = self.lease(self.place())
        carry_out(lease, rooms or self.rooms())
        self.ledger.attempts.end(lease.hold, State.DONE, "", {})
        return self.ledger.job(lease.job.id)

    def stored(self) -> set[str]:
        return {path.stem for path in self.folder.glob("2.25.*.dcm")}

    def read(self, job: Job, kind: str) -> Dataset:
        [uid] = [each.sop_instance_uid for each in job.results if each.kind == kind]
        return dcmread(self.folder / f"{uid}.dcm")


@pytest.fixture
def books(house: House, tmp_path: Path) -> Iterator[Books]:
    ledger = Ledger(url_in(tmp_path))
    yield Books(house, ledger)
    ledger.close()


def uids(job: Job) -> set[str]:
    return {each.sop_instance_uid for each in job.results}


def without_a_slice(books: Books, number: int = 3) -> Callable[[], None]:
    """The series is shorter, or has a hole, until the answer is called."""
    late = books.folder / f"slice{number}.dcm"
    file = late.read_bytes()
    late.unlink()

    def comes() -> None:
        late.write_bytes(file)

    return comes


def new_version(books: Books) -> None:
    note = books.folder.parent / "models" / "abdominal-muscle-ct" / "note.txt"
    note.write_text("Anything in the folder makes another digest.")


class TestSuperseding:
    def test_what_is_removed_is_named_as_predecessor_and_gone(self, books: Books) -> None:
        comes = without_a_slice(books)
        first = books.run()
        comes()
        second = books.run()

        assert books.stored() == uids(second)
        assert books.ledger.job(first.id).results == ()
        assert second.record is not None
        assert {each.sop_instance_uid for each in second.record.predecessors} == uids(first)
        assert predecessors(books.read(second, "SR")) <= uids(first)
        assert predecessors(books.read(second, "SR"))

    def test_what_is_kept_stays_beside(self, books: Books) -> None:
        comes = without_a_slice(books)
        first = books.run(books.rooms("keep"))
        comes()
        second = books.run(books.rooms("keep"))

        assert books.stored() == uids(first) | uids(second)
        assert uids(books.ledger.job(first.id)) == uids(first)

    def test_what_is_marked_stays_and_a_key_object_rejects_it(self, books: Books) -> None:
        comes = without_a_slice(books)
        first = books.run(books.rooms("mark"))
        comes()
        second = books.run(books.rooms("mark"))

        assert books.stored() == uids(first) | uids(second)
        note = books.read(second, "REJECTION")
        assert note.ConceptNameCodeSequence[0].CodeValue == "113001"
        [study] = note.CurrentRequestedProcedureEvidenceSequence
        rejected = {
            each.ReferencedSOPInstanceUID
            for series in study.ReferencedSeriesSequence
            for each in series.ReferencedSOPSequence
        }
        assert rejected == uids(first)

    def test_a_third_names_the_second_alone(self, books: Books) -> None:
        comes = without_a_slice(books)
        books.run(books.rooms("keep"))
        comes()
        second = books.run(books.rooms("keep"))
        new_version(books)
        third = books.run(replace(books.rooms("keep"), models=Catalogue(books.folder.parent / "models")))

        assert third.record is not None
        assert {each.sop_instance_uid for each in third.record.predecessors} == uids(second)

    def test_another_version_on_the_same_series_takes_the_place_of_the_one_before(self, books: Books) -> None:
        first = books.run()
        new_version(books)
        second = books.run(replace(books.rooms(), models=Catalogue(books.folder.parent / "models")))

        assert first.order.digest != second.order.digest
        assert books.stored() == uids(second)
        assert books.ledger.job(first.id).reason == (
            "The job by another version of the model on the same series replaces this one."
        )

    def test_an_attempt_that_dies_half_way_leaves_the_next_the_same_uids(self, books: Books) -> None:
        comes = without_a_slice(books)
        first = books.run()
        comes()
        lease = books.lease(books.place())
        with pytest.raises(Temporary):
            carry_out(lease, books.rooms(archive=Halting(books.folder)))
        half = books.stored() - uids(first)
        assert len(half) == 1
        books.ledger.attempts.put_off(lease.hold, "It halted.", {}, [0.0])
        for path in books.folder.glob("2.25.*.dcm"):
            if path.stem in uids(first):
                path.unlink()  # even though the predecessors are gone by now
        assert books.ledger.attempts.give_due_turns() == 1
        again = books.lease(lease.job)
        carry_out(again, books.rooms())

        assert half < books.stored()
        assert len(books.stored()) == len(again.job.planned)

    def test_what_is_no_longer_in_the_archive_is_nobody_s_predecessor(self, books: Books) -> None:
        comes = without_a_slice(books)
        first = books.run()
        for uid in uids(first):
            (books.folder / f"{uid}.dcm").unlink()
        comes()
        second = books.run()

        assert second.record is not None
        assert second.record.predecessors == ()
        assert predecessors(books.read(second, "SR")) == set()

    def test_a_job_whose_results_were_taken_back_lives_again_and_gives_the_same(self, books: Books) -> None:
        first = books.run()
        for uid in uids(first):
            (books.folder / f"{uid}.dcm").unlink()
        books.ledger.standing.taken_back(first.id, "Its source left the archive.")
        assert books.ledger.job(first.id).results == ()

        again = books.run()

        assert again.id == first.id
        assert uids(again) == uids(first) == books.stored()


class Halting(FolderArchive):
    """Takes one result and is away."""

    def store(self, kind: str, dataset: Dataset) -> Receipt:
        if any(self._folder.glob(f"{dataset.SOPInstanceUID}.dcm")) or kind != "SEG":
            raise Temporary("The archive is away.")
        return super().store(kind, dataset)


def predecessors(report: Dataset) -> set[str]:
    return {
        instance.ReferencedSOPInstanceUID
        for study in report.get("PredecessorDocumentsSequence") or []
        for series in study.ReferencedSeriesSequence
        for instance in series.ReferencedSOPSequence
    }


class TestStatus:
    def ended(self, books: Books, superseded: Superseded = "remove") -> Job:
        """A job on a series with a hole, on a node whose readers look only at the study."""
        lease = books.lease(books.place())
        with pytest.raises(Unsuitable) as end:
            carry_out(lease, with_status(books.rooms(superseded)))
        books.ledger.attempts.end(lease.hold, State.SKIPPED, end.value.sentence, {})
        return books.ledger.job(lease.job.id)

    def test_a_job_that_made_nothing_says_so_in_the_study(self, books: Books) -> None:
        without_a_slice(books, 1)
        job = self.ended(books)

        assert [each.kind for each in job.results] == ["STATUS"]
        page = books.read(job, "STATUS")
        assert page.StudyInstanceUID == SCAN.uid("study")
        assert books.stored() == uids(job)

    @pytest.mark.parametrize("superseded", ["remove", "mark", "keep"])
    def test_the_page_goes_when_there_are_results(self, books: Books, superseded: Superseded) -> None:
        comes = without_a_slice(books, 1)
        self.ended(books, superseded)
        comes()

        job = books.run(with_status(books.rooms(superseded)))

        assert {each.kind for each in job.results} == {"SEG", "SR", "SC"}
        assert books.stored() == uids(job)
        assert job.record is not None
        assert job.record.predecessors == ()

    def test_the_page_goes_when_the_job_is_tried_again_and_done(self, books: Books) -> None:
        lease = books.lease(books.place())
        with pytest.raises(Broken):
            carry_out(lease, with_status(books.rooms(archive=Refusing(books.folder))))
        books.ledger.attempts.end(lease.hold, State.FAILED, "It was refused.", {})
        assert [each.kind for each in books.ledger.job(lease.job.id).results] == ["STATUS"]

        again = books.lease(books.ledger.retry(lease.job.id))
        carry_out(again, with_status(books.rooms()))

        assert {each.kind for each in books.ledger.job(again.job.id).results} == {"SEG", "SR", "SC"}
        assert books.stored() == uids(books.ledger.job(again.job.id))

    def test_where_no_page_is_asked_for_there_is_none(self, books: Books) -> None:
        without_a_slice(books, 1)
        lease = books.lease(books.place())
        with pytest.raises(Unsuitable):
            carry_out(lease, books.rooms())
        assert books.stored() == set()


class Refusing(FolderArchive):
    """Takes nothing but pages."""

    def store(self, kind: str, dataset: Dataset) -> Receipt:
        if kind != "STATUS":
            raise Broken("The archive refuses it.")
        return super().store(kind, dataset)


def with_status(rooms: Rooms) -> Rooms:
    objects = (*rooms.profile.objects, "STATUS")
    return replace(rooms, profile=rooms.profile.model_copy(update={"objects": objects}))


class TestRecord:
    def test_it_says_what_the_results_were_made_from_and_their_hashes(self, books: Books) -> None:
        job = books.run()

        assert job.record is not None
        assert [name for name, _ in job.record.inputs] == ["series"]
        assert job.record.provider == "cpu"
        assert {"inference-node", "python", "numpy", "highdicom", "pydicom"} < dict(job.record.versions).keys()
        assert job.record.seed is None
        for receipt in job.results:
            file = (books.folder / f"{receipt.sop_instance_uid}.dcm").read_bytes()
            assert receipt.sha256 == hashlib.sha256(file).hexdigest()

    def test_the_retention_leaves_jobs_whose_results_stand(self, books: Books) -> None:
        job = books.run()
        assert books.ledger.purge(books.ledger.now()) == 0
        books.ledger.standing.taken_back(job.id, "Its source left the archive.")
        assert books.ledger.purge(books.ledger.now()) == 1


class TestReproduce:
    def test_the_same_images_and_version_give_the_same_bytes(self, books: Books) -> None:
        job = books.run()

        found = reproduce.compared(job, books.rooms())

        assert found.same
        assert {result.verdict for result in found.results} == {reproduce.SAME_BYTES}
        assert found.differences == ()

    def test_superseding_results_are_made_again_with_their_predecessors(self, books: Books) -> None:
        comes = without_a_slice(books)
        first = books.run(books.rooms("mark"))
        comes()
        second = books.run(books.rooms("mark"))

        for job in (first, second):
            rooms = books.rooms("mark")
            assert reproduce.compared(job, rooms).same, "the first worked on fewer slices than there are now"

    def test_another_release_gives_the_same_content(self, books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
        job = books.run()
        monkeypatch.setattr(pipeline, "__version__", "99.0")

        found = reproduce.compared(job, books.rooms())

        assert found.same
        assert {result.verdict for result in found.results} >= {reproduce.SAME_CONTENT}

    def test_other_pixels_are_told(self, books: Books) -> None:
        job = books.run()
        dataset = dcmread(books.folder / "slice0.dcm")
        dataset.PixelData = bytes(2) + dataset.PixelData[2:]
        (books.folder / "slice0.dcm").write_bytes(part10(dataset))

        found = reproduce.compared(job, books.rooms())

        assert not found.same
        assert found.differences == ("the images of series",)
        assert {result.verdict for result in found.results} == {reproduce.NOT_MADE}

    def test_a_stored_result_that_somebody_changed_is_told(self, books: Books) -> None:
        job = books.run()
        report = books.read(job, "SR")
        report.PatientID = "SOMEBODY-ELSE"
        (books.folder / f"{report.SOPInstanceUID}.dcm").write_bytes(part10(report))
        altered = replace(job, results=tuple(replace(each, sha256="") for each in job.results))

        verdicts = {result.kind: result.verdict for result in reproduce.compared(altered, books.rooms()).results}

        assert verdicts["SR"] == reproduce.DIFFERENT

    def test_images_that_are_gone_are_told(self, books: Books) -> None:
        job = books.run()
        (books.folder / "slice0.dcm").unlink()
        with pytest.raises(Unsuitable) as gone:
            reproduce.compared(job, books.rooms())
        assert gone.value.sentence == (
            f"Of the 4 images of the series {SCAN.uid('series')} that the results were made of 1 are no longer in the "
            "archive; send them again."
        )

    def test_a_result_that_nobody_made_here(self, books: Books) -> None:
        with pytest.raises(reproduce.NoRecord) as unknown:
            reproduce.recorded(books.ledger, "1.2.3")
        assert unknown.value.sentence == ("No job of this node made 1.2.3; name a result by its SOPInstanceUID.")


class TestRecall:
    def recalled(self, books: Books, version: str = "", superseded: Superseded = "remove") -> recall.Books:
        archive = FolderArchive(books.folder)
        return recall.Books(books.ledger, archive, superseded, "abdominal-muscle-ct", version)

    def test_all_that_a_version_made_is_found_by_its_name_or_digest(self, books: Books) -> None:
        job = books.run()
        for version in ("", job.order.version, job.order.digest, job.order.digest[:8]):
            assert [each.id for each in self.recalled(books, version).found] == [job.id]
        assert self.recalled(books, "9.9.9").found == ()

    def test_listing_changes_nothing(self, books: Books) -> None:
        job = books.run()
        recall.carried_out(self.recalled(books), None, reject=False)
        assert books.ledger.job(job.id) == job

    def test_results_are_taken_back_where_what_is_replaced_is_removed(self, books: Books) -> None:
        job = books.run()
        done = recall.carried_out(self.recalled(books), None, reject=True)

        assert done.rejected == (job.id,)
        assert books.stored() == set()
        digest = job.order.digest[:12]
        assert books.ledger.job(job.id).reason == (
            f"Recalled: abdominal-muscle-ct {job.order.version} ({digest}). Its results were taken back."
        )
        assert self.recalled(books).found == ()

    def test_elsewhere_a_key_object_rejects_them_for_patient_safety_once(self, books: Books) -> None:
        job = books.run(books.rooms("keep"))
        for _ in range(2):
            recall.carried_out(self.recalled(books, superseded="keep"), None, reject=True)

        after = books.ledger.job(job.id)
        assert uids(job) < uids(after) == books.stored()
        assert len(after.results) == len(job.results) + 1
        note = books.read(after, "REJECTION")
        assert note.ConceptNameCodeSequence[0].CodeValue == "113037"
        assert note.PatientID == dcmread(books.folder / "slice0.dcm").PatientID

    def test_what_is_under_way_is_cancelled(self, books: Books) -> None:
        job = books.place()
        done = recall.carried_out(self.recalled(books), None, reject=True)

        assert [each.id for each in done.under_way] == [job.id]
        after = books.ledger.job(job.id)
        assert (after.state, after.reason) == (State.CANCELLED, recall.CANCELLED)
