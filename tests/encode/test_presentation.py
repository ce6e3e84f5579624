"""Presentation states: contours where the masks are, values shown as the source shows them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import (
    ColorSoftcopyPresentationStateStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    UltrasoundImageStorage,
)
from skimage.draw import polygon2mask

from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.presentation import LINES_MOST, STATES_MOST, presentation_states
from orthanc_plugin.imaging.image import Images
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.builders import series
from tests.encode import making, outlined
from tests.imaging.radiographs import radiograph

ON = making.volume()
MAKING = Making(making.findings(ON), ON, making.origin())


def with_headers(on: Volume, **of_slice: list[object]) -> Making:
    """The volume with other values in its headers, one a slice; None leaves the attribute out."""
    headers = tuple(making.read_back(header) for header in on.headers)
    for keyword, values in of_slice.items():
        for header, value in zip(headers, values, strict=True):
            header.pop(keyword, None)
            if value is not None:
                setattr(header, keyword, value)
    return Making(making.findings(on), replace(on, headers=headers), making.origin())


def of_two_sizes() -> Images:
    """The larger one comes second."""
    return outlined.flat(outlined.projection(1, rows=30), outlined.projection(2))


def images_and_film() -> Images:
    """An image, a film and an image again."""
    instances = [radiograph("US", colour=True), outlined.film(), radiograph("US", colour=True)]
    return outlined.flat(*numbered(instances))


def two_films() -> Images:
    return outlined.flat(*numbered([outlined.film(3), outlined.film(2)]))


def numbered(instances: list[Dataset]) -> list[Dataset]:
    for number, instance in enumerate(instances, start=1):
        instance.SOPInstanceUID, instance.InstanceNumber = f"1.2.826.0.1.3680043.8.498.9.{number}", number
    return instances


SEVERAL: dict[str, Callable[[], Volume | Images]] = {
    "images of two sizes": of_two_sizes,
    "images and film": images_and_film,
    "two films": two_films,
    "grey and colour": lambda: outlined.flat(radiograph("US", number=1), radiograph("US", number=2, colour=True)),
    "volume in two parts": outlined.in_two_parts,
}


def annotations(state: Dataset, uid: str, frame: int | None, layer: str) -> list[np.ndarray]:
    """The lines of a layer on an image."""
    return [
        np.asarray(each.GraphicData, float).reshape(-1, 2)
        for item in state.GraphicAnnotationSequence
        if item.GraphicLayer == layer
        for image in item.ReferencedImageSequence
        if image.ReferencedSOPInstanceUID == uid and image.get("ReferencedFrameNumber") == frame
        for each in item.GraphicObjectSequence
    ]


def drawn(lines: list[np.ndarray], shape_yx: tuple[int, int]) -> np.ndarray:
    """Pixels whose centres lie inside an odd number of lines."""
    inside = np.zeros(shape_yx, bool)
    for line in lines:
        inside ^= polygon2mask(shape_yx, line[:, ::-1] - 0.5)
    return inside


def test_the_judges_hold_nothing_against_it(volume: Volume, tmp_path: Path) -> None:
    [state] = presentation_states(Making(making.findings(volume), volume, making.origin()))
    path = tmp_path / "pr.dcm"
    path.write_bytes(making.written(state))

    assert judges.dciodvfy(path) == []
    assert judges.dcmpschk(path) == []


@pytest.mark.parametrize("source", outlined.FLAT)
def test_the_judges_hold_nothing_against_those_of_single_images(source: str, tmp_path: Path) -> None:
    for state in presentation_states(outlined.made(outlined.FLAT[source]())):
        path = tmp_path / "pr.dcm"
        path.write_bytes(making.written(state))
        assert judges.dciodvfy(path) == []
        assert judges.dcmpschk(path) == []


@pytest.mark.parametrize("source", SEVERAL)
def test_of_instances_that_differ_each_is_named_as_what_it_is(source: str, tmp_path: Path) -> None:
    on = SEVERAL[source]()
    made = outlined.made(on)
    named: list[tuple[str, str, int | None]] = []

    for state in presentation_states(made):
        path = tmp_path / "pr.dcm"
        path.write_bytes(making.written(state))
        assert judges.dciodvfy(path) == []
        assert judges.dcmpschk(path) == []
        drawn_on = {frame for item in state.GraphicAnnotationSequence for frame in frames(item.ReferencedImageSequence)}
        assert drawn_on == set(frames(state.ReferencedSeriesSequence[0].ReferencedImageSequence))
        named += drawn_on

    of_sources = [(each.sop_class_uid, each.sop_instance_uid, each.frame_number) for each in on.sources]
    masks = [segment.mask_zyx for segment in made.findings.segments]
    outlined_ones = [index for index in range(len(on)) if any(mask_zyx[index].any() for mask_zyx in masks)]
    assert sorted(named, key=str) == sorted((of_sources[index] for index in outlined_ones), key=str)


def frames(items: Sequence[Dataset]) -> Iterator[tuple[str, str, int | None]]:
    """Class, instance and frame of all that is named."""
    for item in items:
        for frame in np.atleast_1d(item.get("ReferencedFrameNumber") or 0):
            yield item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID, int(frame) or None


def test_images_of_several_sizes_are_each_shown_whole() -> None:
    made = outlined.made(of_two_sizes())
    both = np.zeros((2, 48, 40), bool)
    both[:, 5:28, 5:30] = True
    segment = replace(made.findings.segments[0], mask_zyx=both, probability_zyx=None)

    states = presentation_states(replace(made, findings=replace(made.findings, segments=(segment,))))

    areas = [state.DisplayedAreaSelectionSequence[0].DisplayedAreaBottomRightHandCorner for state in states]
    assert sorted(list(area) for area in areas) == [[40, 30], [40, 48]]


def test_frames_that_have_no_name_are_left_out_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    garbled = outlined.film()
    garbled.SOPClassUID = UltrasoundImageStorage

    assert presentation_states(outlined.made(outlined.flat(garbled))) == []

    assert caplog.messages == [
        "abdominal-muscle-ct: 4 images are without contours in presentation states, "
        "since their class has no frames that could be named"
    ]


def test_the_same_making_gives_the_same_bytes() -> None:
    [once], [again] = presentation_states(MAKING), presentation_states(MAKING)

    assert making.written(once) == making.written(again)


def test_contours_enclose_the_masks_on_their_images(volume: Volume) -> None:
    findings = making.findings(volume)
    [state] = presentation_states(Making(findings, volume, making.origin()))
    state = making.read_back(state)

    for segment in findings.segments:
        for index, source in enumerate(volume.sources):
            lines = annotations(state, source.sop_instance_uid, source.frame_number, f"SEGMENT {segment.number}")
            mask_yx = segment.mask_zyx[index]
            assert bool(lines) == bool(mask_yx.any())
            assert all(np.array_equal(line[0], line[-1]) for line in lines)
            # Thinned lines may cut a corner of a pixel, never its centre by much.
            assert (drawn(lines, mask_yx.shape) != mask_yx).sum() <= 0.02 * mask_yx.sum() + 2


def test_each_segment_has_a_layer_in_its_colour() -> None:
    [state] = presentation_states(MAKING)

    layers = [(layer.GraphicLayer, layer.GraphicLayerDescription) for layer in state.GraphicLayerSequence]
    assert layers == [(f"SEGMENT {segment.number}", segment.label) for segment in MAKING.findings.segments]
    colours = [tuple(layer.GraphicLayerRecommendedDisplayCIELabValue) for layer in state.GraphicLayerSequence]
    assert len(set(colours)) == len(colours)
    tracked = {each.TrackingUID for item in state.GraphicAnnotationSequence for each in item.GraphicObjectSequence}
    assert tracked == {segment.tracking_uid for segment in MAKING.findings.segments}


def test_values_are_shown_as_the_source_shows_them_at_first(tmp_path: Path) -> None:
    made = with_headers(ON, WindowCenter=[40] * 4 + [[300, 40]] * 2, WindowWidth=[400] * 4 + [[1500, 400]] * 2)

    [state] = presentation_states(made)

    assert (state.RescaleSlope, state.RescaleIntercept, state.RescaleType) == (1, 0, "HU")
    assert state.PresentationLUTShape == "IDENTITY"
    one, two = state.SoftcopyVOILUTSequence
    assert (one.WindowCenter, one.WindowWidth) == (40, 400)
    assert (two.WindowCenter, two.WindowWidth) == (300, 1500)
    assert [image.ReferencedSOPInstanceUID for image in two.ReferencedImageSequence] == [
        source.sop_instance_uid for source in ON.sources[4:]
    ]
    [area] = state.DisplayedAreaSelectionSequence
    assert [float(each) for each in area.PresentationPixelSpacing] == list(making.SPACING_MM)
    path = tmp_path / "pr.dcm"
    path.write_bytes(making.written(state))
    assert judges.dcmpschk(path) == []


def test_a_window_may_be_centred_on_nought(tmp_path: Path) -> None:
    [state] = presentation_states(with_headers(ON, WindowCenter=[0] * 6, WindowWidth=[400] * 6))

    [shown] = state.SoftcopyVOILUTSequence
    assert (shown.WindowCenter, shown.WindowWidth) == (0, 400)
    path = tmp_path / "pr.dcm"
    path.write_bytes(making.written(state))
    assert judges.dciodvfy(path) == []


@pytest.mark.parametrize(
    ("centre", "wide"), [(40, None), (None, 400), (40, 0), ([40, 50], 400)], ids=["no width", "no centre", "no", "odd"]
)
def test_a_garbled_window_is_left_out(centre: object, wide: object) -> None:
    [state] = presentation_states(with_headers(ON, WindowCenter=[centre] * 6, WindowWidth=[wide] * 6))

    assert "SoftcopyVOILUTSequence" not in state


def test_slices_with_scales_of_their_own_have_states_of_their_own_but_not_too_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    few = presentation_states(with_headers(ON, RescaleSlope=[1, 1, 2, 2, 3, 3]))
    long = making.volume((20, 16, 16))
    many = presentation_states(with_headers(long, RescaleSlope=list(range(1, 21))))

    assert sorted(float(state.RescaleSlope) for state in few) == [1, 2, 3]
    assert len(many) == STATES_MOST
    assert caplog.messages == [
        f"abdominal-muscle-ct: {20 - STATES_MOST} images are without contours in presentation states, "
        f"since more than {STATES_MOST} states would be needed, so differently are they shown"
    ]
    assert len({state.SOPInstanceUID for state in few}) == 3 and len({state.SeriesInstanceUID for state in few}) == 1
    assert [state.InstanceNumber for state in few] == [1, 2, 3]
    named = [
        image.ReferencedSOPInstanceUID
        for state in few
        for image in state.ReferencedSeriesSequence[0].ReferencedImageSequence
    ]
    assert sorted(named) == sorted(source.sop_instance_uid for source in ON.sources)


@pytest.mark.parametrize("inverted", [False, True])
def test_another_program_shows_it_as_it_was_meant_however_it_is_stored(inverted: bool, tmp_path: Path) -> None:
    header = radiograph("DX", inverted=inverted)
    [state] = presentation_states(outlined.made(outlined.flat(header)))
    image, presentation = tmp_path / "image.dcm", tmp_path / "state.dcm"
    image.write_bytes(series.part10(header))
    presentation.write_bytes(making.written(state))

    shown = np.asarray(Image.open(judges.dcmp2pgm(image, presentation, tmp_path / "shown.pgm")))

    assert shown[:, 0] == pytest.approx(np.linspace(0, 200, 48), abs=2)
    assert state.PresentationLUTShape == ("INVERSE" if inverted else "IDENTITY")
    assert state.SOPClassUID == GrayscaleSoftcopyPresentationStateStorage


def test_colours_have_a_state_of_their_own_kind() -> None:
    [state] = presentation_states(outlined.made(outlined.flat(radiograph("US", colour=True))))

    assert state.SOPClassUID == ColorSoftcopyPresentationStateStorage
    assert state.ICCProfile[12:16] == b"spac" and "PresentationLUTShape" not in state


def test_a_multi_frame_source_is_named_frame_by_frame() -> None:
    on = making.enhanced_volume()
    [state] = presentation_states(Making(making.findings(on), on, making.origin()))

    [image] = state.ReferencedSeriesSequence[0].ReferencedImageSequence
    assert sorted(image.ReferencedFrameNumber) == [1, 2, 3, 4, 5, 6]


def test_nothing_outlined_gives_no_state() -> None:
    assert presentation_states(replace(MAKING, findings=replace(MAKING.findings, segments=()))) == []


def test_of_speckles_the_largest_are_drawn() -> None:
    speckles = np.zeros((3, 6, 64, 80), bool)
    speckles[0, 3, ::4, ::4] = True
    speckles[0, 3, 20:30, 20:30] = True
    findings = making.findings(ON, speckles)

    [state] = presentation_states(Making(findings, ON, making.origin()))

    lines = annotations(state, ON.sources[3].sop_instance_uid, None, "SEGMENT 1")
    assert len(lines) == LINES_MOST
    assert np.ptp(lines[0], axis=0).tolist() == [pytest.approx(10, abs=1)] * 2
