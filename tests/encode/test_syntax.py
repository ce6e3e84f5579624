"""Results go out as small as their destination can read them, and say the same in every syntax."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from orthanc_plugin.archive.content import same_content
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.maps import maps
from orthanc_plugin.encode.sc import capture
from orthanc_plugin.encode.seg import segmentations
from orthanc_plugin.encode.sr import report
from orthanc_plugin.encode.syntax import smallest
from tests.encode import making, outlined

ON = making.volume()
MADE = outlined.made(ON)
OF_FRAMES = (RLELossless, JPEGLSLossless, JPEG2000Lossless)
RESULTS: dict[str, Callable[[], Dataset]] = {
    "binary SEG": lambda: segmentations(MADE)[0],
    "label map": lambda: segmentations(outlined.made(ON, "labelmap"))[0],
    "fractional SEG": lambda: segmentations(outlined.made(ON, "fractional"))[0],
    "map": lambda: maps(Making(replace(MADE.findings, maps=(outlined.value_map(ON, (2, 3)),)), ON, making.origin()))[0],
    "picture": lambda: capture(MADE),
}


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, *OF_FRAMES])
@pytest.mark.parametrize("name", RESULTS)
def test_it_says_the_same_in_every_syntax(name: str, syntax: UID) -> None:
    result = RESULTS[name]()

    form = smallest(result, (ExplicitVRLittleEndian, syntax))

    back = making.read_back(form)
    assert np.array_equal(back.pixel_array, making.read_back(result).pixel_array)
    assert same_content(making.written(form), making.written(result))
    assert result.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


@pytest.mark.parametrize(
    ("name", "taken", "chosen"),
    [
        ("binary SEG", (ExplicitVRLittleEndian, *OF_FRAMES), ExplicitVRLittleEndian),
        ("binary SEG", (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian), DeflatedExplicitVRLittleEndian),
        ("binary SEG", OF_FRAMES, ImplicitVRLittleEndian),
        ("label map", (ExplicitVRLittleEndian, RLELossless), RLELossless),
        ("fractional SEG", (ExplicitVRLittleEndian, RLELossless, JPEGLSLossless), JPEGLSLossless),
        ("map", (ExplicitVRLittleEndian, *OF_FRAMES), ExplicitVRLittleEndian),
        ("picture", (ImplicitVRLittleEndian, ExplicitVRLittleEndian), ExplicitVRLittleEndian),
        ("picture", (ImplicitVRLittleEndian,), ImplicitVRLittleEndian),
    ],
)
def test_the_smallest_that_the_destination_takes_is_chosen(name: str, taken: tuple[UID, ...], chosen: UID) -> None:
    form = smallest(RESULTS[name](), taken)

    assert form.file_meta.TransferSyntaxUID == chosen


def test_what_has_no_pixels_is_deflated_at_most() -> None:
    document = report(MADE, segmentations(MADE))

    assert smallest(document, (ExplicitVRLittleEndian, RLELossless)) is document
    deflated = smallest(document, (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian))
    assert deflated.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
    assert same_content(making.written(deflated), making.written(document))


def test_the_same_result_is_compressed_to_the_same_bytes() -> None:
    once, again = (making.written(smallest(RESULTS["label map"](), OF_FRAMES)) for _ in range(2))

    assert once == again
