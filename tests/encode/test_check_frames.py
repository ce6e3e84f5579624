"""What no validator sees: results with frames that are mirrored, shifted, or that name what is not there."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pack_bits

from orthanc_plugin.encode import check_frames
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.seg import segmentations
from orthanc_plugin.errors import Broken
from tests import judges
from tests.encode import making

ON = making.volume()
FINDINGS = making.findings(ON)
MADE = Making(FINDINGS, ON, making.origin())
[SEG] = segmentations(MADE)
NOTHING_STORED = " Nothing was stored; report this as an error of the node."


def frames(result: Dataset) -> list[Dataset]:
    return list(result.PerFrameFunctionalGroupsSequence)


def mirrored_along_z(result: Dataset) -> None:
    """Positions in the opposite order: the outline of the feet lies at the head."""
    positions = [frame.PlanePositionSequence for frame in frames(result)]
    slices = len(ON.sources)
    for number, frame in enumerate(frames(result)):
        segment, index = divmod(number, slices)
        frame.PlanePositionSequence = deepcopy(positions[segment * slices + slices - 1 - index])


def mirrored_in_the_plane(result: Dataset) -> None:
    pixels = np.unpackbits(np.frombuffer(result.PixelData, np.uint8), bitorder="little")
    size = result.NumberOfFrames * result.Rows * result.Columns
    turned = pixels[:size].reshape(-1, result.Rows, result.Columns)[:, :, ::-1]
    result.PixelData = pack_bits(turned.ravel())


def references_mirrored_with_positions(result: Dataset) -> None:
    """As consistent as can be in itself: only the outlines tell that head and feet changed places."""
    mirrored_along_z(result)
    named = [frame.DerivationImageSequence for frame in frames(result)]
    slices = len(ON.sources)
    for number, frame in enumerate(frames(result)):
        segment, index = divmod(number, slices)
        frame.DerivationImageSequence = deepcopy(named[segment * slices + slices - 1 - index])


def shifted_by_a_slice(result: Dataset) -> None:
    for frame in frames(result):
        x, y, z = frame.PlanePositionSequence[0].ImagePositionPatient
        frame.PlanePositionSequence[0].ImagePositionPatient = [x, y, float(z) + making.BETWEEN_MM]


def shifted_by_a_pixel(result: Dataset) -> None:
    for frame in frames(result):
        x, y, z = frame.PlanePositionSequence[0].ImagePositionPatient
        frame.PlanePositionSequence[0].ImagePositionPatient = [float(x) + making.SPACING_MM[1], y, z]


def turned(result: Dataset) -> None:
    result.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [0, 1, 0, 1, 0, 0]


def spaced_otherwise(result: Dataset) -> None:
    result.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = list(making.SPACING_MM[::-1])


def of_another_space(result: Dataset) -> None:
    result.FrameOfReferenceUID = "1.2.3"


def naming_a_foreign_image(result: Dataset) -> None:
    frames(result)[4].DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = "1.2.3"


def naming_no_image(result: Dataset) -> None:
    frames(result)[0].DerivationImageSequence = []


def without_its_last_frame(result: Dataset) -> None:
    result.PerFrameFunctionalGroupsSequence = frames(result)[:-1]
    result.NumberOfFrames = len(frames(result))


ELSEWHERE = "Frame 1 of the segmentation lies elsewhere than the image that it names."
OTHERWISE = "Frame 1 of the segmentation holds another outline than the model gave for its image."


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (mirrored_along_z, ELSEWHERE),
        (mirrored_in_the_plane, OTHERWISE),
        (references_mirrored_with_positions, OTHERWISE),
        (shifted_by_a_slice, ELSEWHERE),
        (shifted_by_a_pixel, ELSEWHERE),
        (turned, ELSEWHERE),
        (spaced_otherwise, ELSEWHERE),
        (of_another_space, "The segmentation is of another patient, study or space."),
        (naming_a_foreign_image, "Frame 5 of the segmentation names an image that is not among its sources."),
        (naming_no_image, "Frame 1 of the segmentation does not name one image."),
        (without_its_last_frame, "The segmentation lacks frames of an outline, or repeats them."),
    ],
)
def test_a_spoiled_segmentation_is_caught(spoil: Callable[[Dataset], None], sentence: str) -> None:
    spoiled = deepcopy(making.read_back(SEG))
    spoil(spoiled)

    with pytest.raises(Broken) as caught:
        check_frames.segmentations([spoiled], MADE)
    assert caught.value.sentence == sentence + NOTHING_STORED


@pytest.mark.parametrize("spoil", [mirrored_along_z, shifted_by_a_slice])
def test_the_validators_see_nothing_of_it(spoil: Callable[[Dataset], None], tmp_path: Path) -> None:
    """Should this fail one day, a judge has learned to see, and the check has company."""
    spoiled = deepcopy(making.read_back(SEG))
    spoil(spoiled)
    path = tmp_path / "seg.dcm"
    path.write_bytes(making.written(spoiled))

    assert judges.dciodvfy(path) == []


def test_a_volume_that_runs_the_other_way_than_its_images_is_caught() -> None:
    reversed_volume = replace(ON, geometry=ON.geometry.flip_spatial(0))

    with pytest.raises(Broken) as caught:
        check_frames.segmentations([SEG], Making(FINDINGS, reversed_volume, making.origin()))
    assert caught.value.sentence == "Slice 1 of the volume lies elsewhere than its image." + NOTHING_STORED
