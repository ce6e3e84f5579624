"""Queries of the viewer as Orthanc's own QIDO-RS understands them."""

import pytest

from orthanc_plugin.web.qido import PREFIX, native


@pytest.mark.parametrize(
    ("path", "query", "address"),
    [
        ("/studies", {}, "/dicom-web/studies"),
        (
            "/studies",
            {"limit": "101", "includefield": "00081030%2C00080060"},
            "/dicom-web/studies?limit=101&includefield=00081030&includefield=00080060",
        ),
        ("/studies", {"PatientName": "*Test%5EA*"}, "/dicom-web/studies?PatientName=*Test^A*"),
        ("/studies", {"StudyDescription": "R%26D+%23"}, "/dicom-web/studies?StudyDescription=R?D ?"),
        ("/studies/1.2/series", {"SeriesInstanceUID": "1.3"}, "/dicom-web/studies/1.2/series?SeriesInstanceUID=1.3"),
        ("/studies/1.2/series/1.3/instances", {"limit": "1"}, "/dicom-web/studies/1.2/series/1.3/instances?limit=1"),
    ],
)
def test_a_search(path: str, query: dict[str, str], address: str) -> None:
    assert native(PREFIX + path, query) == address


@pytest.mark.parametrize("path", ["", "/", "/studies/", "/studies/1.2/series/1.3/metadata", "/studies/../../system"])
def test_all_else_is_no_search(path: str) -> None:
    assert native(PREFIX + path, {}) is None
