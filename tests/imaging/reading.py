"""Data sets of the builders, read the way the node reads them: by their bytes."""

from collections.abc import Iterable

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.instance import decode
from orthanc_plugin.imaging.series import Series, assemble
from orthanc_plugin.imaging.volume import Volume, volume
from tests.builders.series import part10


def read(datasets: Iterable[Dataset]) -> Series:
    return assemble(decode(part10(dataset)) for dataset in datasets)


def read_volume(datasets: Iterable[Dataset]) -> Volume:
    return volume(read(datasets))


def refusal(datasets: Iterable[Dataset]) -> str:
    """The sentence with which the series is refused, at whatever step."""
    with pytest.raises(Unsuitable) as refused:
        read_volume(datasets)
    assert refused.value.stage == "decode"
    return refused.value.sentence
