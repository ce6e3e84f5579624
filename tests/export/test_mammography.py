"""Phantoms of mammograms: the same in every window, in files as scanners write them."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
)

from export.phantoms.mammography.acquisition import bright, machine, stored
from export.phantoms.mammography.anatomy import VIEWS
from export.phantoms.mammography.dicom import write_examination, write_study
from export.phantoms.mammography.drawing import draw
from export.phantoms.mammography.foreign import FOREIGN, foreign
from export.phantoms.mammography.history import examined, history, machine_of
from export.phantoms.mammography.sheet import Window
from orthanc_plugin.imaging.image import images
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble

COARSE = Window.whole(2.0)
DRAWN = (4641.077557, 3761.069706, 5415.265026)


def test_the_same_seed_is_the_same_image_and_another_is_not() -> None:
    first, again, other = (draw(seed, "LMLO").loss(COARSE)[0] for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


def test_a_window_shows_what_the_whole_image_shows_there() -> None:
    drawing = draw(6, "LCC", with_mass=True)
    whole = Window.whole(1.0)
    part = Window(100.0, 20.0, 60, 50, 1.0)
    np.testing.assert_allclose(drawing.loss(whole)[0][100:160, 20:70], drawing.loss(part)[0], atol=1e-3)
    np.testing.assert_array_equal(drawing.truth(whole)[100:160, 20:70], drawing.truth(part))


def test_a_mass_lies_in_one_breast_on_both_of_its_views() -> None:
    for seed in range(12):
        sides = {view[0] for view in VIEWS if draw(seed, view, with_mass=True).masses}
        assert len(sides) == 1
        assert all(draw(seed, view, with_mass=True).masses for view in VIEWS if view[0] in sides)
        assert not any(draw(seed, view, with_mass=False).masses for view in VIEWS)


def test_the_box_of_a_mass_holds_it_and_no_more() -> None:
    mass = draw(6, next(view for view in VIEWS if draw(6, view, with_mass=True).masses), with_mass=True).masses[0]
    top, left, bottom, right = mass.box_mm
    window = Window(top - 2, left - 2, round((bottom - top + 4) / 0.1), round((right - left + 4) / 0.1), 0.1)
    rows, columns = (np.flatnonzero(mass.mask(window).any(axis=axis)) * 0.1 - 2 for axis in (1, 0))
    assert (rows[0], columns[0]) == pytest.approx((0, 0), abs=0.3)
    assert (rows[-1], columns[-1]) == pytest.approx((bottom - top, right - left), abs=0.3)


@pytest.mark.parametrize("intent", ["FOR PRESENTATION", "FOR PROCESSING"])
def test_dense_tissue_is_bright_as_the_node_reads_it(intent: str, tmp_path: Path) -> None:
    """MONOCHROME1 or 2, raw or finished."""
    paths = write_study(3, tmp_path, pixel_mm=2.0, intent="FOR PROCESSING" if "PROC" in intent else "FOR PRESENTATION")
    read = images(assemble([decode(path.read_bytes()) for path in paths]))
    files = {file.SOPInstanceUID: file for file in map(pydicom.dcmread, paths)}
    for pixels, source in zip(read.pixels, read.sources, strict=True):
        file = files[source.sop_instance_uid]
        left = file.ImageLaterality == "L"
        breast = pixels[60:80, 4:20] if left else pixels[60:80, -20:-4]
        air = pixels[-4:, -4:] if left else pixels[-4:, :4]
        assert breast.mean() > air.mean() + 500


def test_files_say_view_side_and_how_their_values_are_meant(tmp_path: Path) -> None:
    raw = [pydicom.dcmread(path) for path in write_study(3, tmp_path, pixel_mm=2.0, intent="FOR PROCESSING")]
    said = [(file.ImageLaterality, file.ViewPosition, *file.PatientOrientation) for file in raw]
    assert said == [
        ("R", "CC", "P", "L"),
        ("L", "CC", "A", "R"),
        ("R", "MLO", "P", "FL"),
        ("L", "MLO", "A", "FR"),
    ]
    assert {file.SOPClassUID for file in raw} == {DigitalMammographyXRayImageStorageForProcessing}
    assert {(file.PhotometricInterpretation, file.BitsStored) for file in raw} == {("MONOCHROME1", 14)}
    finished = pydicom.dcmread(write_study(3, tmp_path, pixel_mm=2.0, intent="FOR PRESENTATION", views=("LCC",))[0])
    assert finished.SOPClassUID == DigitalMammographyXRayImageStorageForPresentation
    assert finished.BitsStored == 12 and finished.WindowWidth == 4096
    assert finished.ViewCodeSequence[0].CodeMeaning == "cranio-caudal"


def test_another_seed_for_uids_makes_another_study_of_the_same_patient(tmp_path: Path) -> None:
    one, other = (
        pydicom.dcmread(write_study(3, tmp_path / name, uid_seed=name, pixel_mm=4.0, views=("LCC",))[0])
        for name in ("a", "b")
    )
    assert one.StudyInstanceUID != other.StudyInstanceUID
    assert (one.PatientID, one.PixelData) == (other.PatientID, other.PixelData)


def test_a_detector_s_noise_is_less_on_larger_pixels() -> None:
    drawing, by = draw(9, "LCC"), machine(9, shifted=False, intent="FOR PRESENTATION", inverted=False)
    fine, coarse = (
        bright(stored(drawing, by, Window(120.0, 20.0, 80, 80, size)), by) for size in (by.pixel_mm, 8 * by.pixel_mm)
    )
    assert np.diff(fine, axis=1).std() > np.diff(coarse, axis=1).std() / 4


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_images_are_images(kind: str) -> None:
    found = foreign(2, next(each for each in FOREIGN if each == kind))
    assert found.dtype == np.float32 and found.ndim == 2
    assert min(found.shape) >= 400 and np.isfinite(found).all() and np.ptp(found) > 100


ILL = 200_004


def test_what_masses_were_drawn_before_is_what_is_drawn_now() -> None:
    """A model was trained on them and measured with them."""
    seen = [draw(seed, view, shifted=shifted, with_mass=True).loss(COARSE)[0]
            for seed, view, shifted in ((3, "LCC", False), (282, "RMLO", False), (5, "LMLO", True))]  # fmt: skip
    np.testing.assert_allclose([float(each.sum(dtype=np.float64)) for each in seen], DRAWN, rtol=1e-6)


def test_a_malignant_lesion_has_grown_or_is_new_and_lies_on_both_views() -> None:
    sizes = []
    for seed in range(200_000, 200_012):
        side = next(each.side for each in history(seed, ill="malignant").suspects if each.malignant)
        views = [view for view in VIEWS if view[0] == side]
        now, then = ([int(examined(seed, view, when, ill="malignant").malignancy(COARSE).sum()) for view in views]
                     for when in ("now", "before"))  # fmt: skip
        assert min(now) > 0
        assert not any(examined(seed, view, "now", ill="malignant").malignancy(COARSE).any()
                       for view in VIEWS if view not in views)  # fmt: skip
        sizes.append(sum(then) / sum(now))
    assert np.mean(sizes) < 0.75 and max(sizes) < 1.1
    assert min(sizes) == 0


def test_what_is_benign_mostly_stays_as_it_was() -> None:
    stayed = [each.then for seed in range(200_000, 200_080) for each in history(seed, ill="benign").suspects]
    assert not any(each.malignant for seed in range(200_000, 200_080) for each in history(seed, ill="benign").suspects)
    assert np.median(stayed) == pytest.approx(1.0, abs=0.03)
    assert 0.02 < np.mean(np.array(stayed) == 0) < 0.2


def test_breasts_without_a_lesion_have_what_looks_like_one() -> None:
    for seed in range(200_000, 200_004):
        healthy = [side for side in "RL" if not any(each.side == side for each in history(seed, ill="none").suspects)]
        assert healthy
        for view in (view for view in VIEWS if view[0] in healthy):
            seen = examined(seed, view, "now", ill="none")
            assert not seen.masses and seen.lookalikes


def test_the_study_before_shows_the_same_breast_lying_otherwise() -> None:
    now, then, other = (examined(ILL, "LMLO", "now"), examined(ILL, "LMLO", "before"), examined(ILL + 1, "LMLO", "now"))
    assert now.breast == then.breast != other.breast
    seen, before, else_ = (each.loss(COARSE)[0] for each in (now, then, other))
    assert 0.01 < np.abs(seen - before).mean() < np.abs(seen - else_).mean()
    machines = {machine_of(seed, "before") == machine_of(seed, "now") for seed in range(200_000, 200_008)}
    assert machines == {True, False}


def test_a_study_and_the_one_before_are_of_one_patient(tmp_path: Path) -> None:
    now, before = (
        [pydicom.dcmread(path) for path in write_examination(ILL, tmp_path / when, when, pixel_mm=4.0)]
        for when in ("now", "before")
    )
    assert {file.PatientID for file in (*now, *before)} == {f"PHANTOM-BC-{ILL}"}
    assert len({file.StudyInstanceUID for file in (*now, *before)}) == 2
    assert before[0].StudyDate < now[0].StudyDate and int(before[0].PatientAge[:3]) <= int(now[0].PatientAge[:3])
    assert len({file.SeriesInstanceUID for file in now}) == 1
    apart = [pydicom.dcmread(path) for path in write_examination(ILL, tmp_path / "apart", pixel_mm=4.0, apart=True)]
    assert len({file.SeriesInstanceUID for file in apart}) == 4
    assert [file.SOPInstanceUID for file in apart] == [file.SOPInstanceUID for file in now]
