"""What all tests share: where the real DICOM files are, when they are there."""

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

REAL_DICOM = Path(__file__).resolve().parents[1] / "../shared/dicom"


@pytest.fixture(scope="session")
def real_dicom() -> Path:
    """Real files of other people's, beside the checkout; tests that use them skip without."""
    if not REAL_DICOM.is_dir():
        pytest.skip("the real DICOM files are not beside this checkout")
    return REAL_DICOM


RUN_NODES = {"browser", "e2e", "faults", "plugin"}


class NodesApart(LoadScopeScheduling):
    """What runs real nodes stays in one process and mostly waits; everything else goes file by file."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        return "nodes" if file.parent.name in RUN_NODES else str(file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return NodesApart(config, log)
