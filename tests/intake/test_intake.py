"""From stored instances to lines in the ledger, on a real Orthanc with a clock that the test moves."""

from __future__ import annotations

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.jobs.job import State
from orthanc_plugin.routing.results import MADE_BY
from tests.builders.series import Scan, enhanced, missing_slice, slices
from tests.intake.bench import Bench
from tests.routing.cards import model_folder

REPLACED = "More instances of the series arrived; the job on the whole series replaces this one."


def scan(name: str, count: int = 12, **values: str) -> list[Dataset]:
    return slices(Scan(slices=count, name=name, **values))  # type: ignore[arg-type]


def test_a_whole_series_becomes_one_job_on_all_its_instances(bench: Bench) -> None:
    series = scan("whole")
    bench.send(series)
    bench.tick(2.1)
    (job,) = bench.jobs(series[0])
    assert (job.state, job.order.model, job.order.released) == (State.WAITING, "abdomen", True)
    assert job.order.limit_s == 60
    (role,) = job.order.input_set.roles
    assert job.order.input_set.study_uid == series[0].StudyInstanceUID
    assert set(role.sop_instance_uids) == {dataset.SOPInstanceUID for dataset in series}


def test_computing_starts_early_and_results_wait_for_the_end_of_the_silence(bench: Bench) -> None:
    series = scan("early")
    bench.send(series)
    bench.tick(1.1)
    (early,) = bench.jobs(series[0])
    assert not early.order.released
    bench.tick(1.0)
    (released,) = bench.jobs(series[0])
    assert released.order.released
    assert released.id == early.id


def test_a_hole_is_not_computed_early_but_published_after_a_longer_silence(bench: Bench) -> None:
    series = missing_slice()
    bench.send(series)
    bench.tick(8.9)
    assert bench.jobs(series[0]) == []
    bench.tick(0.2)
    assert [job.order.released for job in bench.jobs(series[0])] == [True]


def test_a_known_sender_is_published_half_a_second_after_its_last_instance(bench: Bench) -> None:
    for number in range(3):
        bench.send(scan(f"first {number}"))
        bench.tick(2.1)
    series = scan("fourth")
    bench.send(series)
    bench.tick(0.5)
    assert [job.order.released for job in bench.jobs(series[0])] == [True]


def test_what_is_known_of_a_sender_survives_a_restart(bench: Bench) -> None:
    for number in range(3):
        bench.send(scan(f"first {number}"))
        bench.tick(2.1)
    bench.start()
    bench.tick(0.5)
    series = scan("after restart")
    bench.send(series)
    bench.tick(0.5)
    assert len(bench.jobs(series[0])) == 1


def test_a_late_slice_replaces_the_job_by_one_on_the_whole_series(bench: Bench) -> None:
    series = scan("late")
    bench.send(series[:-1])
    bench.tick(2.3)
    bench.send(series[-1:])
    bench.tick(6.0)
    first, second = bench.jobs(series[0])
    assert (first.state, first.reason) == (State.CANCELLED, REPLACED)
    assert (second.state, second.order.released) == (State.WAITING, True)
    assert len(second.order.input_set.roles[0].sop_instance_uids) == 12


def test_instances_that_come_while_it_computes_early_replace_the_early_job(bench: Bench) -> None:
    series = scan("growing")
    bench.send(series[:-1])
    bench.tick(1.2)
    bench.send(series[-1:])
    bench.tick(6.0)
    first, second = bench.jobs(series[0])
    assert (first.state, first.order.released) == (State.CANCELLED, False)
    assert second.order.released


def test_single_images_and_enhanced_multi_frames_are_published_at_once(bench: Bench) -> None:
    radiograph = scan("radiograph", 1, modality="DX")
    multi_frame = enhanced()
    bench.send([*radiograph, multi_frame])
    bench.tick(0.2)
    assert len(bench.jobs(radiograph[0])) == 1
    assert len(bench.jobs(multi_frame)) == 1


def test_a_series_that_no_model_is_for_gets_a_line_that_says_so(bench: Bench) -> None:
    series = scan("head", modality="MR", body_part="HEAD")
    bench.send(series)
    bench.tick(2.1)
    (job,) = bench.jobs(series[0])
    assert (job.state, job.reason) == (State.SKIPPED, "No model is for modality MR and body part HEAD.")


def test_the_node_never_runs_on_results(bench: Bench) -> None:
    capture = scan("capture", 1)
    capture[0].SOPClassUID = SecondaryCaptureImageStorage
    derived = scan("derived", 5)
    for dataset in derived:
        dataset.Manufacturer = "Inference node"
    bench.send([*capture, *derived])
    bench.tick(5)
    assert bench.ledger.jobs() == ([], None)


def derived(source: list[Dataset], *makers: str) -> list[Dataset]:
    """As the last of the models makes it of what the one before it has made."""
    made = scan(f"{source[0].SeriesInstanceUID} {makers}", len(source))
    for dataset in made:
        dataset.StudyInstanceUID, dataset.ImageType = source[0].StudyInstanceUID, ["DERIVED", "SECONDARY", "AXIAL"]
        dataset.ContributingEquipmentSequence = [
            equipment("SIEMENS", "Scanner"),
            *(equipment(MADE_BY, m) for m in makers),
        ]
    return made


def equipment(manufacturer: str, model: str) -> Dataset:
    item = Dataset()
    item.Manufacturer, item.ManufacturerModelName = manufacturer, model
    return item


def test_an_image_that_a_model_derived_goes_to_those_alone_that_take_it(bench: Bench) -> None:
    """Denoise, then outline: nobody else runs on it, and who takes it does not run on what a scanner made."""
    model_folder(bench.models, "outlines", inputs={"series": {"derived_by": "quieter"}})
    bench.start()
    source = scan("noisy")
    quiet, quieter_still, other = (
        derived(source, "quieter"),
        derived(source, "quieter", "other"),
        derived(source, "x y"),
    )
    bench.send([*source, *quiet, *quieter_still, *other])
    bench.tick(10)
    assert [job.order.model for job in bench.jobs(source[0])] == ["abdomen"]
    assert [job.order.model for job in bench.jobs(quiet[0])] == ["outlines"]
    assert bench.jobs(quieter_still[0]) == bench.jobs(other[0]) == []


def test_a_model_never_takes_what_it_derives_itself(bench: Bench) -> None:
    model_folder(bench.models, "quieter", inputs={"series": {"derived_by": "quieter"}})
    bench.start()
    [problem] = bench.catalogue.problems
    assert "the role series takes images that the model derives itself, so it would never begin" in problem


def test_by_hand_too_a_model_runs_on_derived_images_that_its_card_takes_alone(bench: Bench) -> None:
    model_folder(bench.models, "outlines", inputs={"series": {"derived_by": "quieter"}})
    bench.start()
    quiet = derived(scan("noisy"), "quieter")
    bench.send(quiet)
    bench.tick(10)
    uid = quiet[0].SeriesInstanceUID
    (placed,) = bench.orders.orders_for(uid, "outlines")
    assert placed.remark == ""
    with pytest.raises(Unsuitable) as refusal:
        bench.orders.orders_for(uid, "abdomen")
    assert refusal.value.sentence == (
        f"The series {uid} is a result (result of an inference node); the node never runs on results."
    )


def test_series_that_come_interleaved_are_told_apart(bench: Bench) -> None:
    one, other = scan("one"), scan("other")
    bench.send([dataset for pair in zip(one, other, strict=True) for dataset in pair])
    bench.tick(2.1)
    for series in (one, other):
        (job,) = bench.jobs(series[0])
        assert len(job.order.input_set.roles[0].sop_instance_uids) == 12


def test_what_came_while_nobody_watched_is_found(bench: Bench) -> None:
    before, meanwhile = scan("before"), scan("meanwhile")
    bench.send(before)
    bench.tick(2.1)
    bench.send(meanwhile)
    requests.delete(f"{bench.url}/changes", timeout=10).raise_for_status()
    bench.start()
    bench.tick(3.1)
    assert len(bench.jobs(meanwhile[0])) == 1
    assert len(bench.jobs(before[0])) == 1, "what is settled stays as it is"


def test_an_early_job_that_lost_its_intake_is_released_by_the_next(bench: Bench) -> None:
    series = scan("orphaned")
    bench.send(series)
    bench.tick(1.1)
    bench.start()
    bench.tick(3.1)
    (job,) = bench.jobs(series[0])
    assert job.order.released


def test_a_series_in_two_studies_gets_a_line_that_says_what_to_do(bench: Bench) -> None:
    series, elsewhere = scan("twice", 5), scan("twice", 5)
    for dataset in elsewhere:
        dataset.StudyInstanceUID = f"{series[0].StudyInstanceUID}.2"
    bench.send([*series, *elsewhere])
    bench.tick(6)
    jobs = bench.jobs(series[0])
    assert {job.order.input_set.study_uid for job in jobs} == {
        series[0].StudyInstanceUID,
        elsewhere[0].StudyInstanceUID,
    }
    assert {(job.state, job.reason) for job in jobs} == {
        (
            State.SKIPPED,
            "The archive holds the series in more than one study or under more than one patient; "
            "merge or delete them until one is left.",
        )
    }


def test_what_arrives_goes_before_a_backlog(bench: Bench) -> None:
    backlog = [scan(f"backlog {number}", 1, modality="DX") for number in range(20)]
    bench.send([series[0] for series in backlog])
    requests.delete(f"{bench.url}/changes", timeout=10).raise_for_status()
    bench.look()
    urgent = scan("urgent", 1, modality="DX")
    bench.send(urgent)
    bench.look()
    bench.now_s += 0.2
    bench.look()
    assert len(bench.jobs(urgent[0])) == 1
    assert len(bench.ledger.jobs()[0]) < 20
    bench.tick(1)
    assert len(bench.ledger.jobs()[0]) == 21


def test_a_series_that_is_deleted_while_it_is_waited_for_leaves_nothing(bench: Bench) -> None:
    series = scan("deleted")
    bench.send(series)
    bench.look()
    for study in requests.get(f"{bench.url}/studies", timeout=10).json():
        requests.delete(f"{bench.url}/studies/{study}", timeout=10).raise_for_status()
    bench.tick(5)
    assert bench.ledger.jobs() == ([], None)


def test_while_nothing_happens_it_looks_every_two_seconds(bench: Bench) -> None:
    bench.look()
    assert bench.look() == pytest.approx(bench.now_s + 2.0)
