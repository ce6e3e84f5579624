"""A study that is compared with the patient's earlier one: from two pushes to a report that names both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.builders.series import Scan
from tests.e2e import results
from tests.e2e.node import Node, configured
from tests.e2e.senders import Scanner
from tests.e2e.series import PushedSeries, built_series
from tests.inference.graphs import model, segment, segments, stage, write_channels

MISSING = "No earlier study was there; nothing was compared."
DOUBT = "In the role now, BodyPartExamined says abdomen, SeriesDescription says knee; BodyPartExamined counts."
WINDOW = {"kind": "window", "lowest": -1000, "highest": 1200}
SPACE = "1.2.826.0.1.3680043.8.498.1"


@pytest.fixture
def own_node(tmp_path: Path) -> Iterator[Node]:
    folder = tmp_path / "onnx_models" / "change"
    write_channels(folder / "model.onnx", [1.0])
    before = {"from": "prior", "within_years": 3, "required": False, "meaning_of_missing": MISSING}
    inputs = {"now": {"rule": {"body_part": ["abdomen"]}}, "before": before}
    outlined = segments(segment("Bright", threshold=0.2), steps=[{"step": "threshold"}])
    model(folder, [stage(intensity=WINDOW, roles=list(inputs))], outlined, inputs=inputs, wait_s=2)
    environment = configured(tmp_path, ModelsFolder=str(tmp_path / "onnx_models"), QuietMostSeconds=1)
    with Node(tmp_path / "state", environment) as running:
        yield running


def examination(folder: Path, day: str, description: str) -> PushedSeries:
    def of_that_day(_number: int, dataset: Dataset) -> None:
        dataset.StudyDate, dataset.SeriesDescription, dataset.FrameOfReferenceUID = day, description, SPACE

    scan = Scan(slices=4, columns=16, pixel_spacing_mm=(0.8, 0.8), name=f"prior {day}", patient_id="COMPARED")
    return built_series(folder / day, scan).edited(of_that_day)


def test_loss_of_muscle_since_the_last_study_is_in_the_report(node: Node, series: Callable[..., PushedSeries]) -> None:
    def on(day: str) -> Callable[[int, Dataset], None]:
        def edit(_number: int, dataset: Dataset) -> None:
            dataset.StudyDate, dataset.PatientID = day, "LOSES-MUSCLE"

        return edit

    before, now = series(seed=11).edited(on("20250105")), series(seed=12).edited(on("20260110"))
    scanner = Scanner(node.dicom_port)
    scanner.send(before.files)
    node.job(before.series_uid, "done")
    scanner.send(now.files)
    job = node.get(f"/inference/api/jobs/{node.job(now.series_uid, 'done')['id']}")

    assert job["roles"] == {"series": now.series_uid, "before": before.series_uid}
    first, second = (results.retrieve(node.dicomweb(), each.study_uid)["SR"] for each in (before, now))
    assert "Compared with the study of 2025-01-05." in results.texts(second)
    changed, area_now, area_before = muscle_at_l3(second, "change"), muscle_at_l3(second), muscle_at_l3(first)
    assert changed == pytest.approx(area_now - area_before, abs=0.02)
    assert "PertinentOtherEvidenceSequence" not in first


def muscle_at_l3(report: Dataset, derived: str | None = None) -> float:
    """Its area in cm²; `derived` by that code, or as it was measured."""
    [value] = [
        float(item.MeasuredValueSequence[0].NumericValue)
        for group in below(report)
        if any("muscle" in each.TextValue.lower() for each in called(group, "Tracking Identifier"))
        for item in group.ContentSequence
        if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeMeaning == "Area"
        if [each.ConceptCodeSequence[0].CodeValue for each in called(item, "Derivation")] == [derived][: bool(derived)]
    ]
    return value


def below(item: Dataset) -> Iterator[Dataset]:
    for each in item.get("ContentSequence", []):
        yield each
        yield from below(each)


def called(item: Dataset, name: str) -> list[Dataset]:
    return [each for each in item.get("ContentSequence", []) if each.ConceptNameCodeSequence[0].CodeMeaning == name]


def test_a_study_is_compared_with_the_one_before_and_the_report_tells_all(own_node: Node, tmp_path: Path) -> None:
    scanner = Scanner(own_node.dicom_port)
    first = examination(tmp_path, "20250105", "abdomen")
    scanner.send(first.files)
    alone = own_node.get(f"/inference/api/jobs/{own_node.job(first.series_uid, 'done')['id']}")
    second = examination(tmp_path, "20260110", "knee")
    scanner.send(second.files)
    compared = own_node.get(f"/inference/api/jobs/{own_node.job(second.series_uid, 'done')['id']}")

    assert (alone["roles"], alone["remarks"]) == ({"now": first.series_uid}, [])
    assert (compared["roles"], compared["remarks"]) == (
        {"now": second.series_uid, "before": first.series_uid},
        [DOUBT],
    )
    reports = [results.retrieve(own_node.dicomweb(), each.study_uid)["SR"] for each in (first, second)]
    said = [results.texts(report) for report in reports]
    assert [(MISSING in each, DOUBT in each) for each in said] == [(True, False), (False, True)]
    [study] = reports[1].PertinentOtherEvidenceSequence
    [of_series] = study.ReferencedSeriesSequence
    assert (study.StudyInstanceUID, of_series.SeriesInstanceUID) == (first.study_uid, first.series_uid)
