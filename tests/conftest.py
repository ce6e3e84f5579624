"""What all tests share: where the real DICOM files are, when they are there."""

from pathlib import Path

import pytest

REAL_DICOM = Path(__file__).resolve().parents[1] / "../shared/dicom"


@pytest.fixture(scope="session")
def real_dicom() -> Path:
    """Real files of other people's, beside the checkout; tests that use them skip without."""
    if not REAL_DICOM.is_dir():
        pytest.skip("the real DICOM files are not beside this checkout")
    return REAL_DICOM


NODES = pytest.mark.xdist_group("nodes")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Once all marks are there: what runs real nodes stays in one process, everything else goes file by file."""
    for item in items:
        alone = item.get_closest_marker("e2e") is not None
        item.add_marker(NODES if alone else pytest.mark.xdist_group(str(item.path)))
