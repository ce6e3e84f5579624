"""Which images of a stored series are looked at, how often, and what routing makes of what they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from orthanc_plugin.archive.rest import RestArchive
from orthanc_plugin.errors import Temporary
from orthanc_plugin.inference.region import RegionNetwork
from orthanc_plugin.intake import pixels
from orthanc_plugin.intake.orders import Orders
from orthanc_plugin.intake.orthanc import Orthanc
from orthanc_plugin.intake.pixels import Pixels, of_files, places
from orthanc_plugin.jobs.job import State
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.routing.region import Region
from tests.builders.regions import showing
from tests.builders.series import Scan, enhanced, part10, slices, with_localizer
from tests.intake.bench import Bench
from tests.routing.cards import model_folder

KNEE = Region(frozenset({"knee"}), "PixelData")


class Looker:
    """Remembers what it was shown; everything is a knee."""

    def __init__(self) -> None:
        self.shown: list[Sequence[NDArray[np.float32]]] = []

    def region(self, images: Sequence[NDArray[np.float32]]) -> Region | None:
        self.shown.append(images)
        return KNEE


def asked(bench: Bench, looked: Pixels, series: Dataset) -> Region | None:
    (stored,) = bench.orthanc.find_series(str(series.SeriesInstanceUID))
    return looked.of(stored)()


@pytest.mark.parametrize(
    ("count", "chosen"), [(0, []), (1, [0]), (2, [0, 1]), (3, [1]), (5, [2, 3]), (10, [4, 5, 6]), (100, [40, 50, 60])]
)
def test_the_middle_of_so_many(count: int, chosen: list[int]) -> None:
    assert places(count) == chosen


class TestLooking:
    def test_at_the_middle_along_the_normal_whatever_the_numbers_say(self, bench: Bench) -> None:
        scan = Scan(slices=10, name="middle")
        series = slices(scan)
        for number, dataset in enumerate(reversed(series)):
            dataset.InstanceNumber = (number * 7) % 10 + 1
        bench.send(series)
        looker = Looker()
        assert asked(bench, Pixels(bench.orthanc, looker), series[0]) == KNEE
        ((first, second, third),) = looker.shown
        for seen, index in ((first, 4), (second, 5), (third, 6)):
            np.testing.assert_array_equal(seen, scan.hounsfield(index))

    def test_by_the_numbers_where_there_are_no_positions(self, bench: Bench) -> None:
        scan = Scan(slices=10, name="numbered")
        series = slices(scan)
        for dataset in series:
            del dataset.ImagePositionPatient
        bench.send(series[::-1])
        looker = Looker()
        asked(bench, Pixels(bench.orthanc, looker), series[0])
        np.testing.assert_array_equal(looker.shown[0][1], scan.hounsfield(5))

    def test_at_the_middle_frames_of_one_file(self, bench: Bench) -> None:
        scan = Scan(slices=10, name="frames")
        whole = enhanced(scan)
        bench.send([whole])
        looker = Looker()
        asked(bench, Pixels(bench.orthanc, looker), whole)
        assert len(looker.shown[0]) == 3

    def test_not_at_what_was_rejected(self, bench: Bench) -> None:
        series = slices(Scan(slices=3, name="rejected", body_part=""))
        bench.send(series)
        looker = Looker()
        rejected = [dataset.SOPInstanceUID for dataset in series]
        asked(bench, Pixels(bench.orthanc, looker, lambda _uid: rejected[:2]), series[0])
        assert [len(images) for images in looker.shown] == [1]
        assert asked(bench, Pixels(bench.orthanc, looker, lambda _uid: rejected), series[0]) is None

    def test_once_until_something_joins(self, bench: Bench) -> None:
        series = slices(Scan(slices=6, name="joined"))
        bench.send(series[:5])
        looker = Looker()
        looked = Pixels(bench.orthanc, looker)
        for _ in range(3):
            assert asked(bench, looked, series[0]) == KNEE
        assert len(looker.shown) == 1
        bench.send(series[5:])
        asked(bench, looked, series[0])
        assert len(looker.shown) == 2

    def test_not_at_what_would_take_too_long(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        series = slices(Scan(name="large"))
        bench.send(series)
        monkeypatch.setattr(pixels, "LARGEST_BYTES", 100)
        looker = Looker()
        assert asked(bench, Pixels(bench.orthanc, looker), series[0]) is None
        assert looker.shown == []

    def test_not_at_what_cannot_be_decoded(self, bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        series = with_localizer()[-1:]
        series[0].ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        bench.send(series)
        assert asked(bench, Pixels(bench.orthanc, Looker()), series[0]) is None
        assert caplog.messages[-1] == (
            "The region of the body can't be seen: The series holds nothing but localizers; "
            "run on the series that was planned on them."
        )

    def test_not_at_what_the_classifier_never_learned(self, bench: Bench) -> None:
        series = slices(Scan(name="emission", modality="PT"))
        bench.send(series)
        looker = Looker()
        assert asked(bench, Pixels(bench.orthanc, looker), series[0]) is None
        assert looker.shown == []

    def test_a_series_that_left_meanwhile_shows_nothing(self, bench: Bench) -> None:
        series = slices(Scan(name="left"))
        bench.send(series)
        (stored,) = bench.orthanc.find_series(str(series[0].SeriesInstanceUID))
        requests.delete(f"{bench.url}/series/{stored.id}", timeout=10).raise_for_status()
        assert Pixels(bench.orthanc, Looker()).of(stored)() is None

    def test_while_orthanc_is_away_nobody_says_that_there_is_nothing_to_see(self, bench: Bench) -> None:
        series = slices(Scan(name="away"))
        bench.send(series)
        (stored,) = bench.orthanc.find_series(str(series[0].SeriesInstanceUID))
        with pytest.raises(Temporary) as caught:
            Pixels(Orthanc("http://127.0.0.1:9", ""), Looker()).of(stored)()
        assert caught.value.sentence == "Orthanc does not answer; intake goes on when it is back."

    def test_at_files_as_well(self, tmp_path: Path) -> None:
        scan = Scan(slices=10, name="in files")
        files = []
        for index, dataset in enumerate(slices(scan)):
            path = tmp_path / f"{(index * 3) % 10}.dcm"
            path.write_bytes(part10(dataset))
            files.append((path, dcmread(path, stop_before_pixels=True)))
        looker = Looker()
        assert of_files(files, looker, "1.2.3")() == KNEE
        np.testing.assert_array_equal(looker.shown[0][1], scan.hounsfield(5))


@pytest.fixture
def network() -> Iterator[RegionNetwork]:
    made = RegionNetwork.on_cpu()
    yield made
    made.close()


@pytest.fixture
def make_orders(bench: Bench, network: RegionNetwork) -> Iterator[Callable[[], Orders]]:
    """As the intake process makes them, of the models that are there then."""
    archive = RestArchive(bench.url, "")

    def make() -> Orders:
        return Orders(bench.orthanc, archive, Catalogue(bench.models), bench.ledger, Pixels(bench.orthanc, network).of)

    yield make
    archive.close()


class TestRouting:
    def test_a_series_that_does_not_say_its_body_part_is_routed_by_its_pixels(
        self, bench: Bench, make_orders: Callable[[], Orders]
    ) -> None:
        series = showing("abdomen", "silent abdomen")
        bench.send(series)
        (placed,) = make_orders().orders_for(str(series[0].SeriesInstanceUID))
        assert (placed.job.state, placed.job.order.model) == (State.WAITING, "abdomen")

    def test_and_told_of_in_the_line_that_says_why_there_is_no_model(
        self, bench: Bench, make_orders: Callable[[], Orders]
    ) -> None:
        series = showing("head", "silent head")
        bench.send(series)
        (placed,) = make_orders().orders_for(str(series[0].SeriesInstanceUID))
        assert (placed.job.state, placed.job.reason) == (
            State.SKIPPED,
            "No model is for modality CT and body part head (by PixelData).",
        )

    def test_the_tag_wins_over_the_pixels_unless_the_card_says_otherwise(
        self, bench: Bench, make_orders: Callable[[], Orders]
    ) -> None:
        series = showing("abdomen", "contradicting", BodyPartExamined="HEAD", SeriesDescription="Abdomen")
        bench.send(series)
        uid = str(series[0].SeriesInstanceUID)
        doubt = "BodyPartExamined says head, SeriesDescription says abdomen, PixelData says abdomen;"
        (placed,) = make_orders().orders_for(uid)
        assert (placed.job.state, placed.job.reason) == (
            State.SKIPPED,
            f"No model is for modality CT and body part HEAD. {doubt} BodyPartExamined counts.",
        )
        model_folder(bench.models, "seeing", region_wins="pixels")
        (placed,) = make_orders().orders_for(uid, "seeing")
        assert placed.job.state is State.WAITING
        assert placed.remark == f"{doubt} PixelData counts."
        assert placed.job.order.remarks == (placed.remark,), "and in its results"

    def test_nobody_looks_where_another_rule_has_said_no(self, bench: Bench) -> None:
        series = slices(Scan(name="magnetic", modality="MR", body_part=""))
        bench.send(series)
        (placed,) = bench.orders.orders_for(str(series[0].SeriesInstanceUID))
        assert placed.job.reason == "No model is for modality MR and no stated body part."
        assert bench.pixels_asked == []
