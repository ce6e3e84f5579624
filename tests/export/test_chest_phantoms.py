"""Radiographs of the chest: each finding is where its mask says, and the files are what a detector would send."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from export.phantoms.chest import FINDINGS
from export.phantoms.chest.dicom import write_study
from export.phantoms.chest.patient import NEVER_BOTH, draw_findings
from export.phantoms.chest.radiograph import radiograph


@pytest.mark.parametrize("shifted", [False, True])
def test_a_seed_always_gives_the_same_radiograph(shifted: bool) -> None:
    one, again = (radiograph(3, shifted=shifted) for _ in range(2))
    np.testing.assert_array_equal(one.image, again.image)
    assert one.truth == again.truth
    assert one.image.dtype == np.float32 and 0 <= one.image.min() < one.image.max() <= 1
    other = radiograph(3, shifted=not shifted).image
    assert one.image.shape != other.shape or (one.image != other).mean() > 0.5


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_finding_that_is_wanted_is_there_with_its_place(finding: str) -> None:
    made = radiograph(11, wanted=finding)
    assert made.truth[FINDINGS.index(finding)]
    assert made.places[finding].shape == made.image.shape
    assert 0 < made.places[finding].mean() < 0.6
    assert set(made.places) == made.patient.findings


def test_findings_come_together_as_they_do_in_patients() -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_findings(rng, None) for _ in range(4000)]
    assert not any(both <= found for found in drawn for both in NEVER_BOTH)
    share = {name: np.mean([name in found for found in drawn]) for name in FINDINGS}
    assert 0.01 < share["hernia"] < 0.03 < min(share[name] for name in FINDINGS if name != "hernia")
    with_oedema = np.mean(["cardiomegaly" in found for found in drawn if "oedema" in found])
    assert with_oedema > 2 * share["cardiomegaly"]


def test_from_the_side_there_is_nothing_to_find() -> None:
    made = radiograph(4, lateral=True)
    assert made.view == "LL" and not made.places and not made.lungs.any()


def read(folder: Path, seed: int, **more: object) -> pydicom.Dataset:
    [path] = write_study(seed, folder, grown=1, **more)  # type: ignore[arg-type]
    return pydicom.dcmread(path)


def test_files_are_cr_or_dx_and_bright_is_what_the_header_says(tmp_path: Path) -> None:
    headers = [read(tmp_path / str(seed), seed) for seed in range(6)]
    assert [header.Modality for header in headers] == ["CR", "DX", "DX", "CR", "DX", "DX"]
    assert {header.ViewPosition for header in headers} <= {"AP", "PA"}
    turned = headers[1]
    assert turned.PhotometricInterpretation == "MONOCHROME1" and turned.PresentationLUTShape == "INVERSE"
    image = radiograph(1).image
    assert np.corrcoef(turned.pixel_array.ravel(), image.ravel())[0, 1] < -0.99
    assert np.corrcoef(headers[2].pixel_array.ravel(), radiograph(2).image.ravel())[0, 1] > 0.99


def test_an_image_may_lie_on_its_side_or_be_inverted_without_a_word(tmp_path: Path) -> None:
    plain = read(tmp_path / "plain", 2)
    laid = read(tmp_path / "laid", 2, quarters=1, negative=True, says_view=False)
    assert plain.SOPInstanceUID != laid.SOPInstanceUID
    assert "ViewPosition" in plain and "ViewPosition" not in laid and "ViewCodeSequence" not in laid
    back = 4095 - np.rot90(laid.pixel_array, -1).astype(int)
    assert np.corrcoef(back.ravel(), plain.pixel_array.ravel())[0, 1] > 0.99


def test_the_matrix_of_a_detector_is_larger(tmp_path: Path) -> None:
    [path] = write_study(5, tmp_path, wanted="mass")
    header = pydicom.dcmread(path)
    assert max(header.Rows, header.Columns) == 1280
    assert float(header.ImagerPixelSpacing[0]) == pytest.approx(400 / 1280)
