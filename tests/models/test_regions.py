"""A model that finds something on whole mammograms and outlines it from near, from DICOM files to DICOM files."""

from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.trial import attempt
from tests.builders.series import part10
from tests.imaging.radiographs import radiograph
from tests.inference import graphs
from tests.judges import dciodvfy

BOXES = ((20, 10, 35, 25), (60, 30, 70, 50))
SPACING_MM, MAGNIFICATION = 0.5, 1.25


def mammogram(view: str, number: int, photometric: str = "MONOCHROME2") -> Dataset:
    """Two bright things on the first, none on others."""
    dataset = radiograph("DX", number=number)
    dataset.SOPClassUID, dataset.Modality = DigitalMammographyXRayImageStorageForPresentation, "MG"
    pixels = np.full((100, 80), 200, np.uint16)
    for top, left, bottom, right in BOXES if number == 1 else ():
        pixels[top:bottom, left:right] = 3800
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.PhotometricInterpretation = photometric
    dataset.PixelData = (4095 - pixels if photometric == "MONOCHROME1" else pixels).astype("<u2").tobytes()
    dataset.BitsStored, dataset.HighBit, dataset.BitsAllocated = 12, 11, 16
    dataset.ImageLaterality, dataset.ViewPosition = view[0], view[1:]
    dataset.BodyPartExamined = "BREAST"
    dataset.ImagerPixelSpacing = [SPACING_MM, SPACING_MM]
    dataset.EstimatedRadiographicMagnificationFactor = MAGNIFICATION
    return dataset


def finder(folder: Path, encoding: str | None) -> Path:
    graphs.write_channels(folder / "find.onnx", [1.0], output="candidates")
    graphs.write_channels(folder / "near.onnx", [1.0])
    grey = {"kind": "window", "lowest": 0, "highest": 4095}
    find = {"name": "find", "files": ["find.onnx"], "kind": "image", "outputs": ["candidates"], "intensity": grey}
    within = {"stage": "find", "output": "candidates", "threshold": 0.4}
    near = {"files": ["near.onnx"], "kind": "regions", "within": within, "intensity": grey}
    outputs = graphs.segments(graphs.segment("Mass", each_part=True), steps=[{"step": "threshold"}])
    if encoding:
        outputs["segments"]["encoding"] = encoding
    outputs["measurements"] = [{"measure": "volumes"}]
    stages = [graphs.stage(rows=50, columns=40, **find), graphs.stage(rows=32, columns=32, **near)]
    graphs.model(folder, stages, outputs)
    return folder


def results(tmp_path: Path, device: Device, encoding: str | None = None, **image: Any) -> dict[str, Dataset]:
    folder = tmp_path / "series"
    folder.mkdir()
    for number, view in enumerate(("LCC", "LMLO"), start=1):
        (folder / f"{number}.dcm").write_bytes(part10(mammogram(view, number, **image)))
    attempt(finder(tmp_path / "finder", encoding), [str(folder)], tmp_path / "out", device)
    return {path.stem: pydicom.dcmread(path) for path in (tmp_path / "out").glob("*.dcm")}


def truth() -> NDArray[np.bool_]:
    mask = np.zeros((100, 80), bool)
    for top, left, bottom, right in BOXES:
        mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_outlines_lie_on_the_image_at_its_own_resolution(tmp_path: Path, device: Device, photometric: str) -> None:
    results(tmp_path, device, photometric=photometric)
    outlined = hd.seg.segread(tmp_path / "out" / "SEG.dcm")
    assert (outlined.pixel_array.astype(bool).reshape(-1, 100, 80)[0] != truth()).mean() < 0.01


def test_each_mass_is_a_finding_with_its_own_area_and_tracking_identifier(tmp_path: Path, device: Device) -> None:
    results(tmp_path, device)
    groups = hd.sr.srread(tmp_path / "out" / "SR.dcm").content.get_planar_roi_measurement_groups()
    areas = [next(each.value for each in group.get_measurements() if each.name.meaning == "Area") for group in groups]
    pixel_cm2 = (SPACING_MM / MAGNIFICATION) ** 2 / 100
    assert areas == pytest.approx([225 * pixel_cm2, 200 * pixel_cm2], rel=0.05)
    assert len({group.tracking_uid for group in groups}) == 2


def test_each_mass_says_how_sure_the_network_was_that_found_it(tmp_path: Path, device: Device) -> None:
    results(tmp_path, device)
    groups = hd.sr.srread(tmp_path / "out" / "SR.dcm").content.get_planar_roi_measurement_groups()
    sure = [next(m.value for m in group.get_measurements() if m.name.meaning == "Probability") for group in groups]
    assert sure == pytest.approx([3800 / 4095] * 2, abs=0.01)


def test_the_report_says_which_side_and_view_each_image_is(tmp_path: Path, device: Device) -> None:
    report = results(tmp_path, device)["SR"]
    meanings = [element.value for element in report.iterall() if element.keyword == "CodeMeaning"]
    assert {"Image Laterality", "Left", "Image View", "cranio-caudal", "medio-lateral oblique"} <= set(meanings)


def test_soft_boundaries_are_kept_where_card_and_destination_want_them(
    tmp_path: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = Profile.model_validate({"Segmentations": ["binary", "fractional"]})
    monkeypatch.setattr("orthanc_plugin.models.trial.profile", lambda _usual, _own: taking)
    made = results(tmp_path, device, "fractional")
    assert made["SEG"].SegmentationType == "FRACTIONAL"
    values = hd.seg.segread(tmp_path / "out" / "SEG.dcm").pixel_array.reshape(-1, 100, 80)[0] / 255
    assert (values[truth()] > 0.5).mean() > 0.98
    beside = values[BOXES[0][0] - 1, BOXES[0][1] : BOXES[0][3]]
    assert 0 < beside.mean() < 0.5


def test_the_results_are_right_for_a_judge_of_dicom(tmp_path: Path, device: Device) -> None:
    results(tmp_path, device)
    for kind in ("SEG", "SR", "SC"):
        assert dciodvfy(tmp_path / "out" / f"{kind}.dcm") == []
