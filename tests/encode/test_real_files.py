"""Results on other people's files: whatever imaging takes can be encoded, checked, and stands before the judges."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from orthanc_plugin.encode.making import Making
from orthanc_plugin.encode.results import encode
from orthanc_plugin.errors import Unsuitable
from orthanc_plugin.imaging.instance import Instance, decode
from orthanc_plugin.imaging.series import assemble
from orthanc_plugin.imaging.volume import Volume, volume
from tests import judges
from tests.encode import making


def volumes_of(folder: Path) -> Iterator[Volume]:
    """Every series below that imaging takes as a volume."""
    of_series: dict[str, list[Instance]] = defaultdict(list)
    for path in sorted(folder.rglob("*.dcm")):
        try:
            instance = decode(path.read_bytes())
        except Unsuitable:
            continue
        of_series[str(instance.header.get("SeriesInstanceUID"))].append(instance)
    for instances in of_series.values():
        try:
            yield volume(assemble(instances))
        except Unsuitable:
            continue


@pytest.mark.filterwarnings("ignore")  # what pydicom finds odd in them
@pytest.mark.parametrize("folder", ["ct_abdomen", "ct_thorax"])
def test_results_on_real_files_pass_the_check_and_the_judges(folder: str, real_dicom: Path, tmp_path: Path) -> None:
    volumes = list(volumes_of(real_dicom / "real" / folder))

    assert volumes
    for on in volumes:
        for result in encode(Making(making.findings(on), on, making.origin())):
            path = tmp_path / f"{result.kind}.dcm"
            path.write_bytes(making.written(result.dataset))
            assert judges.dciodvfy(path) == []
