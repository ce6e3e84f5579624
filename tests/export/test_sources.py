from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
from highdicom.seg import SegmentationTypeValues, SegmentDescription
from pydicom.sr.codedict import codes

from export.abdominal_muscle_ct import TISSUES
from export.abdominal_muscle_ct.sources import Kept, list_entries
from export.checkpoints import SettingsError
from export.phantoms import abdomen
from export.phantoms.dicom import write_series

ROWS, SLICES = 64, 6


def kept(slices: int, rows: int) -> Kept:
    return Kept(slices, rows, -120, 150)


@pytest.fixture(scope="module")
def phantom() -> abdomen.Phantom:
    return abdomen.phantom(11, slices=SLICES, rows=ROWS, spacing_z_mm=10.0)


def write_dicom_pair(phantom: abdomen.Phantom, folder: Path) -> None:
    """CT files, and a SEG that leaves out empty frames and has its segments in another order than ours."""
    images = [pydicom.dcmread(path) for path in write_series(phantom, folder / "ct")]
    order = (2, 0, 1)
    descriptions = [
        SegmentDescription(
            segment_number=number,
            segment_label=TISSUES[tissue].title(),
            segmented_property_category=codes.SCT.Tissue,
            segmented_property_type=codes.SCT.Muscle if tissue == 0 else codes.SCT.AdiposeTissue,
            algorithm_type="MANUAL",
        )
        for number, tissue in enumerate(order, start=1)
    ]
    masks = np.stack([phantom.labels_zyx == tissue + 1 for tissue in order], axis=-1)
    segmentation = highdicom.seg.Segmentation(
        source_images=images,
        pixel_array=masks[::-1],  # the files go from the head down
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        series_instance_uid=highdicom.UID(),
        series_number=3,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="Tests",
        manufacturer_model_name="Tests",
        software_versions="1",
        device_serial_number="1",
    )
    segmentation.save_as(folder / "tissues.dcm")


def affine_ras(phantom: abdomen.Phantom) -> np.ndarray:
    """From (column, row, slice) to NIfTI's coordinates, which are DICOM's with x and y turned round."""
    place = phantom.geometry
    lps = np.diag([place.column_spacing_mm, place.row_spacing_mm, place.slice_spacing_mm, 1.0])
    lps[:3, 3] = place.origin_lps
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def write_nifti_pair(phantom: abdomen.Phantom, folder: Path, *, flipped: bool) -> None:
    affine, turn = affine_ras(phantom), slice(None)
    if flipped:  # the same voxels stored the other way round along x and z
        turn = slice(None, None, -1)
        for axis in (0, 2):
            affine[:3, 3] += affine[:3, axis] * (phantom.voxels_zyx.T.shape[axis] - 1)
            affine[:3, axis] *= -1
    for kind, voxels in (("image", phantom.voxels_zyx), ("label", phantom.labels_zyx)):
        stored = voxels.T[turn, :, turn]
        nibabel.save(nibabel.Nifti1Image(stored, affine), folder / f"one_{kind}.nii.gz")


def write_levels(folder: Path, case: str, phantom: abdomen.Phantom) -> None:
    height = phantom.geometry.origin_lps[2] + phantom.l3_index * phantom.geometry.slice_spacing_mm
    (folder / "levels.csv").write_text(f"case,l3_z_mm\n{case},{height}\n")


def assert_is(folder: str, phantom: abdomen.Phantom) -> None:
    (entry,) = list_entries(folder, 1)
    case = entry.load(kept(SLICES, ROWS))
    np.testing.assert_array_equal(case.voxels_zyx, phantom.voxels_zyx)
    np.testing.assert_array_equal(case.labels_zyx, phantom.labels_zyx)
    np.testing.assert_allclose(case.offsets_mm, 10.0 * (np.arange(SLICES) - phantom.l3_index), atol=1e-3)


def test_dicom_with_seg_is_read_where_it_lies(tmp_path: Path, phantom: abdomen.Phantom) -> None:
    write_dicom_pair(phantom, tmp_path)
    series = pydicom.dcmread(tmp_path / "ct" / "CT0001.dcm").SeriesInstanceUID
    write_levels(tmp_path, series, phantom)
    assert_is(f"dicom:{tmp_path}", phantom)
    (entry,) = list_entries(f"dicom:{tmp_path}", 1)
    assert (entry.case, entry.patient) == (series, "PHANTOM-11")


@pytest.mark.parametrize("flipped", [False, True])
def test_nifti_pairs_are_read_where_they_lie(tmp_path: Path, phantom: abdomen.Phantom, flipped: bool) -> None:
    write_nifti_pair(phantom, tmp_path, flipped=flipped)
    write_levels(tmp_path, "one", phantom)
    assert_is(f"nifti:{tmp_path}", phantom)


def test_without_levels_the_offsets_are_not_known(tmp_path: Path, phantom: abdomen.Phantom) -> None:
    write_nifti_pair(phantom, tmp_path, flipped=False)
    (entry,) = list_entries(f"nifti:{tmp_path}", 1)
    assert np.isnan(entry.load(kept(2, ROWS)).offsets_mm).all()


def test_fewer_slices_and_rows_are_taken_evenly(tmp_path: Path, phantom: abdomen.Phantom) -> None:
    write_nifti_pair(phantom, tmp_path, flipped=False)
    (entry,) = list_entries(f"nifti:{tmp_path}", 1)
    case = entry.load(kept(2, ROWS // 2))
    np.testing.assert_array_equal(case.voxels_zyx, phantom.voxels_zyx[[0, -1]][:, 1::2, 1::2])


def test_a_label_on_another_grid_is_refused(tmp_path: Path, phantom: abdomen.Phantom) -> None:
    write_nifti_pair(phantom, tmp_path, flipped=False)
    moved = nibabel.Nifti1Image(phantom.labels_zyx.T, np.eye(4))
    nibabel.save(moved, tmp_path / "one_label.nii.gz")
    (entry,) = list_entries(f"nifti:{tmp_path}", 1)
    with pytest.raises(SettingsError) as refusal:
        entry.load(kept(1, ROWS))
    assert str(refusal.value) == "one_label.nii.gz is not on the grid of one_image.nii.gz."


def test_an_image_without_its_label_is_refused(tmp_path: Path, phantom: abdomen.Phantom) -> None:
    write_nifti_pair(phantom, tmp_path, flipped=False)
    (tmp_path / "one_label.nii.gz").unlink()
    with pytest.raises(SettingsError) as refusal:
        list_entries(f"nifti:{tmp_path}", 1)
    assert str(refusal.value) == "one_image.nii.gz has no one_label.nii.gz beside it."


def test_unknown_data_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refusal:
        list_entries("minc:/scans", 1)
    assert str(refusal.value) == "The data is 'minc:/scans'; it must be phantoms, dicom:FOLDER or nifti:FOLDER."
    with pytest.raises(SettingsError) as refusal:
        list_entries(f"dicom:{tmp_path}", 1)
    assert str(refusal.value) == f"There is no labelled case in {tmp_path}."


def test_a_phantom_entry_gives_slices_around_l3_and_the_same_ones_again() -> None:
    entry = list_entries("phantoms", 5)[4]
    case, again = entry.load(kept(4, 32)), entry.load(kept(4, 32))
    np.testing.assert_array_equal(case.voxels_zyx, again.voxels_zyx)
    assert abs(case.offsets_mm[0]) <= 8
    assert entry.patient == "phantom-4"
    assert entry.case.startswith("phantom-4-")  # and the state of the generator
