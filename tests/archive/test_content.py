"""Two files say the same, or not."""

from copy import deepcopy

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from orthanc_plugin.archive.content import file_of, same_content
from tests.archive.results import KIND, result
from tests.builders.series import part10


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless])
def test_the_same_object_in_another_transfer_syntax(syntax: str) -> None:
    assert same_content(part10(result(), ExplicitVRLittleEndian), part10(result(), syntax))


def test_the_same_object_made_later_by_another_release() -> None:
    assert same_content(file_of(KIND, result("101112", "0.1.0")), file_of(KIND, result("202122", "0.2.0")))


def test_a_difference_deep_in_a_sequence() -> None:
    other = deepcopy(result())
    other.ContributingEquipmentSequence[0].Manufacturer = "Someone else"
    assert not same_content(file_of(KIND, result()), file_of(KIND, other))


def test_one_item_less_in_a_sequence() -> None:
    other = deepcopy(result())
    other.ContributingEquipmentSequence = []
    assert not same_content(file_of(KIND, result()), file_of(KIND, other))


def test_one_pixel_less() -> None:
    assert not same_content(file_of(KIND, result(pixel=1)), file_of(KIND, result(pixel=2)))
