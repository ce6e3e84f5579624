"""Results on other people's files: whatever imaging takes can be encoded, checked, and stands before the judges."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from orthanc_plugin.deliver.profile import Profile
from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.image import Imaged, images
from orthanc_plugin.imaging.instance import Instance, decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import volume
from tests import judges
from tests.encode import making, outlined

FOLDERS = {
    "CT of the abdomen": "real/ct_abdomen",
    "CT of the thorax": "real/ct_thorax",
    "MR of the brain": "real/mr_brain",
    "MR of the shoulder, without a frame of reference": "real/mr_other",
    "PET": "real/pt",
    "CR of the chest": "real/dx_cr_chest",
    "DX": "odd/dx_thorax_veterinary",
    "MG": "odd/phantom_mg",
    "US, single": "real/us_abdomen",
    "US, single and multi-frame": "real/us_other",
    "enhanced MR": "odd/enhanced_mr_phantom_or_noise",
}
OF_FRAMES = Profile().model_copy(
    update={"objects": ("SEG", "PM", "IMAGE", "SR", "SC", "PR"), "binary_in_whole_words": True}
)


def series_below(folder: Path) -> Iterator[list[tuple[Path, Instance]]]:
    of_series: dict[str, list[tuple[Path, Instance]]] = defaultdict(list)
    for path in sorted(folder.rglob("*.dcm")):
        try:
            instance = decode(path.read_bytes())
        except Unsuitable:
            continue
        of_series[str(instance.header.get("SeriesInstanceUID"))].append((path, instance))
    yield from of_series.values()


def imaged(instances: list[Instance]) -> Imaged | None:
    """As a volume where it is one, else as single images, where imaging takes it at all."""
    for taken in (volume, images):
        try:
            found: Imaged = taken(assemble(instances))
            return found
        except Unsuitable:
            continue
    return None


@pytest.mark.filterwarnings("ignore")  # what pydicom finds odd in them
@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_results_on_real_files_pass_the_check_and_the_judges(folder: str, real_dicom: Path, tmp_path: Path) -> None:
    taken = 0
    for files in series_below(real_dicom / folder):
        on = imaged([instance for _, instance in files])
        if on is None:
            continue
        taken += 1
        of_source = [error for path, _ in files for error in judges.dciodvfy(path)]
        for result in encode(Making(outlined.everything(on), on, making.origin(), OF_FRAMES)):
            path = tmp_path / f"{result.kind}.dcm"
            path.write_bytes(making.written(result.dataset))
            assert beyond(of_source, judges.dciodvfy(path)) == []
            if result.kind == "PR":
                assert not_copied(result.dataset, on.headers, judges.dcmpschk(path)) == []
    assert taken


def beyond(of_source: list[str], errors: list[str]) -> list[str]:
    """The errors that are not the source's own: about the same attribute, or about a value that it has."""
    attributes = {attribute(error) for error in of_source}
    values = {value for error in of_source for value in re.findall(r"<[^<>/]+>", error)}
    return [
        error
        for error in errors
        if attribute(error) not in attributes and not values & set(re.findall(r"<[^<>/]+>", error))
    ]


def attribute(error: str) -> str:
    """The last of its path, by name and tag."""
    path = re.search(r"</([^>]*)>", error)
    return path[1].rpartition("/")[2].partition("[")[0] if path else error


def not_copied(state: Dataset, headers: Sequence[Dataset], lines: list[str]) -> list[str]:
    """The paragraphs about something else than attributes that the source garbled, or left empty, itself."""
    said = "\n".join(line for line in lines if "Test failed" not in line and not left_empty(headers, line))
    found = []
    for paragraph in re.split(r"^[EW]: *$", said, flags=re.MULTILINE):
        tags = [int(group + element, 16) for group, element in re.findall(r"\((\w{4}),(\w{4})\)", paragraph)]
        copied = [tag in state and any(header.get(tag) == state[tag] for header in headers) for tag in tags]
        if paragraph.strip() and not (copied and all(copied)):
            found.append(paragraph.strip())
    return found


def left_empty(headers: Sequence[Dataset], line: str) -> bool:
    """The checker writes keywords with a small first letter."""
    missed = re.search(r"(\w)(\w*) absent or empty", line)
    return missed is not None and not any(header.get(missed[1].upper() + missed[2]) for header in headers)
