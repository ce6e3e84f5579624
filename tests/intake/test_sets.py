"""Sets of series: waited for over series and restarts, ordered once they are whole, or said to lack a role."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.jobs.job import Job, Priority, State
from tests.builders.series import Scan, slices
from tests.intake.bench import Bench
from tests.routing.cards import CT_ABDOMEN, classes, model_folder, stage

STUDY_UID = "1.2.826.77"
MR = {"tag": "Modality", "in": ["MR"]}


def named(pattern: str, **more: Any) -> dict[str, Any]:
    return {"rule": {"tag": "SeriesDescription", "matches": pattern}} | more


def series(description: str, count: int = 4, modality: str = "MR", **values: str) -> list[Dataset]:
    """One of several in the same study."""
    made = slices(Scan(slices=count, name=description, modality=modality, **values))  # type: ignore[arg-type]
    for dataset in made:
        dataset.StudyInstanceUID = STUDY_UID
        dataset.PatientID = "one"
    return made


def jobs(bench: Bench, state: State | None = None) -> list[Job]:
    return bench.ledger.jobs(state=state)[0][::-1]


def seats(job: Job) -> dict[str, str]:
    return {role.name: role.series_uid for role in job.order.input_set.roles}


def uids(**roles: list[Dataset]) -> dict[str, str]:
    return {name: str(datasets[0].SeriesInstanceUID) for name, datasets in roles.items()}


@pytest.fixture
def pair(bench: Bench) -> Bench:
    """A model that wants T1 and T2, and FLAIR if there is one; it waits for a minute."""
    shutil.rmtree(bench.models / "abdomen")
    model_folder(
        bench.models,
        "brain",
        title="Brain",
        applies=MR,
        inputs={"t1": named("^t1"), "t2": named("^t2"), "flair": named("flair", required=False)},
        stages=[stage(roles=["t1", "t2"])],
        wait_s=60,
    )
    bench.start()
    return bench


def test_a_set_is_ordered_as_soon_as_every_role_is_taken(pair: Bench) -> None:
    t1, t2, flair = series("t1"), series("t2"), series("flair")
    pair.send([*t1, *t2])
    pair.tick(10)
    assert jobs(pair) == []
    pair.send(flair)
    pair.tick(4)
    (job,) = jobs(pair)
    assert (job.state, job.order.model, job.order.released) == (State.WAITING, "brain", True)
    assert seats(job) == uids(t1=t1, t2=t2, flair=flair)


def test_what_is_not_required_is_waited_for_until_the_limit(pair: Bench) -> None:
    t1, t2 = series("t1"), series("t2")
    pair.send([*t1, *t2])
    pair.tick(5)
    assert jobs(pair) == []
    pair.now_s += 60
    pair.tick(1)
    (job,) = jobs(pair)
    assert seats(job) == uids(t1=t1, t2=t2)


def test_after_the_limit_the_line_says_which_role_is_missing(pair: Bench) -> None:
    t1 = series("t1")
    pair.send(t1)
    pair.tick(5)
    pair.now_s += 60
    pair.tick(1)
    (job,) = jobs(pair)
    assert (job.state, seats(job)) == (State.SKIPPED, uids(t1=t1))
    waited, _, rest = job.reason.removeprefix("Brain needs a set of series, and after ").partition(" s ")
    assert 60 <= float(waited) <= 70
    assert rest == "nothing in the study takes the role t2; send what is missing, and it runs."


def test_every_role_that_is_missing_is_named_and_those_that_need_not_be_there_are_not(pair: Bench) -> None:
    pair.send(series("flair"))
    pair.tick(5)
    pair.now_s += 60
    pair.tick(1)
    (job,) = jobs(pair)
    assert job.state is State.SKIPPED
    assert job.reason.endswith("nothing in the study takes the role t1 or t2; send what is missing, and it runs.")


def test_what_comes_after_the_limit_makes_the_set_all_the_same(pair: Bench) -> None:
    t1, t2, flair = series("t1"), series("t2"), series("flair")
    pair.send(t1)
    pair.tick(5)
    pair.now_s += 60
    pair.tick(1)
    pair.send([*t2, *flair])
    pair.tick(5)
    skipped, ordered = jobs(pair)
    assert (skipped.state, ordered.state) == (State.SKIPPED, State.WAITING)
    assert seats(ordered) == uids(t1=t1, t2=t2, flair=flair)


def test_a_restart_goes_on_waiting_from_where_it_was(pair: Bench) -> None:
    pair.send(series("t1"))
    pair.tick(5)
    pair.now_s += 40
    pair.start()
    pair.tick(2)
    assert jobs(pair) == []
    pair.now_s += 20
    pair.tick(1)
    assert [job.state for job in jobs(pair)] == [State.SKIPPED]


def test_a_changed_series_makes_a_new_set_that_replaces_the_old(pair: Bench) -> None:
    t1, t2, flair = series("t1"), series("t2", 5), series("flair")
    pair.send([*t1, *t2[:-1], *flair])
    pair.tick(4)
    pair.send(t2[-1:])
    pair.tick(20)
    old, new = jobs(pair)
    assert (old.state, new.state) == (State.CANCELLED, State.WAITING)
    assert seats(old) == seats(new)
    assert len(new.order.input_set.roles[1].sop_instance_uids) == 5


def test_a_series_that_takes_no_role_is_told_why(pair: Bench) -> None:
    pair.send(series("ct", modality="CT"))
    pair.tick(4)
    (job,) = jobs(pair)
    assert (job.state, job.reason) == (State.SKIPPED, "No model is for modality CT and body part ABDOMEN.")


def test_a_set_by_hand_takes_what_the_study_has(pair: Bench) -> None:
    t1, t2 = series("t1"), series("t2")
    pair.send(t1)
    with pytest.raises(Unsuitable) as caught:
        pair.orders.orders_for(str(t1[0].SeriesInstanceUID), "brain")
    assert caught.value.sentence == (
        "Brain needs a set of series, and after 0 s nothing in the study takes the role t2; "
        "send what is missing, and it runs."
    )
    pair.send(t2)
    (placed,) = pair.orders.orders_for(str(t1[0].SeriesInstanceUID), "brain")
    assert seats(placed.job) == uids(t1=t1, t2=t2)


def test_a_set_that_lacks_a_role_keeps_no_other_model_from_running_by_hand(pair: Bench) -> None:
    model_folder(pair.models, "alone", applies=MR)
    pair.start()
    t1 = series("t1")
    pair.send(t1)
    alone, brain = pair.orders.orders_for(str(t1[0].SeriesInstanceUID))
    assert (alone.job.state, alone.job.order.model, alone.remark) == (State.WAITING, "alone", "")
    assert (brain.job.state, brain.remark) == (State.SKIPPED, brain.job.reason)
    assert brain.job.reason.endswith("nothing in the study takes the role t2; send what is missing, and it runs.")


class TestOneSeriesOfTheStudy:
    @pytest.fixture
    def thinnest(self, bench: Bench) -> Bench:
        shutil.rmtree(bench.models / "abdomen")
        model_folder(
            bench.models,
            "abdomen",
            applies={"all": list(CT_ABDOMEN)},
            inputs={"series": {"best": ["thinnest"]}},
            priority="stat",
        )
        bench.start()
        return bench

    def test_the_best_is_chosen_when_the_study_rests(self, thinnest: Bench) -> None:
        thick = series("thick", modality="CT", thickness_mm=5.0)  # type: ignore[arg-type]
        thin = series("thin", modality="CT", thickness_mm=1.0)  # type: ignore[arg-type]
        thinnest.send(thick)
        thinnest.tick(8)
        thinnest.send(thin)
        thinnest.tick(20)
        assert jobs(thinnest) == []
        thinnest.tick(25)
        ordered, passed = jobs(thinnest)
        assert (ordered.state, seats(ordered)) == (State.WAITING, uids(series=thin))
        assert ordered.order.priority is Priority.STAT
        assert (passed.state, seats(passed), passed.reason) == (
            State.SKIPPED,
            uids(series=thick),
            "Abdomen takes one series of a study for each of its roles, and others were preferred.",
        )

    def test_of_many_exactly_one_runs_and_every_other_has_its_line(self, thinnest: Bench) -> None:
        scans = [series(f"of {mm} mm", modality="CT", thickness_mm=mm) for mm in (3.0, 1.0, 2.0, 1.5)]  # type: ignore[arg-type]
        for scan in scans:
            thinnest.send(scan)
        thinnest.tick(5)
        thinnest.start()
        thinnest.tick(45)
        assert [seats(job) for job in jobs(thinnest, State.WAITING)] == [uids(series=scans[1])]
        others = [seats(job)["series"] for job in jobs(thinnest, State.SKIPPED)]
        assert sorted(others) == sorted(str(scans[other][0].SeriesInstanceUID) for other in (0, 2, 3))

    def test_a_better_one_that_comes_later_replaces_the_job(self, thinnest: Bench) -> None:
        thinnest.send(series("thick", modality="CT", thickness_mm=5.0))  # type: ignore[arg-type]
        thinnest.tick(45)
        thin = series("thin", modality="CT", thickness_mm=1.0)  # type: ignore[arg-type]
        thinnest.send(thin)
        thinnest.tick(45)
        old, new = jobs(thinnest)
        assert (old.state, old.reason) == (
            State.CANCELLED,
            "Another series of the study arrived; the job on the new set of series replaces this one.",
        )
        assert (new.state, seats(new)) == (State.WAITING, uids(series=thin))


class TestSwitches:
    def switch(self, bench: Bench, choice: str) -> None:
        folder = bench.models.parent / "overlays"
        folder.mkdir(exist_ok=True)
        (folder / "abdomen.json").write_text(json.dumps({"switch": choice}))
        bench.start()

    def test_what_is_off_is_not_chosen_and_refused_by_hand(self, bench: Bench) -> None:
        self.switch(bench, "off")
        scan = series("off", modality="CT")
        bench.send(scan)
        bench.tick(5)
        (job,) = jobs(bench)
        assert (job.state, job.reason) == (
            State.SKIPPED,
            "No model is installed and switched on; put one into the models folder.",
        )
        with pytest.raises(ConfigurationError) as caught:
            bench.orders.orders_for(str(scan[0].SeriesInstanceUID), "abdomen")
        assert caught.value.sentence == (
            'The model abdomen is switched off on this node; set "switch" to "on" in overlays/abdomen.json to run it.'
        )

    def test_a_shadow_is_ordered_as_such_and_once_more_when_it_is_on(self, bench: Bench) -> None:
        self.switch(bench, "shadow")
        scan = series("shadow", modality="CT")
        bench.send(scan)
        bench.tick(5)
        (shadow,) = jobs(bench)
        assert shadow.order.parameters == (("shadow", True),)
        self.switch(bench, "on")
        (placed,) = bench.orders.orders_for(str(scan[0].SeriesInstanceUID))
        assert (placed.job.id != shadow.id, placed.job.order.parameters) == (True, ())


class TestTheModelGoesMeanwhile:
    GONE = (
        "Brain was removed, switched off or changed while this study waited for its set of series; "
        "put the model brain in place and run it on the study."
    )

    @pytest.fixture
    def waiting(self, pair: Bench) -> Bench:
        pair.send(series("t1"))
        pair.tick(5)
        assert jobs(pair) == []
        return pair

    def over(self, bench: Bench) -> Job:
        """What the ledger says of the set when the time to wait for it is over."""
        bench.tick(5)
        bench.now_s += 60
        bench.tick(1)
        (job,) = jobs(bench)
        return job

    def test_removed(self, waiting: Bench) -> None:
        shutil.rmtree(waiting.models / "brain")
        job = self.over(waiting)
        assert (job.state, job.reason, job.order.model) == (State.SKIPPED, self.GONE, "brain")
        assert seats(job) == uids(t1=series("t1"))

    def test_switched_off(self, waiting: Bench) -> None:
        folder = waiting.models.parent / "overlays"
        folder.mkdir()
        (folder / "brain.json").write_text('{"switch": "off"}')
        job = self.over(waiting)
        assert (job.state, job.reason) == (State.SKIPPED, self.GONE)

    def test_changed_so_that_no_series_is_for_it(self, waiting: Bench) -> None:
        shutil.rmtree(waiting.models / "brain")
        model_folder(waiting.models, "brain", title="Brain", applies=MR, inputs={"series": named("spine")}, version="2")
        job = self.over(waiting)
        assert (job.state, job.reason, job.order.version) == (State.SKIPPED, self.GONE, "1.0.0")

    def test_a_model_that_is_back_in_time_goes_on(self, waiting: Bench, tmp_path: Path) -> None:
        shutil.move(waiting.models / "brain", tmp_path / "aside")
        waiting.tick(5)
        shutil.move(tmp_path / "aside", waiting.models / "brain")
        waiting.tick(5)
        waiting.send(series("t2"))
        waiting.send(series("flair"))
        waiting.tick(5)
        assert [job.state for job in jobs(waiting)] == [State.WAITING]

    def test_a_series_that_was_deleted_gets_no_line(self, waiting: Bench) -> None:
        waiting.delete(series("t1")[0].SeriesInstanceUID)
        waiting.now_s += 60
        waiting.tick(1)
        assert jobs(waiting) == []


def test_what_contradicts_itself_is_told_with_the_role(pair: Bench) -> None:
    shutil.rmtree(pair.models / "brain")
    head = {"all": [MR, {"body_part": ["head"]}]}
    roles = {"t1": named("^t1"), "t2": named("^t2")}
    model_folder(pair.models, "brain", applies=head, inputs=roles, stages=[stage(roles=list(roles))])
    pair.start()
    pair.send([*series("t1", body_part="HEAD"), *series("t2 knie", body_part="HEAD")])
    pair.tick(5)
    (job,) = jobs(pair)
    assert job.order.remarks == (
        "In the role t2, BodyPartExamined says head, SeriesDescription says knee; BodyPartExamined counts.",
    )


class TestEverySeriesOfTheStudy:
    @pytest.fixture
    def views(self, bench: Bench) -> Bench:
        """A model that takes all series at once, in whichever of them the images come."""
        shutil.rmtree(bench.models / "abdomen")
        slots = [{"name": "any", "rule": MR, "meaning_of_missing": "Not known."}]
        model_folder(
            bench.models,
            "views",
            applies=MR,
            inputs={"views": {"every": True}},
            stages=[stage(kind="image", roles=["views"], slots=slots)],
            outputs=classes(slots=["any"]),
        )
        bench.start()
        return bench

    def test_all_take_part_once_the_study_rests(self, views: Bench) -> None:
        several = [series(f"view {number}", 1) for number in range(4)]
        for one in several[:2]:
            views.send(one)
        views.tick(20)
        assert jobs(views) == []
        for one in several[2:]:
            views.send(one)
        views.tick(45)
        (job,) = jobs(views)
        assert job.state is State.WAITING
        assert {role.name for role in job.order.input_set.roles} == {"views"}
        assert {role.series_uid for role in job.order.input_set.roles} == {
            str(one[0].SeriesInstanceUID) for one in several
        }

    def test_one_series_with_all_images_is_enough(self, views: Bench) -> None:
        whole = series("all views", 4)
        views.send(whole)
        views.tick(45)
        (job,) = jobs(views)
        assert (job.state, seats(job)) == (State.WAITING, uids(views=whole))

    def test_a_series_that_comes_later_makes_a_new_set(self, views: Bench) -> None:
        first, later = series("view 1", 1), series("view 2", 1)
        views.send(first)
        views.tick(45)
        views.send(later)
        views.tick(45)
        old, new = jobs(views)
        assert (old.state, new.state) == (State.CANCELLED, State.WAITING)
        assert len(new.order.input_set.roles) == 2
