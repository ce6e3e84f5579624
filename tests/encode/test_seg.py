from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from skimage.color import rgb2lab

from orthanc_plugin.encode import check_frames
from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.seg import segmentations
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.encode import making
from tests.encode.nrrd import marked_points_lps


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
        "1.0.0",
        "5f" * 32,
    )
    assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"


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
