"""The way of a browser without a password: to the root, which asks for it, and back to where it wanted to go."""

from urllib.parse import parse_qs, urlsplit

import pytest

from orthanc_plugin.web.entrance import HOME, asks_for_a_page, detour, onward


@pytest.mark.parametrize(
    ("uri", "query", "wanted"),
    [
        ("/ohif", {}, "/ohif"),
        ("/ohif/viewer", {"StudyInstanceUIDs": "1.2.3"}, "/ohif/viewer?StudyInstanceUIDs=1.2.3"),
        ("/ohif/viewer", {"a": "1%2C2", "b": "x+y"}, "/ohif/viewer?a=1%2C2&b=x+y"),
    ],
)
def test_the_detour_leads_back(uri: str, query: dict[str, str], wanted: str) -> None:
    address = urlsplit(detour(uri, query))

    assert address.path == "/"
    assert parse_qs(address.query) == {"next": [wanted]}
    assert onward({"next": address.query.removeprefix("next=")}) == wanted


@pytest.mark.parametrize(
    "wanted",
    ["", "//evil.example", "https://evil.example", "/system", "/ohif\r\nSet-Cookie: a=b", "/ohifs", "/ohif@evil", "x"],
)
def test_it_leads_nowhere_else(wanted: str) -> None:
    assert onward({"next": wanted}) == HOME


def test_only_pages_are_led() -> None:
    assert asks_for_a_page("GET", {"accept": "text/html,*/*"})
    assert not asks_for_a_page("GET", {"accept": "*/*"})
    assert not asks_for_a_page("POST", {"accept": "text/html"})
