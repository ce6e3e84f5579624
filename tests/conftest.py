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
