"""Names as East Asian hospitals write them, and words of ours in other scripts, in every kind of object."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.encode.status import status_page
from orthanc_plugin.imaging.volume import Volume
from tests import judges
from tests.encode import making

NAMES = {
    "ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "GB18030": "Wang^XiaoDong=王^小东",
    "ISO_IR 192": "Wang^XiaoDong=王^小东",
    "ISO_IR 100": "Müller^Jürgen",
}
KOREAN = "임상용으로 사용하지 마십시오."
ALL_KINDS = Profile().model_copy(
    update={"objects": ("SEG", "SR", "SC", "PDF", "PR", "KO"), "scrolling_page": True, "patient_on_page": True}
)


def volume(character_set: str) -> Volume:
    """Sets that switch begin with an empty value, which stands for ASCII."""
    on = making.volume((2, 16, 16), character_set="ISO_IR 192", patient_name=NAMES[character_set])
    headers = tuple(making.read_back(header) for header in on.headers)
    for header in headers:
        header.decode()
        header.SpecificCharacterSet = ["", character_set] if character_set.startswith("ISO 2022") else character_set
    return replace(on, headers=tuple(making.read_back(header) for header in headers))


def written(on: Volume, notice: str) -> list[Dataset]:
    origin = replace(making.origin(), notice=notice)
    results = [result.dataset for result in encode(Making(making.findings(on), on, origin, ALL_KINDS))]
    return [*results, status_page(on.headers, origin, "The series is incomplete.")]


@pytest.mark.parametrize("character_set", NAMES)
@pytest.mark.parametrize("notice", ["Not for clinical use.", KOREAN], ids=["English", "Korean"])
def test_every_kind_keeps_the_name_and_says_the_notice(character_set: str, notice: str, tmp_path: Path) -> None:
    datasets = written(volume(character_set), notice)

    assert len(datasets) == 8
    for dataset in datasets:
        path = tmp_path / "object.dcm"
        path.write_bytes(making.written(dataset))
        assert str(making.read_back(dataset).PatientName) == NAMES[character_set]
        assert judges.dciodvfy(path) == []
    assert making.read_back(datasets[-1]).ImageComments.startswith(notice)
