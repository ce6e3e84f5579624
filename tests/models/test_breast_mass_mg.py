"""The shipped model on phantoms, with either card."""

import shutil
from pathlib import Path

import highdicom as hd
import pydicom
import pytest

from export.phantoms.mammography.dicom import MAGNIFICATION, write_study
from export.phantoms.mammography.drawing import draw
from export.phantoms.mammography.sheet import Window
from orthanc_plugin.inference.check import disagreements
from orthanc_plugin.inference.device import Device
from orthanc_plugin.models.trial import attempt
from orthanc_plugin.routing.folder import read

SHIPPED = Path(__file__).parents[2] / "onnx_models" / "breast-mass-mg"
pytestmark = pytest.mark.skipif(not SHIPPED.exists(), reason="breast-mass-mg is not in the catalogue yet")
SEED, VIEW = 282, "LCC"  # of the test part
PIXEL_MM = 0.4


@pytest.fixture(params=["card.json", "card-unet.json"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """As the README says: the other card in the place of the first."""
    copied = tmp_path / "models" / "breast-mass-mg"
    shutil.copytree(SHIPPED, copied)
    if request.param != "card.json":
        (copied / request.param).replace(copied / "card.json")
    return copied


def test_graphs_and_card_agree(folder: Path, device: Device) -> None:
    assert disagreements(device, read(folder)) == ()


def test_a_mass_is_outlined_and_measured(folder: Path, device: Device, tmp_path: Path) -> None:
    drawing = draw(SEED, VIEW, with_mass=True)
    assert drawing.masses
    files = write_study(
        SEED, tmp_path / "study", pixel_mm=PIXEL_MM, intent="FOR PRESENTATION", with_mass=True, views=(VIEW,)
    )
    attempt(folder, [str(path) for path in files], tmp_path / "out", device)
    made = {path.stem for path in (tmp_path / "out").glob("*.dcm")}
    assert {"SEG", "SR", "SC"} <= made
    truth = drawing.truth(Window.whole(PIXEL_MM))
    mask = hd.seg.segread(tmp_path / "out" / "SEG.dcm").pixel_array.reshape(-1, *truth.shape)[0] > 0
    assert (mask & truth).sum() > 0.5 * truth.sum()
    groups = hd.sr.srread(tmp_path / "out" / "SR.dcm").content.get_planar_roi_measurement_groups()
    areas = [each.value for group in groups for each in group.get_measurements() if each.name.meaning == "Area"]
    pixel_cm2 = (PIXEL_MM / MAGNIFICATION) ** 2 / 100
    assert sum(areas) == pytest.approx(mask.sum() * pixel_cm2, rel=0.02)


def test_the_report_has_a_verdict_and_a_heat_map_on_the_mass(device: Device, tmp_path: Path) -> None:
    files = write_study(
        SEED, tmp_path / "study", pixel_mm=PIXEL_MM, intent="FOR PROCESSING", with_mass=True, views=(VIEW,)
    )
    attempt(SHIPPED, [str(path) for path in files], tmp_path / "out", device)
    report = pydicom.dcmread(tmp_path / "out" / "SR.dcm")
    said = [element.value for element in report.iterall() if element.keyword in ("TextValue", "CodeMeaning")]
    assert "Breast mass" in said and "Probability" in said
    assert any("Not for clinical use" in str(each) for each in said)
    assert {"Left", "cranio-caudal"} <= set(said)
