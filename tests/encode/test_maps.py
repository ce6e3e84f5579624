"""Heat maps and probabilities at their places, with what their numbers mean."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from highdicom.pm import ParametricMap
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from orthanc_plugin.encode import check_frames
from orthanc_plugin.encode import maps as encoder
from orthanc_plugin.encode.identity import Identity
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.maps import maps
from orthanc_plugin.errors import Broken
from orthanc_plugin.imaging.image import Imaged
from orthanc_plugin.imaging.volume import Volume
from tests.encode import making, outlined

NOTHING_STORED = " Nothing was stored; report this as an error of the node."


def made(on: Imaged, *slices: int) -> Making:
    found = replace(outlined.findings(on), maps=(outlined.value_map(on, slices or tuple(range(len(on)))),))
    return Making(found, on, making.origin())


def test_it_holds_the_values_at_their_places_after_a_round_trip_through_bytes(volume: Volume) -> None:
    of = made(volume)

    [result] = maps(of)

    check_frames.maps([making.read_back(result)], of)
    assert result.NumberOfFrames == len(volume)
    named = [
        groups.DerivationImageSequence[0].SourceImageSequence[0] for groups in result.PerFrameFunctionalGroupsSequence
    ]
    assert [(image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber")) for image in named] == [
        (source.sop_instance_uid, source.frame_number) for source in volume.sources
    ]


@pytest.mark.parametrize("source", outlined.FLAT)
def test_on_single_images_each_instance_has_a_map_in_a_series_of_its_own(source: str) -> None:
    on = outlined.FLAT[source]()
    of = made(on)

    results = maps(of)

    check_frames.maps([making.read_back(result) for result in results], of)
    assert len(results) == len({result.SeriesInstanceUID for result in results}) == len(on.headers)
    spaces = {result.FrameOfReferenceUID for result in results}
    assert len(spaces) == len(results)
    assert spaces.isdisjoint({str(header.get("FrameOfReferenceUID")) for header in on.headers})


def test_it_says_what_the_numbers_are_and_in_which_unit() -> None:
    on = making.volume()

    result = ParametricMap.from_dataset(making.read_back(maps(made(on, 2, 3))[0]))

    [mapping] = result.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == codes.DCM.ClassActivation.value
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "1"
    assert (mapping.LUTLabel, mapping.LUTExplanation) == ("Attention to a m", "Attention to a mass")
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
    assert result.ContentQualification == "RESEARCH"
    assert result.SeriesDescription == "Abdominal muscle and fat map (not for clinical use)"


def test_slices_without_values_are_padding_since_viewers_lay_frame_on_image() -> None:
    on = making.volume()
    of = made(on, 2)

    [result] = maps(of)

    values = np.frombuffer(result.FloatPixelData, "<f4").reshape(len(on), -1)
    assert result.FloatPixelPaddingValue == 0
    assert [bool(each.any()) for each in values] == [index == 2 for index in range(len(on))]


def test_viewers_are_told_to_open_it_at_the_key_slice() -> None:
    for on in (making.volume(), making.enhanced_volume()):
        of = made(on, 1, 2, 4)

        [result] = maps(of)

        assert result.RepresentativeFrameNumber == of.findings.key_slice + 1


def test_a_map_that_would_be_too_large_with_them_has_its_own_slices_alone_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(encoder, "WHOLE_MOST_BYTES", 0)
    for on in (making.volume(), making.enhanced_volume()):
        of = made(on, 2, 4)

        [result] = maps(of)

        check_frames.maps([making.read_back(result)], of)
        assert result.NumberOfFrames == 2
        sentence = "the map Attention to a mass is too large for all slices, so OHIF does not show it"
        assert caplog.messages[-1] == f"abdominal-muscle-ct: {sentence}"


def test_several_maps_are_several_series_and_the_first_keeps_its_identity() -> None:
    on = making.volume()
    of = made(on)
    twice = replace(of, findings=replace(of.findings, maps=of.findings.maps * 2))

    first, second = maps(twice)

    identity = Identity.of(on, making.origin())
    assert (first.SeriesInstanceUID, first.SOPInstanceUID) == (identity.series_uid("PM"), identity.instance_uid("PM"))
    assert first.SeriesInstanceUID != second.SeriesInstanceUID


def test_several_maps_are_told_apart_and_say_which_is_the_first() -> None:
    of = made(making.volume())
    [alone] = of.findings.maps
    both = replace(of, findings=replace(of.findings, maps=(alone, replace(alone, label="Heat map: Two"))))

    results = maps(both)

    assert [int(each.InstanceNumber) for each in results] == [1, 2]
    assert [each.SeriesDescription for each in results] == [
        f"{alone.label} (not for clinical use)",
        "Heat map: Two (not for clinical use)",
    ]


def test_the_same_making_gives_the_same_bytes(volume: Volume) -> None:
    once, again = (making.written(maps(made(volume))[0]) for _ in range(2))

    assert once == again


def mirrored(result: Dataset) -> None:
    frames = result.PerFrameFunctionalGroupsSequence
    places = [frame.PlanePositionSequence for frame in frames]
    for frame, place in zip(frames, places[::-1], strict=True):
        frame.PlanePositionSequence = place


def turned_over(result: Dataset) -> None:
    values = np.frombuffer(result.FloatPixelData, "<f4").reshape(result.NumberOfFrames, result.Rows, result.Columns)
    result.FloatPixelData = values[:, ::-1].tobytes()


def of_another_series(result: Dataset) -> None:
    result.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (mirrored, "Frame 1 of the map lies elsewhere than the image that it names."),
        (turned_over, "Frame 2 of the map holds other values than the model gave for its image."),
        (of_another_series, "The map does not name the series that it lies on."),
    ],
)
def test_a_spoiled_map_is_caught(spoil: Callable[[Dataset], None], sentence: str) -> None:
    of = made(making.volume())
    spoiled = making.read_back(maps(of)[0])
    spoil(spoiled)

    with pytest.raises(Broken) as caught:
        check_frames.maps([spoiled], of)
    assert caught.value.sentence == sentence + NOTHING_STORED


@pytest.mark.parametrize(
    ("count", "sentence"),
    [(0, "The map Attention to a mass lacks slices."), (2, "There is a map that the model did not give.")],
)
def test_each_map_is_there_once(count: int, sentence: str) -> None:
    of = made(making.volume())
    results = [making.read_back(maps(of)[0]) for _ in range(count)]
    for number, result in enumerate(results):
        result.SeriesInstanceUID = f"1.2.{number}"

    with pytest.raises(Broken) as caught:
        check_frames.maps(results, of)
    assert caught.value.sentence == sentence + NOTHING_STORED
