"""The series on which every encoder is tried: axial, oblique, and multi-frame whose frames lie in no order."""

from collections.abc import Callable

import pytest

from orthanc_plugin.imaging.volume import Volume
from tests.encode import making

SERIES: dict[str, Callable[[], Volume]] = {
    "axial": making.volume,
    "oblique": lambda: making.volume(orientation=making.OBLIQUE),
    "multi-frame": making.enhanced_volume,
    "multi-frame, groups per frame": lambda: making.enhanced_volume(orientation=making.OBLIQUE, shared=False),
    "bits that cross bytes": lambda: making.volume((5, 21, 23)),
}


@pytest.fixture(params=SERIES, scope="module")
def volume(request: pytest.FixtureRequest) -> Volume:
    return SERIES[request.param]()
