"""Where a browser without a password is led, and where it goes on from there.

A browser sends a password along below the folder where it was asked for, and Orthanc never asks for one itself
(it refuses): so whoever opens the viewer is asked at `/`, and from then on the password goes with every request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from orthanc_plugin.viewer.place import PREFIX

HOME = "app/explorer.html"
# Nothing that leads to another host, or ends a header.
ONWARD = re.compile(re.escape(PREFIX) + r"(/[A-Za-z0-9/._-]*)?(\?[A-Za-z0-9=&,.%@~_+-]*)?")


def asks_for_a_page(method: str, headers: Mapping[str, str]) -> bool:
    return method == "GET" and "text/html" in headers.get("accept", "")


def detour(uri: str, query: Mapping[str, str]) -> str:
    """The address at the root that asks for the password; `query` as it came, undecoded."""
    arguments = "&".join(f"{name}={value}" for name, value in query.items())
    return "/?next=" + quote(f"{uri}?{arguments}" if arguments else uri, safe="")


def onward(query: Mapping[str, str]) -> str:
    """Where to go from the root."""
    wanted = unquote(query.get("next", ""))
    return wanted if ONWARD.fullmatch(wanted) else HOME
