from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from skimage.color import rgb2lab

from orthanc_plugin.deliver.profile import Encoding
from orthanc_plugin.encode import check_derived, check_frames
from orthanc_plugin.encode.derived import derived_images
from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.maps import maps
from orthanc_plugin.encode.seg import segmentations
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.builders import series
from tests.encode import making, outlined
from tests.encode.nrrd import marked_points_lps
from tests.encode.viewed import named
from tests.imaging.radiographs import radiograph


def test_it_holds_the_outlines_at_their_places_after_a_round_trip_through_bytes(volume: Volume) -> None:
    findings = making.findings(volume)

    result = making.read_back(segmentations(Making(findings, volume, making.origin()))[0])

    check_frames.segmentations([result], Making(findings, volume, making.origin()))
    assert result.NumberOfFrames == sum(int(s.mask_zyx.any(axis=(1, 2)).sum()) for s in findings.segments)


def test_the_judges_hold_nothing_against_it(volume: Volume, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    path.write_bytes(making.written(segmentations(Making(making.findings(volume), volume, making.origin()))[0]))

    assert judges.dciodvfy(path) == []


def test_dcmqi_finds_the_same_voxels_at_the_same_points_of_the_patient(volume: Volume, tmp_path: Path) -> None:
    findings = making.findings(volume)
    path = tmp_path / "seg.dcm"
    path.write_bytes(making.written(segmentations(Making(findings, volume, making.origin()))[0]))

    read = [marked_points_lps(file) for file in judges.segimage2itkimage(path, tmp_path / "nrrd")]

    assert len(read) == len(findings.segments)
    for points_lps, segment in zip(read, findings.segments, strict=True):
        indices = volume.geometry.map_reference_to_indices(points_lps, round_output=True)
        marked = np.zeros_like(segment.mask_zyx)
        marked[tuple(indices.T)] = True
        assert len(points_lps) == segment.mask_zyx.sum()
        assert np.array_equal(marked, segment.mask_zyx)


def test_the_same_making_gives_the_same_bytes(volume: Volume) -> None:
    made = Making(making.findings(volume), volume, making.origin())

    once, again = (making.written(segmentations(made)[0]) for _ in range(2))

    assert once == again


def test_segments_say_what_they_are_and_who_outlined_them() -> None:
    on = making.volume()
    findings = making.findings(on)

    muscle, visceral, _ = making.read_back(segmentations(Making(findings, on, making.origin()))[0]).SegmentSequence

    assert (muscle.SegmentNumber, muscle.SegmentLabel) == (1, "Skeletal muscle")
    assert muscle.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "85756007"
    assert muscle.SegmentedPropertyTypeCodeSequence[0].CodeValue == "127954009"
    assert visceral.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "99INODE"
    assert (muscle.TrackingUID, muscle.TrackingID) == (findings.segments[0].tracking_uid, "Skeletal muscle")
    lightness, a, b = rgb2lab(np.array([[findings.segments[0].rgb]]) / 255)[0, 0]
    assert list(muscle.RecommendedDisplayCIELabValue) == pytest.approx(
        [lightness / 100 * 65535, (a + 128) / 255 * 65535, (b + 128) / 255 * 65535], abs=60
    )
    algorithm = muscle.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion, algorithm.AlgorithmSource) == (
        "abdominal-muscle-ct",
        "1.2.0",
        "5f" * 32,
    )
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"


def on_the_right(part: str) -> Dataset:
    image = radiograph("US", colour=True)
    image.Laterality, image.BodyPartExamined = "R", part
    on = outlined.flat(image)
    (result,) = segmentations(Making(outlined.everything(on), on, making.origin()))
    return result


def test_a_side_is_stated_of_a_part_that_is_known(tmp_path: Path) -> None:
    assert on_the_right("KIDNEY").Laterality == "R"
    result = on_the_right("")
    assert "Laterality" not in result
    (tmp_path / "seg.dcm").write_bytes(making.written(result))
    assert judges.dciodvfy(tmp_path / "seg.dcm") == []


def test_its_series_is_its_own_and_names_the_source() -> None:
    on = making.volume()

    result = making.read_back(segmentations(Making(making.findings(on), on, making.origin()))[0])

    identity = Identity.of(on, making.origin())
    assert result.SeriesInstanceUID == identity.series_uid("SEG")
    assert result.SOPInstanceUID == result.file_meta.MediaStorageSOPInstanceUID == identity.instance_uid("SEG")
    [series] = result.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == on.headers[0].SeriesInstanceUID
    assert {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence} == {
        source.sop_instance_uid for source in on.sources
    }
    assert result.FrameOfReferenceUID == making.FRAME_OF_REFERENCE
    assert result.ContentDescription == "Not for clinical use. Trained on synthetic phantoms."


def test_frames_of_a_multi_frame_source_are_named_by_their_numbers_in_it() -> None:
    on = making.enhanced_volume()

    result = segmentations(Making(making.findings(on), on, making.origin()))[0]

    named = [
        item.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        for item in result.PerFrameFunctionalGroupsSequence
    ]
    assert named == [source.frame_number for source in on.sources] * 3


def test_directions_rounded_anew_on_each_slice_do_not_matter() -> None:
    on = making.volume(orientation=making.OBLIQUE)
    rounded = dcmread(BytesIO(making.written(on.headers[2])))
    rounded.ImageOrientationPatient = [f"{float(cosine):.5f}" for cosine in rounded.ImageOrientationPatient]
    jittered = replace(on, headers=(*on.headers[:2], rounded, *on.headers[3:]))
    findings = making.findings(jittered)

    made = Making(findings, jittered, making.origin())
    check_frames.segmentations(segmentations(made), made)


@pytest.mark.parametrize("keyword", ["SliceThickness", "StudyID", "PatientBirthDate", "ReferringPhysicianName"])
def test_what_a_scanner_left_out_is_not_needed(keyword: str) -> None:
    on = making.volume()
    headers = [making.read_back(header) for header in on.headers]
    for header in headers:
        delattr(header, keyword)
    lacking = replace(on, headers=tuple(headers))
    findings = making.findings(lacking)

    made = Making(findings, lacking, making.origin())
    check_frames.segmentations(segmentations(made), made)
    assert all(keyword not in header for header in headers)


@pytest.mark.parametrize("encoding", get_args(Encoding))
def test_every_encoding_holds_the_outlines_at_their_places(encoding: Encoding, volume: Volume) -> None:
    made = outlined.made(volume, encoding)

    [result] = segmentations(made)

    check_frames.segmentations([making.read_back(result)], made)
    assert result.SegmentationType == encoding.upper()


@pytest.mark.parametrize("encoding", get_args(Encoding))
@pytest.mark.parametrize(("key_slice", "worth_opening", "opened"), [(2, (), 2), (0, (0, 3, 2), 3), (0, (), None)])
def test_viewers_are_told_to_open_it_at_the_most_telling_slice_that_is_outlined(
    encoding: Encoding, key_slice: int, worth_opening: tuple[int, ...], opened: int | None, volume: Volume
) -> None:
    """Nothing is outlined on the first one."""
    made = outlined.made(volume, encoding)
    found = replace(made.findings, key_slice=key_slice, worth_opening=worth_opening)

    [result] = segmentations(replace(made, findings=found))

    number = result.get("RepresentativeFrameNumber")
    assert (number is None) == (opened is None)
    if number is not None and opened is not None:
        [derivation] = result.PerFrameFunctionalGroupsSequence[number - 1].DerivationImageSequence
        [source] = derivation.SourceImageSequence
        assert (source.ReferencedSOPInstanceUID, source.get("ReferencedFrameNumber")) == (
            volume.sources[opened].sop_instance_uid,
            volume.sources[opened].frame_number,
        )


@pytest.mark.parametrize("encoding", get_args(Encoding))
def test_dcmqi_reads_every_encoding_voxel_for_voxel(encoding: Encoding, volume: Volume, tmp_path: Path) -> None:
    made = outlined.made(volume, encoding)
    path = tmp_path / "seg.dcm"
    path.write_bytes(making.written(segmentations(made)[0]))

    files = judges.segimage2itkimage(path, tmp_path / "nrrd")

    for number, segment in enumerate(made.findings.segments, start=1):
        label_map = encoding == "labelmap"
        points_lps = marked_points_lps(files[0 if label_map else number - 1], number if label_map else None)
        marked = np.zeros_like(segment.mask_zyx)
        marked[tuple(volume.geometry.map_reference_to_indices(points_lps, round_output=True).T)] = True
        soft = encoding == "fractional" and segment.probability_zyx is not None
        assert np.array_equal(marked, np.rint(255 * segment.probability_zyx) > 0 if soft else segment.mask_zyx)


def test_a_fractional_one_keeps_the_soft_boundary() -> None:
    on = making.volume()
    made = outlined.made(on, "fractional")

    result = making.read_back(segmentations(made)[0])

    assert (result.SegmentationFractionalType, result.MaximumFractionalValue) == ("PROBABILITY", 255)
    disc = made.findings.segments[0].probability_zyx
    assert disc is not None
    assert np.abs(result.pixel_array[0] / 255 - disc[1]).max() <= 0.5 / 255 + 1e-6


def test_of_a_label_map_every_value_is_described_and_the_background_comes_last() -> None:
    result = making.read_back(segmentations(outlined.made(making.volume(), "labelmap"))[0])

    described = [(item.SegmentNumber, item.SegmentLabel) for item in result.SegmentSequence]
    assert described == [(1, "Disc"), (2, "Box"), (0, "Background")]
    assert result.PixelPaddingValue == 0
    assert set(np.unique(result.pixel_array)) == {0, 1, 2}


@pytest.mark.parametrize(
    ("encoding", "soft", "overlapping", "since"),
    [
        ("labelmap", True, True, "outlines overlap, and a label map holds one at each place"),
        ("fractional", False, False, "the model gave outlines without probabilities"),
    ],
)
def test_what_an_encoding_can_not_hold_is_binary_and_the_reason_is_logged(
    encoding: Encoding, soft: bool, overlapping: bool, since: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = outlined.made(making.volume(), encoding, soft=soft, overlapping=overlapping)

    with caplog.at_level("INFO", "orthanc_plugin.encode.form"):
        [result] = segmentations(made)

    check_frames.segmentations([making.read_back(result)], made)
    assert result.SegmentationType == "BINARY"
    assert caplog.messages == [f"abdominal-muscle-ct: no {encoding} segmentation, since {since}"]


def test_the_card_s_preference_counts_where_the_destination_takes_it() -> None:
    made = outlined.made(making.volume())
    taking = made.profile.model_copy(update={"segmentations": ("binary", "fractional")})
    preferring = replace(made.findings, encoding="fractional")

    chosen = [
        segmentations(replace(made, findings=findings, profile=profile))[0].SegmentationType
        for findings in (made.findings, preferring)
        for profile in (made.profile, taking)
    ]

    assert chosen == ["BINARY", "BINARY", "BINARY", "FRACTIONAL"]


@pytest.mark.parametrize(
    ("shape_zyx", "kind"), [((5, 21, 23), "FRACTIONAL"), ((5, 13, 8), "FRACTIONAL"), ((5, 64, 80), "BINARY")]
)
def test_bits_that_a_viewer_would_misread_go_out_in_whole_bytes(shape_zyx: tuple[int, int, int], kind: str) -> None:
    on = making.volume(shape_zyx)
    made = outlined.made(on, soft=False)
    careful = replace(made, profile=made.profile.model_copy(update={"binary_in_whole_words": True}))

    [result] = segmentations(careful)

    check_frames.segmentations([making.read_back(result)], careful)
    assert result.SegmentationType == kind
    if kind == "FRACTIONAL":
        assert result.SegmentationFractionalType == "OCCUPANCY"
        assert set(np.unique(making.read_back(result).pixel_array)) == {0, 255}


@pytest.mark.parametrize("encoding", get_args(Encoding))
@pytest.mark.parametrize("source", outlined.FLAT)
def test_on_single_images_each_instance_with_an_outline_has_its_own(source: str, encoding: Encoding) -> None:
    on = outlined.FLAT[source]()
    made = outlined.made(on, encoding)

    results = [making.read_back(result) for result in segmentations(made)]

    check_frames.segmentations(results, made)
    indices = {int(n) for segment in made.findings.segments for n in np.flatnonzero(segment.mask_zyx.any(axis=(1, 2)))}
    assert {uid for result in results for uid in named(result)} == {
        on.sources[index].sop_instance_uid for index in indices
    }
    assert all(item.TrackingUID for result in results for item in result.SegmentSequence if item.SegmentNumber)


def test_two_outlined_images_are_two_segmentations_that_share_their_tracking() -> None:
    on = outlined.flat(outlined.mammogram(1), outlined.mammogram(2, rows=40))
    found = outlined.segments(on)
    both = tuple(
        replace(each, mask_zyx=np.repeat(each.mask_zyx[1:], 2, axis=0), probability_zyx=None) for each in found
    )
    made = replace(outlined.made(on), findings=replace(outlined.findings(on), segments=both))

    first, second = segmentations(made)

    check_frames.segmentations([first, second], made)
    assert first.SeriesInstanceUID != second.SeriesInstanceUID
    assert first.FrameOfReferenceUID != second.FrameOfReferenceUID
    assert (first.Rows, second.Rows) == (48, 40)
    assert first.SegmentSequence[0].TrackingUID == second.SegmentSequence[0].TrackingUID


def test_a_slice_that_is_taken_as_an_image_keeps_its_place_in_the_patient() -> None:
    datasets = series.slices(outlined.SCAN)[:2]
    on = outlined.flat(*datasets)
    made = outlined.made(on)

    [result] = segmentations(made)

    check_frames.segmentations([result], made)
    assert result.FrameOfReferenceUID == datasets[0].FrameOfReferenceUID
    place = result.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
    assert list(place) == list(next(d for d in datasets if d.SOPInstanceUID in named(result)).ImagePositionPatient)


def test_a_volume_of_several_multi_frame_instances_is_outlined_like_any_other(tmp_path: Path) -> None:
    on = outlined.in_two_parts()
    made = Making(outlined.everything(on), on, making.origin())

    [result] = segmentations(made)

    check_frames.segmentations([making.read_back(result)], made)
    assert named(result) == {str(header.SOPInstanceUID) for header in on.headers}
    assert {source.frame_number for source in on.sources} == {1, 2, 3}
    path = tmp_path / "seg.dcm"
    path.write_bytes(making.written(result))
    assert judges.dciodvfy(path) == []
    [values] = maps(made)
    check_frames.maps([values], made)
    check_derived.derived_images(derived_images(made), made)
