"""Orders: what is proposed, skipped, replaced, and what a person may order."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.intake.reasons import remark, why_not
from orthanc_plugin.intake.terms import EARLY, Terms
from orthanc_plugin.jobs.job import Priority, State
from orthanc_plugin.jobs.ledger import utc_now
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.folder import read
from orthanc_plugin.routing.headers import Headers
from orthanc_plugin.routing.region import Region
from orthanc_plugin.routing.rules import explain
from tests.builders.series import Scan, slices
from tests.intake.bench import Bench
from tests.routing.cards import CT_ABDOMEN, model_folder
from tests.routing.cards import slices as least_slices
from tests.routing.odd import odd_headers


def headers(slices: int = 60, **values: object) -> Headers:
    return Headers(values, slices)


class TestWhyNot:
    @pytest.fixture
    def catalogue(self, tmp_path: Path) -> Catalogue:
        model_folder(tmp_path, "abdomen", applies={"all": [*CT_ABDOMEN, least_slices(20)]}, unknown="skip")
        return Catalogue(tmp_path)

    @pytest.mark.parametrize(
        ("known", "sentence"),
        [
            (headers(Modality="MR", BodyPartExamined="HEAD"), "No model is for modality MR and body part HEAD."),
            (headers(Modality="CT"), "No model is for modality CT and no stated body part."),
            (headers(), "No model is for a series without a modality and no stated body part."),
            (headers(3, Modality="MR"), "No model is for modality MR and no stated body part."),
            (
                headers(3, Modality="CT", BodyPartExamined="ABDOMEN"),
                "No model is for modality CT and body part ABDOMEN with 3 slices.",
            ),
            (
                headers(1, Modality="CT", BodyPartExamined="ABDOMEN"),
                "No model is for modality CT and body part ABDOMEN with 1 slice.",
            ),
        ],
    )
    def test_it_names_what_routing_met(self, catalogue: Catalogue, known: Headers, sentence: str) -> None:
        assert why_not(catalogue.models, known) == sentence

    def test_whatever_is_in_the_headers_it_is_one_sentence_or_two(self, catalogue: Catalogue) -> None:
        refused = [known for known in odd_headers(500) if not explain(catalogue.models[0].card, known).matches]
        sentences = [why_not(catalogue.models, known) for known in refused]
        assert len(sentences) >= 400
        assert all(re.match(r"No model is for (modality |a series without a modality )", each) for each in sentences)
        assert all(each.endswith(".") and "\n" not in each for each in sentences)

    def test_it_says_that_there_is_no_model_at_all(self, tmp_path: Path) -> None:
        assert why_not((), headers(Modality="CT")) == (
            "No model is installed and switched on; put one into the models folder."
        )


def test_the_remark_says_what_routing_would_have_minded(tmp_path: Path) -> None:
    model = read(model_folder(tmp_path))
    assert remark(model, headers(Modality="CT", BodyPartExamined="ABDOMEN")) == ""
    assert remark(model, headers(Modality="MR")) == (
        "Routing would not choose abdomen for this series: "
        "Modality is CT, here it is MR; body part is abdomen, here it is not stated."
    )


class TestByHand:
    def test_routing_chooses_where_no_model_is_named(self, bench: Bench) -> None:
        series = slices(Scan(name="by hand"))
        bench.send(series)
        (placed,) = bench.orders.orders_for(series[0].SeriesInstanceUID)
        assert (placed.job.state, placed.job.order.model, placed.remark) == (State.WAITING, "abdomen", "")
        assert placed.job.order.released

    def test_a_named_model_runs_where_routing_would_not_choose_it_and_says_so(self, bench: Bench) -> None:
        series = slices(Scan(name="head by hand", body_part="HEAD"))
        bench.send(series)
        (placed,) = bench.orders.orders_for(series[0].SeriesInstanceUID, "abdomen")
        assert placed.job.state is State.WAITING
        assert placed.remark == (
            "Routing would not choose abdomen for this series: "
            "body part is abdomen, here it is head (BodyPartExamined)."
        )

    def test_priority_and_parameters_are_part_of_the_order(self, bench: Bench) -> None:
        series = slices(Scan(name="urgent"))
        bench.send(series)
        terms = Terms(Priority.STAT, (("threshold", 0.5), ("level", "L3")))
        (placed,) = bench.orders.orders_for(series[0].SeriesInstanceUID, "abdomen", terms)
        assert placed.job.order.priority is Priority.STAT
        assert placed.job.order.parameters == (("level", "L3"), ("threshold", 0.5))

    def test_the_same_order_twice_is_one_job(self, bench: Bench) -> None:
        series = slices(Scan(name="twice"))
        bench.send(series)
        uid = series[0].SeriesInstanceUID
        (first,), (second,) = bench.orders.orders_for(uid), bench.orders.orders_for(uid)
        assert first.job.id == second.job.id

    def test_a_series_that_no_model_is_for_is_told_why(self, bench: Bench) -> None:
        series = slices(Scan(name="no model", modality="MR"))
        bench.send(series)
        (placed,) = bench.orders.orders_for(series[0].SeriesInstanceUID)
        assert (placed.job.state, placed.job.reason) == (
            State.SKIPPED,
            "No model is for modality MR and body part ABDOMEN.",
        )

    def test_a_series_that_is_not_there(self, bench: Bench) -> None:
        with pytest.raises(Unsuitable) as caught:
            bench.orders.orders_for("1.2.3")
        assert caught.value.sentence == "There is no series 1.2.3 in the archive; send it or correct its UID."

    def test_a_model_that_is_not_there(self, bench: Bench) -> None:
        with pytest.raises(ConfigurationError) as caught:
            bench.orders.orders_for("1.2.3", "liver")
        assert caught.value.sentence == "No model is called liver; installed: abdomen."

    def test_one_image_gets_a_job_of_its_own_beside_that_of_the_series(self, bench: Bench) -> None:
        series = slices(Scan(name="one image"))
        bench.send(series)
        uid, image = series[0].SeriesInstanceUID, series[2].SOPInstanceUID
        (whole,) = bench.orders.orders_for(uid)

        (one,) = bench.orders.order_image(OneImage(uid, image, 1))
        (again,) = bench.orders.order_image(OneImage(uid, image, 1), "abdomen")

        assert one.job.id == again.job.id != whole.job.id
        (role,), (of_whole,) = one.job.order.input_set.roles, whole.job.order.input_set.roles
        assert role.sop_instance_uids == (image,)
        assert role.fingerprint == of_whole.fingerprint
        assert one.job.order.parameters == (("frame", 1),)

    def test_no_model_is_for_an_image_of_that_series(self, bench: Bench) -> None:
        series = slices(Scan(name="image of another kind", modality="MR"))
        bench.send(series)
        uid = series[0].SeriesInstanceUID
        with pytest.raises(Unsuitable) as caught:
            bench.orders.order_image(OneImage(uid, series[0].SOPInstanceUID))
        assert caught.value.sentence == (
            f"No model that takes a single image is for the series {uid}; "
            'name one that takes a single series as "model" to run it all the same.'
        )

    def test_a_result_is_refused_by_hand_too(self, bench: Bench) -> None:
        (report,) = slices(Scan(slices=1, name="report", modality="SR"))
        bench.send([report])
        uid = report.SeriesInstanceUID
        with pytest.raises(Unsuitable) as caught:
            bench.orders.orders_for(uid, "abdomen")
        assert caught.value.sentence == (
            f"The series {uid} is a result (structured report); the node never runs on results."
        )


@pytest.mark.parametrize(("part", "state"), [("abdomen", State.WAITING), ("head", State.SKIPPED)])
def test_the_pixels_are_asked_once_where_the_headers_leave_the_region_open(
    bench: Bench, part: str, state: State
) -> None:
    bench.region = Region(frozenset({part}), "the pixels")
    silent = slices(Scan(name="series", body_part=""))
    bench.send(silent)
    (placed,) = bench.orders.orders_for(silent[0].SeriesInstanceUID)
    assert placed.job.state is state
    assert bench.pixels_asked == [silent[0].SeriesInstanceUID]


def test_the_pixels_are_not_asked_where_the_tag_says_it(bench: Bench) -> None:
    told = slices(Scan(name="series"))
    bench.send(told)
    bench.orders.orders_for(told[0].SeriesInstanceUID)
    assert bench.pixels_asked == []


def test_early_there_is_no_line_for_a_series_that_no_model_is_for(bench: Bench) -> None:
    series = slices(Scan(name="early", modality="MR"))
    bench.send(series)
    (stored,) = bench.orthanc.find_series(series[0].SeriesInstanceUID)
    assert bench.orders.place(stored, headers(Modality="MR"), EARLY) == ()
    assert bench.jobs(series[0]) == []


def test_a_series_that_moved_on_while_it_was_read_is_not_placed(bench: Bench) -> None:
    series = slices(Scan(name="moving"))
    bench.send(series[:-1])
    (stored,) = bench.orthanc.find_series(series[0].SeriesInstanceUID)
    bench.send(series[-1:])
    assert bench.orders.place(stored, headers(Modality="CT"), Terms()) is None
    assert bench.jobs(series[0]) == []


def test_a_series_whose_jobs_the_retention_took_is_not_done_anew(bench: Bench) -> None:
    series = slices(Scan(name="old", modality="MR"))
    bench.send(series)
    (stored,) = bench.orthanc.find_series(series[0].SeriesInstanceUID)
    bench.orders.place(stored, headers(Modality="MR"), Terms())
    assert bench.ledger.purge(utc_now() + timedelta(days=1)) == 1
    assert bench.orders.place(stored, headers(Modality="CT", BodyPartExamined="ABDOMEN"), Terms()) == ()
    assert bench.jobs(series[0]) == []
    (placed,) = bench.orders.orders_for(series[0].SeriesInstanceUID, "abdomen")
    assert placed.job.state is State.WAITING, "by hand it is"
