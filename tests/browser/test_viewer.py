"""What a person sees of studies and results in the viewer that the node serves, against what the archive holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import highdicom as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from scipy.ndimage import binary_erosion

from tests.browser.browser import Browser
from tests.browser.conftest import Jobs
from tests.browser.studies import FLAT, Study
from tests.browser.viewer import Viewer
from tests.e2e.node import Node
from tests.waiting import eventually

STACKS = {"CT": "abdominal-muscle-ct", "MR": "bright-ball", "PT": "bright-ball"}


def result(node: Node, job: dict[str, Any], kind: str) -> Dataset:
    receipt = next(each for each in job["results"] if each["kind"] == kind)
    return node.dicomweb().retrieve_instance(job["study"], receipt["series_instance_uid"], receipt["sop_instance_uid"])


def series_of(job: dict[str, Any], kind: str) -> str:
    return next(str(each["series_instance_uid"]) for each in job["results"] if each["kind"] == kind)


def test_every_model_gave_its_results(jobs: Jobs) -> None:
    assert {key: (job["state"], job["reason"]) for key, job in jobs.items() if job["state"] != "done"} == {}


def test_the_study_list_names_every_study(browser: Browser, sent: dict[str, Study]) -> None:
    """Whoever opens it without a password is asked for it once, and gets to where they wanted."""
    browser.open("/ohif/")
    browser.wait_for("text=CT abdomen (synthetic)")

    shown = "\n".join(browser.texts("#root"))
    assert [study.description for study in sent.values() if study.description not in shown] == []
    assert browser.address.rstrip("/") == "/ohif"
    assert browser.complaints == []
    browser.picture("study-list")


@pytest.mark.parametrize("modality", STACKS)
def test_a_segmentation_is_loaded_at_its_place(modality: str, viewer: Viewer, jobs: Jobs, viewed_node: Node) -> None:
    job = jobs[modality, STACKS[modality]]
    segmentation = hd.seg.Segmentation.from_dataset(result(viewed_node, job, "SEG"))

    viewer.open(job, panes=2)
    stated = viewer.outlined(segmentation.number_of_segments)

    outlined = list(Outlined.of(segmentation))
    assert {each.label: stated[each.label]["voxels"] for each in outlined} == {
        each.label: each.voxels for each in outlined
    }
    known = {each.label: each.rgb for each in outlined}
    for each in outlined:
        assert stated[each.label]["mm3"] == pytest.approx(each.mm3, rel=1e-4)
        viewer.turn_to(each.sop_instance_uid)
        eventually(
            lambda each=each: nearest(viewer.colour(each.sop_instance_uid, each.point_mm), known) == each.label,
            what=f"the colour of {each.label}",
        )
    assert viewer.shown() == [list(job["series"]), [series_of(job, "SC" if modality == "CT" else "PM")]]
    assert viewer.browser.complaints == []
    viewer.browser.picture(f"{modality.lower()}-segmentation")


class Outlined:
    """A segment as numpy knows it: how large it is, and a point well inside of it."""

    def __init__(self, label: str, rgb: list[int], masks: dict[str, np.ndarray], seg: hd.seg.Segmentation) -> None:
        self.label, self.rgb = label, rgb
        self.voxels = sum(int(mask.sum()) for mask in masks.values())
        volume = seg.get_volume(combine_segments=True, skip_overlap_checks=True)
        self.mm3 = self.voxels * float(np.prod(volume.spacing))
        inside = {uid: binary_erosion(mask, iterations=2) for uid, mask in masks.items()}
        self.sop_instance_uid = max(inside, key=lambda uid: int(inside[uid].sum()))
        rows, columns = np.nonzero(inside[self.sop_instance_uid])
        self.pixel = (int(rows[len(rows) // 2]), int(columns[len(rows) // 2]))
        self.point_mm = self._point_mm(seg)

    @classmethod
    def of(cls, seg: hd.seg.Segmentation) -> Iterator[Outlined]:
        frames = list(zip(seg.PerFrameFunctionalGroupsSequence, seg.pixel_array, strict=True))
        for number in seg.segment_numbers:
            segment = seg.get_segment_description(number)
            masks = {source_of(frame): mask.astype(bool) for frame, mask in frames if segment_of(frame, seg) == number}
            lab = hd.color.CIELabColor.from_dicom_value(segment.RecommendedDisplayCIELabValue)
            yield cls(segment.segment_label, list(lab.to_rgb()), masks, seg)

    def _point_mm(self, seg: hd.seg.Segmentation) -> list[float]:
        frame = next(each for each in seg.PerFrameFunctionalGroupsSequence if source_of(each) == self.sop_instance_uid)
        shared = seg.SharedFunctionalGroupsSequence[0]
        to_mm = hd.spatial.PixelToReferenceTransformer(
            frame.PlanePositionSequence[0].ImagePositionPatient,
            shared.PlaneOrientationSequence[0].ImageOrientationPatient,
            shared.PixelMeasuresSequence[0].PixelSpacing,
        )
        row, column = self.pixel
        return [float(part) for part in to_mm(np.array([[column, row]]))[0]]


def numbers(item: Dataset) -> dict[str, float]:
    """The first of each name anywhere in a report."""
    found: dict[str, float] = {}
    for below in item.get("ContentSequence", []):
        if below.ValueType == "NUM":
            value = float(below.MeasuredValueSequence[0].NumericValue)
            found.setdefault(below.ConceptNameCodeSequence[0].CodeMeaning, value)
        found = numbers(below) | found
    return found


def segment_of(frame: Dataset, seg: Dataset) -> int:
    shared = seg.SharedFunctionalGroupsSequence[0]
    found = (frame if "SegmentIdentificationSequence" in frame else shared).SegmentIdentificationSequence
    return int(found[0].ReferencedSegmentNumber)


def source_of(frame: Dataset) -> str:
    return str(frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)


def nearest(colour: tuple[int, int, int], known: dict[str, list[int]]) -> str:
    """By hue alone, as what is drawn over grey is paler; nothing is near to grey itself."""
    if max(colour) - min(colour) < 20:
        return "nothing"

    def hue(rgb: Any) -> np.ndarray:
        offset = np.asarray(rgb, float) - np.mean(rgb)
        return offset / (np.linalg.norm(offset) or 1.0)

    return max(known, key=lambda label: float(hue(known[label]) @ hue(colour)))


@pytest.mark.parametrize("modality", ["MR", "PT"])
def test_a_derived_series_hangs_beside_its_source(
    modality: str, viewer: Viewer, jobs: Jobs, sent: dict[str, Study]
) -> None:
    job = jobs[modality, "quieter"]
    viewer.open(job, panes=2)

    assert viewer.shown() == [[sent[modality].series_uid], [series_of(job, "IMAGE")]]
    assert viewer.browser.complaints == []
    viewer.browser.picture(f"{modality.lower()}-derived")


def test_a_report_is_drawn_with_its_numbers(viewer: Viewer, jobs: Jobs, viewed_node: Node) -> None:
    job = jobs["MR", "bright-ball"]
    viewer.open(job, panes=2)
    viewer.outlined(1)

    volume = numbers(result(viewed_node, job, "SR"))["Volume"]
    viewer.open_report("Bright balls report", series_of(job, "SR"))

    assert viewer.written(f"Volume: {volume:.2f} cm3")
    assert viewer.shown()[0] == [series_of(job, "SR")]
    assert viewer.browser.complaints == []
    viewer.browser.picture("mr-report")


@pytest.mark.parametrize("modality", FLAT)
def test_a_heat_map_hangs_beside_a_single_image_and_predict_says_its_verdict_on_it(
    modality: str, viewer: Viewer, jobs: Jobs, sent: dict[str, Study], viewed_node: Node
) -> None:
    job = jobs[modality, "brightness"]
    viewer.open(job, panes=2)

    # OHIF ends with an error when it draws a parametric map upon ultrasound, so the page hangs in its place.
    beside = series_of(job, "SC" if modality == "US" else "PM")
    assert viewer.shown() == [[sent[modality].series_uid], [beside]]
    viewer.browser.picture(f"{modality.lower()}-heat-map")

    (said,) = viewer.predict("brightness")

    probability = numbers(result(viewed_node, job, "SR"))["Probability"]
    name, bright, dark = said.splitlines()
    assert name == "brightness 1.0.0"
    assert bright == f"Bright: Present, Probability {probability:.3g}"
    assert dark.startswith("Dark: Absent, Probability 0.0")
    assert viewer.browser.complaints == []
    viewer.browser.picture(f"{modality.lower()}-predict")


def test_predict_on_one_slice_outlines_that_slice(viewer: Viewer, sent: dict[str, Study], viewed_node: Node) -> None:
    study = sent["PT"]
    image = str(dcmread(study.files[6], stop_before_pixels=True).SOPInstanceUID)
    viewer.open_series_alone(study.study_uid, study.series_uid)
    viewer.turn_to(image)

    (said,) = viewer.predict("bright-ball", slice_alone=True)
    stated = viewer.outlined(1)

    job = viewed_node.jobs(series=study.series_uid)[0]
    segmentation = result(viewed_node, job, "SEG")
    assert said.splitlines()[:2] == ["bright-ball 1.0.0", "Slice 6"]
    assert {source_of(frame) for frame in segmentation.PerFrameFunctionalGroupsSequence} == {image}
    assert stated["Ball"]["voxels"] == int(segmentation.pixel_array.sum())
    assert viewer.browser.complaints == []
    viewer.browser.picture("pt-predict-slice")


def test_predict_says_why_nothing_came(viewer: Viewer, sent: dict[str, Study]) -> None:
    study = sent["CR"]
    viewer.open_series_alone(study.study_uid, study.series_uid)

    viewer.ask_for("abdominal-muscle-ct")

    viewer.browser.wait_for("text=/lacks ImagePositionPatient .* so its place in the patient is unknown/")
    viewer.browser.picture("predict-refused")
