"""Series become volumes with the right value at the right place of the patient, or a sentence says why not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import Volume, volume
from tests.builders.series import (
    AXIAL,
    OBLIQUE,
    SAGITTAL,
    Scan,
    enhanced,
    gantry_tilt,
    missing_slice,
    mixed_frames_of_reference,
    mixed_matrix,
    mixed_orientation,
    mixed_spacing,
    numbered_backwards,
    slices,
    stating,
    two_phases,
    with_duplicate,
    without,
)
from tests.imaging.reading import read_volume, refusal


def place_mm(dataset: Dataset, row: int, column: int) -> np.ndarray:
    """Where a pixel lies, by the equation of the standard (PS3.3 C.7.6.2.1.1) written out."""
    along_row, along_column = np.reshape(np.array(dataset.ImageOrientationPatient, float), (2, 3))
    row_mm, column_mm = (float(part) for part in dataset.PixelSpacing)
    return np.array(dataset.ImagePositionPatient, float) + row * row_mm * along_column + column * column_mm * along_row


def assert_true_to(found: Volume, datasets: list[Dataset]) -> None:
    """Each slice has the HU of the data set that it names, at the place that this one states."""
    by_uid = {dataset.SOPInstanceUID: dataset for dataset in datasets}
    assert len(found.sources) == len(found.voxels_zyx) == found.geometry.spatial_shape[0]
    for index, source in enumerate(found.sources):
        dataset = by_uid[source.sop_instance_uid]
        stored = np.frombuffer(dataset.PixelData, "<i2" if dataset.PixelRepresentation else "<u2")
        hounsfield = stored.reshape(dataset.Rows, dataset.Columns) * dataset.RescaleSlope + dataset.RescaleIntercept
        assert np.array_equal(found.voxels_zyx[index], hounsfield)
        corner = found.geometry.map_indices_to_reference(np.array([[index, 3, 5]]))[0]
        assert np.allclose(corner, place_mm(dataset, 3, 5), atol=0.01)


@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, OBLIQUE, (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0)])
def test_values_lie_where_the_headers_say(orientation: tuple[float, ...]) -> None:
    datasets = slices(Scan(orientation=orientation))
    found = read_volume(datasets)
    assert_true_to(found, datasets)
    assert found.spacing_zyx_mm == pytest.approx((5.0, 0.8, 0.7), abs=1e-4)
    assert found.geometry.frame_of_reference_uid == datasets[0].FrameOfReferenceUID
    assert found.cautions == ()


def test_axial_slices_go_from_the_feet_to_the_head_whatever_their_numbers() -> None:
    found = read_volume(numbered_backwards())
    assert_true_to(found, numbered_backwards())
    assert [header.InstanceNumber for header in found.headers] == [6, 5, 4, 3, 2, 1]
    assert found.geometry.position[2] < found.geometry.map_indices_to_reference(np.array([[5, 0, 0]]))[0, 2]


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(6)), orientation=st.sampled_from([AXIAL, OBLIQUE]))
def test_any_order_of_arrival_gives_the_same_volume(order: list[int], orientation: tuple[float, ...]) -> None:
    datasets = slices(Scan(orientation=orientation))
    first, other = read_volume(datasets), read_volume(datasets[index] for index in order)
    assert np.array_equal(first.voxels_zyx, other.voxels_zyx)
    assert np.array_equal(first.geometry.affine, other.geometry.affine)
    assert first.sources == other.sources
    assert first.pixel_digests == other.pixel_digests


def test_each_slice_has_its_own_rescale() -> None:
    one, other = Scan(name="rescale"), Scan(name="rescale", slope=2.0, intercept=-1000.0)
    datasets = slices(one)[:3] + slices(other)[3:]
    assert_true_to(read_volume(datasets), datasets)


def test_signed_and_unsigned_slices_are_read_as_they_say() -> None:
    unsigned, signed = Scan(name="signs"), Scan(name="signs", signed=True, intercept=0.0)
    found = read_volume(slices(unsigned)[:3] + slices(signed)[3:])
    assert np.array_equal(found.voxels_zyx, [unsigned.hounsfield(index) for index in range(6)])
    assert found.cautions == (
        "The series mixes signed and unsigned pixels; each slice was read as its own header says.",
    )


def test_signed_pixels_that_are_called_unsigned() -> None:
    datasets = slices(Scan(signed=True, intercept=0.0, name="called unsigned"))
    for dataset in datasets:
        dataset.PixelRepresentation = 0
    assert refusal(datasets).endswith(
        " HU, which CT does not measure: its pixels are probably signed where its header says unsigned, or the reverse."
    )


def test_padding_becomes_air() -> None:
    datasets = slices(Scan(signed=True, intercept=0.0, name="padding"))
    for dataset in datasets:
        stored = np.frombuffer(dataset.PixelData, "<i2").copy()
        stored[:12] = -2000
        dataset.PixelData = stored.tobytes()
        dataset.PixelPaddingValue = -2000
    found = read_volume(datasets)
    assert (found.voxels_zyx[:, 0] == -1000).all()
    assert found.cautions == ()


def test_padding_that_is_stated_unsigned_among_signed_pixels() -> None:
    datasets = slices(Scan(signed=True, intercept=0.0, name="padding"))
    for dataset in datasets:
        dataset.PixelData = np.full((16, 12), -2000, "<i2").tobytes()
        dataset.add_new("PixelPaddingValue", "US", 65536 - 2000)
    assert (read_volume(datasets[:1]).voxels_zyx == -1000).all()


def test_a_padding_range_is_padding_throughout() -> None:
    datasets = stating(PixelPaddingValue=0, PixelPaddingRangeLimit=60)  # -1024 to -964 HU
    hounsfield = np.array([Scan().hounsfield(index) for index in range(6)])
    assert np.array_equal(read_volume(datasets).voxels_zyx, np.where(hounsfield <= -964, -1000, hounsfield))


def test_padding_with_a_value_of_tissue_is_kept() -> None:
    found = read_volume(stating(PixelPaddingValue=1024))
    assert np.array_equal(found.voxels_zyx, [Scan().hounsfield(index) for index in range(6)])
    assert found.cautions == ("Pixels that are padding by the header have 0 HU, a value of tissue; they were kept.",)


def test_identical_images_at_one_position_count_once() -> None:
    found = read_volume(with_duplicate())
    assert len(found.voxels_zyx) == 6
    assert found.cautions == ("Identical images at the same position were used once (1).",)


def test_a_single_slice_is_as_thick_as_it_says() -> None:
    found = read_volume(slices(Scan(slices=1, thickness_mm=3.0)))
    assert found.spacing_zyx_mm == pytest.approx((3.0, 0.8, 0.7))
    assert found.cautions == ("The series holds one slice; its thickness of 3 mm was taken for the third dimension.",)


def test_tissue_between_thin_slices_is_a_caution() -> None:
    found = read_volume(slices(Scan(thickness_mm=1.0)))
    assert found.cautions == ("The slices are 1 mm thick but 5 mm apart; what lies between them was not imaged.",)


@pytest.mark.parametrize("step_mm", [0.65, 5.0])
def test_positions_that_are_rounded_to_a_tenth_are_regular(step_mm: float) -> None:
    datasets = slices(Scan(slices=20, step_mm=step_mm, thickness_mm=step_mm))
    for dataset in datasets:
        dataset.ImagePositionPatient = [round(float(part), 1) for part in dataset.ImagePositionPatient]
    assert read_volume(datasets).spacing_zyx_mm[0] == pytest.approx(step_mm, abs=0.006)


def test_directions_that_are_rounded_to_four_digits_are_upright() -> None:
    datasets = slices(Scan(slices=40, orientation=OBLIQUE))
    for dataset in datasets:
        dataset.ImageOrientationPatient = [round(float(part), 4) for part in dataset.ImageOrientationPatient]
    found = read_volume(datasets)
    assert np.linalg.norm(found.geometry.unit_vectors(), axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_an_enhanced_instance_gives_the_same_volume_as_its_slices(modality: str) -> None:
    scan = Scan(modality=modality, orientation=OBLIQUE)
    single, multi = read_volume(slices(scan)), read_volume([enhanced(scan)])
    assert np.array_equal(multi.voxels_zyx, single.voxels_zyx)
    assert np.array_equal(multi.geometry.affine, single.geometry.affine)
    assert [source.frame_number for source in multi.sources] == [6, 5, 4, 3, 2, 1]
    assert {source.frame_number for source in single.sources} == {None}
    assert len(multi.headers) == len(multi.pixel_digests) == 1
    assert multi.cautions == ()


def test_magnetic_resonance_needs_no_rescale() -> None:
    found = read_volume(without("RescaleSlope", modality="MR"))
    assert np.array_equal(found.voxels_zyx, [Scan(modality="MR").stored(index) for index in range(6)])


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (
            missing_slice,
            "1 slice is missing in the series, the first between 105.0 and 115.0 mm along the stack; "
            "send the whole series again.",
        ),
        (
            lambda: slices()[:1] + slices()[3:],
            "2 slices are missing in the series, the first between 100.0 and 115.0 mm along the stack; "
            "send the whole series again.",
        ),
        (
            lambda: slices()[:2] + slices(Scan(slices=41))[40:],
            "The distance between slices varies from 5.00 to 195.00 mm; send slices at equal distances as a series.",
        ),
        (
            mixed_spacing,
            "The distance between slices varies from 5.00 to 12.30 mm; send slices at equal distances as a series.",
        ),
        (mixed_orientation, "The slices are oriented differently; send the slices of one orientation as a series."),
        (
            mixed_matrix,
            "The slices differ in size (15 x 12 and 16 x 12 pixels); send slices of one size as a series.",
        ),
        (
            mixed_frames_of_reference,
            "The slices lie in different frames of reference, so their places can't be compared; "
            "send the slices of one acquisition as a series.",
        ),
        (
            lambda: without("FrameOfReferenceUID"),
            "The slices state no frame of reference, so a result could not be tied to them.",
        ),
        (
            lambda: slices(Scan(name="p"))[:3] + slices(Scan(name="p", pixel_spacing_mm=(0.9, 0.9)))[3:],
            "The slices differ in pixel spacing; send slices that were reconstructed alike as a series.",
        ),
        (
            gantry_tilt,
            "The slices are shifted sideways against each other by up to 6.5 mm (15.0 degrees, as with a tilted "
            "gantry), so they form no rectangular volume; send an untilted reconstruction.",
        ),
        (
            two_phases,
            "The series holds 2 different images at each of 6 positions (phases, echoes or time points); "
            "send each of them as a series of its own.",
        ),
        (
            lambda: two_phases()[:8],
            "The series holds 2 different images at the position 100.0 mm along the stack, but not at every position; "
            "send each slice once.",
        ),
        (
            lambda: stating(ImagePositionPatient=[0, 0, 0]),
            "All 6 images of the series lie at one position; a volume needs a position for each.",
        ),
        (
            lambda: slices(Scan(slices=1, thickness_mm=None)),
            "The series holds one slice that does not state its thickness, so it encloses no volume.",
        ),
    ],
)
def test_series_that_are_no_volume(build: Callable[[], list[Dataset]], sentence: str) -> None:
    assert refusal(build()) == sentence


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (
            lambda: without("ImagePositionPatient"),
            "lacks ImagePositionPatient, so its place in the patient is unknown; send the series again from its "
            "source.",
        ),
        (
            lambda: without("ImageOrientationPatient"),
            "lacks ImageOrientationPatient, so its place in the patient is unknown; send the series again from its "
            "source.",
        ),
        (
            lambda: without("PixelSpacing"),
            "lacks PixelSpacing, so its place in the patient is unknown; send the series again from its source.",
        ),
        (
            lambda: stating(PixelSpacing=[0, 0.7]),
            "states a PixelSpacing of 0 and 0.7 mm, which no image has; send the series again from its source.",
        ),
        (
            lambda: stating(PixelSpacing=[-0.7, 0.7]),
            "states a PixelSpacing of -0.7 and 0.7 mm, which no image has; send the series again from its source.",
        ),
        (lambda: stating(PixelSpacing=0.7), "states 1 values of PixelSpacing where 2 belong."),
        (
            lambda: stating(ImageOrientationPatient=[1, 0, 0, 1, 0, 0]),
            "states an ImageOrientationPatient that is no pair of directions at a right angle; "
            "send the series again from its source.",
        ),
        (
            lambda: stating(ImageOrientationPatient=[0, 0, 0, 0, 0, 0]),
            "states an ImageOrientationPatient that is no pair of directions at a right angle; "
            "send the series again from its source.",
        ),
        (
            lambda: without("RescaleSlope"),
            "lacks RescaleSlope or RescaleIntercept, so its values can't be turned into Hounsfield units; "
            "send the series again from its source.",
        ),
        (
            lambda: stating(RescaleSlope=0),
            "states a RescaleSlope of 0 and a RescaleIntercept of -1024, which no scanner uses; "
            "send the series again from its source.",
        ),
        (
            lambda: stating(RescaleSlope=1e9),
            "states a RescaleSlope of 1e+09 and a RescaleIntercept of -1024, which no scanner uses; "
            "send the series again from its source.",
        ),
        (lambda: stating(RescaleSlope="NaN"), "states RescaleSlope as a number that is not finite."),
        (
            lambda: stating(RescaleType="Z_EFF"),
            "holds values in Z_EFF, not in Hounsfield units; send a series in Hounsfield units.",
        ),
        (
            lambda: stating(SOPClassUID="1.2.840.10008.5.1.4.1.1.7"),
            "is a secondary capture, a page or a picture that was made of images; "
            "run on the series that it was made of.",
        ),
    ],
)
def test_instances_that_are_no_slices(build: Callable[[], list[Dataset]], sentence: str) -> None:
    datasets = build()
    assert refusal(datasets) in {f"The instance {dataset.SOPInstanceUID} {sentence}" for dataset in datasets}


def test_frames_without_a_place() -> None:
    dataset = slices()[0]
    dataset.NumberOfFrames, dataset.Rows = 2, 8
    assert refusal([dataset]) == (
        f"The instance {dataset.SOPInstanceUID} holds 2 frames without a place in the patient."
    )


def test_functional_groups_for_other_frames() -> None:
    dataset = enhanced()
    del dataset.PerFrameFunctionalGroupsSequence[-1]
    assert refusal([dataset]) == (
        f"The instance {dataset.SOPInstanceUID} describes 5 frames but holds 6; send the series again from its source."
    )


def sentence_of(folder: Path) -> str:
    """What the node says of a folder of real files; empty where it makes a volume of them."""
    try:
        volume(assemble(decode(path.read_bytes()) for path in sorted(folder.glob("*.dcm"))))
    except Unsuitable as refused:
        return refused.sentence
    return ""


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("odd/derived_duplicate_position", "2 different images at the position 289.3 mm along the stack"),
        ("odd/derived_missing_bodypart", ""),
        ("odd/derived_missing_geometry", "lacks ImagePositionPatient and ImageOrientationPatient"),
        ("odd/derived_missing_pixel_spacing", "lacks PixelSpacing"),
        ("odd/derived_missing_rescale", "lacks RescaleSlope or RescaleIntercept"),
        ("odd/derived_mixed_matrix", "differ in size (100 x 122 and 101 x 122 pixels)"),
        ("odd/derived_non_numeric_ds", "states PixelSpacing as something that is no number"),
        ("odd/derived_signed_with_padding", ""),
        ("odd/derived_single_slice", ""),
        ("odd/derived_truncated_pixeldata", "is cut off: 12322 of 24644 bytes"),
        ("odd/derived_wrong_transfer_syntax", "not written in the transfer syntax that it states"),
        ("odd/derived_zero_slice_spacing", "All 12 images of the series lie at one position"),
        ("odd/duplicate_positions_ct_abdomen", "The distance between slices varies from 7.50 to 115.00 mm"),
        ("odd/localizer_mr_3plane", "oriented differently"),
        ("odd/dx_thorax_veterinary", "lacks ImagePositionPatient and ImageOrientationPatient"),
        ("odd/mg_dbt_noise_pixels", "describes 45 frames but holds 4"),
        ("real/ct_abdomen/totalseg_20slice_repaired", ""),
        ("real/ct_head/ge_variable_gantry_tilt", "18.5 degrees, as with a tilted gantry"),
        ("real/mr_brain/siemens_t1_sag", ""),
    ],
)
def test_real_series(real_dicom: Path, folder: str, says: str) -> None:
    sentence = sentence_of(real_dicom / folder)
    assert says in sentence
    assert bool(says) == bool(sentence)
