"""What somebody drew in a viewer and stored as a report, as the region that the next job by hand looks at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComprehensiveSRStorage

from orthanc_plugin.imaging.parenchyma import Box
from orthanc_plugin.intake.drawn import Drawn, drawn_on, region_of
from orthanc_plugin.intake.one_image import OneImage
from orthanc_plugin.routing.results import MADE_BY
from orthanc_plugin.web.run import run
from orthanc_plugin.web.wish import wish
from tests.builders import ultrasound
from tests.intake.bench import Bench
from tests.routing.cards import classes, model_folder, stage

IMAGE = ultrasound.dataset(frames=2)
RECTANGLE = [100, 60, 180, 60, 180, 130, 100, 130, 100, 60]
LOOKS = {"kind": "texture", "rows": 50, "columns": 50, "texture": {"features": ["autocorrelation"]}}


def area(points: Sequence[float], kind: str = "POLYLINE", frame: int | None = 2, image: str = "") -> Dataset:
    reference, selected, item = Dataset(), Dataset(), Dataset()
    reference.ReferencedSOPClassUID = IMAGE.SOPClassUID
    reference.ReferencedSOPInstanceUID = image or IMAGE.SOPInstanceUID
    if frame is not None:
        reference.ReferencedFrameNumber = frame
    selected.RelationshipType, selected.ValueType, selected.ReferencedSOPSequence = (
        "SELECTED FROM",
        "IMAGE",
        [reference],
    )
    item.RelationshipType, item.ValueType, item.GraphicType = "INFERRED FROM", "SCOORD", kind
    item.GraphicData, item.ContentSequence = list(points), [selected]
    return item


def report(*areas: Dataset, at: str = "101500", by: str = "A viewer", number: int = 1) -> Dataset:
    """Each in a measurement of its own, as TID 1501 has them."""
    document = Dataset()
    document.file_meta = FileMetaDataset()
    document.SOPClassUID, document.SOPInstanceUID = ComprehensiveSRStorage, f"1.2.826.0.1.3680043.8.498.12.{number}"
    document.StudyInstanceUID = IMAGE.StudyInstanceUID
    document.SeriesInstanceUID = f"1.2.826.0.1.3680043.8.498.13.{number}"
    document.PatientName, document.PatientID, document.PatientBirthDate, document.PatientSex = "Doe^Jo", "P-1", "", "F"
    document.StudyDate, document.StudyTime, document.StudyID = "20260102", "101500", "S1"
    document.AccessionNumber, document.ReferringPhysicianName = "A-9", ""
    document.Modality, document.SeriesNumber, document.InstanceNumber, document.Manufacturer = "SR", 9, 1, by
    document.ContentDate, document.ContentTime, document.ValueType = "20260103", at, "CONTAINER"
    measured = []
    for drawn in areas:
        number_item, group = Dataset(), Dataset()
        number_item.RelationshipType, number_item.ValueType, number_item.ContentSequence = "CONTAINS", "NUM", [drawn]
        group.RelationshipType, group.ValueType, group.ContentSequence = "CONTAINS", "CONTAINER", [number_item]
        measured.append(group)
    document.ContentSequence = measured
    return document


@pytest.mark.parametrize(
    ("drawn", "box"),
    [
        # The square of 50 pixels in the middle of the rectangle.
        (area(RECTANGLE), Box(115, 70, 50, 50)),
        # Smaller where the rectangle is.
        (area([100, 60, 130, 60, 130, 100, 100, 100]), Box(100, 60, 30, 40)),
        (area([140, 95, 140, 155], "CIRCLE"), Box(115, 70, 50, 50)),
        (area([100, 95, 180, 95, 140, 80, 140, 110], "ELLIPSE"), Box(115, 80, 50, 30)),
        # A length is no area, nor is a speck, nor what lies on an image of another series.
        (area([100, 60, 180, 60]), None),
        (area([100, 60, 110, 60, 110, 70, 100, 70]), None),
        (area(RECTANGLE, image="1.2.3"), None),
        (area([-100, 60, 10, 60, 10, 130, -100, 130]), None),
    ],
)
def test_what_was_drawn_becomes_a_box(drawn: Dataset, box: Box | None) -> None:
    found = region_of(report(drawn), {str(IMAGE.SOPInstanceUID)}, 50)

    assert found == (None if box is None else Drawn(box, str(IMAGE.SOPInstanceUID), 2))


def test_of_several_the_last_counts() -> None:
    found = region_of(report(area(RECTANGLE), area([10, 10, 60, 10, 60, 60, 10, 60])), {IMAGE.SOPInstanceUID}, 50)

    assert found is not None and found.box == Box(10, 10, 50, 50)


def test_as_parameters_of_an_order() -> None:
    found = Drawn(Box(115, 70, 50, 50), "1.2.3", 2)

    assert found.parameters == (("roi", "115,70,50,50"), ("roi_instance", "1.2.3"), ("roi_frame", 2))
    assert Drawn(found.box, "1.2.3", None).parameters == (("roi", "115,70,50,50"), ("roi_instance", "1.2.3"))
    assert found.lies_on(OneImage("1", "1.2.3")) and found.lies_on(OneImage("1", "1.2.3", 2))
    assert not found.lies_on(OneImage("1", "1.2.3", 1)) and not found.lies_on(OneImage("1", "1.2.4"))


class TestByHand:
    """On a real Orthanc that holds the image and reports on it."""

    @pytest.fixture
    def filled(self, bench: Bench) -> Bench:
        applies = {"all": [{"tag": "Modality", "in": ["US"]}]}
        model_folder(bench.models, "looker", applies=applies, stages=[stage(**LOOKS)], outputs=classes())
        model_folder(bench.models, "other", applies=applies)
        bench.start()
        bench.send([IMAGE])
        return bench

    def ordered(self, bench: Bench, **wanted: object) -> dict[str, dict[str, object]]:
        body = json.dumps({"series": str(IMAGE.SeriesInstanceUID)} | wanted)
        placed = run(wish(body), bench.orders, bench.orthanc, bench.catalogue)
        return {each.job.order.model: dict(each.job.order.parameters) for each in placed}

    def test_the_newest_region_that_no_node_drew_is_taken(self, filled: Bench) -> None:
        older, newer, ours = (
            report(area(RECTANGLE), at="090000", number=1),
            report(area([10, 10, 60, 10, 60, 60, 10, 60], frame=None), at="110000", number=2),
            report(area([70, 70, 120, 70, 120, 120, 70, 120]), at="120000", by=MADE_BY, number=3),
        )
        filled.send([newer, older, ours])

        assert self.ordered(filled) == {
            "looker": {"roi": "10,10,50,50", "roi_instance": str(IMAGE.SOPInstanceUID)},
            "other": {},
        }

    def test_a_region_that_is_named_goes_before_it(self, filled: Bench) -> None:
        filled.send([report(area(RECTANGLE))])

        assert self.ordered(filled, model="looker", parameters={"roi": "1,2,50,50"}) == {"looker": {"roi": "1,2,50,50"}}

    def test_without_a_report_nothing_is_named(self, filled: Bench) -> None:
        assert self.ordered(filled) == {"looker": {}, "other": {}}

    def test_on_one_frame_only_what_was_drawn_there_counts(self, filled: Bench) -> None:
        filled.send([report(area(RECTANGLE, frame=2))])

        def on_frame(number: int) -> dict[str, object]:
            body = json.dumps({"instance": str(IMAGE.SOPInstanceUID), "frame": number, "model": "looker"})
            (placed,) = run(wish(body), filled.orders, filled.orthanc, filled.catalogue)
            return dict(placed.job.order.parameters)

        assert on_frame(1) == {"frame": 1}
        assert on_frame(2) == {
            "frame": 2,
            "roi": "115,70,50,50",
            "roi_instance": str(IMAGE.SOPInstanceUID),
            "roi_frame": 2,
        }

    def test_a_series_that_is_not_there_has_none(self, bench: Bench, tmp_path: Path) -> None:
        assert drawn_on(bench.orthanc, "1.2.3", 50) is None
