"""A request of HTTP in, a verdict out: the one place that decides who may do what."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from orthanc_plugin.people.credentials import Credentials

# What the node answers itself, and so can answer with a challenge. Orthanc answers a refused request with a bare 403,
# to which no browser asks for a password. Nothing that a server could read as another path gets through here.
OWN_PAGES = re.compile(r"/|/(inference|ohif)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
CHALLENGE = 'Basic realm="inference node", charset="UTF-8"'
READING = frozenset({"GET", "HEAD"})


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    NODE = "node"


@dataclass(frozen=True)
class Person:
    name: str
    role: Role


@dataclass(frozen=True)
class Request:
    """As it came in; the names of the headers in lower case."""

    method: str
    uri: str
    headers: Mapping[str, str] = field(repr=False)
    ip: str


class Outcome(Enum):
    ADMITTED = "admitted"
    CHALLENGED = "answered by the node itself with a 401"
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    person: Person | None = None
    reason: str = ""


@dataclass(frozen=True)
class Keys:
    """What opens the node: the administrator's password, and the token that its own processes have of this start."""

    administrator: Credentials
    node_authorization: str = field(repr=False)


def decide(request: Request, keys: Keys) -> Verdict:
    person = who(request.headers.get("authorization", ""), keys)
    if person is None:
        asked = OWN_PAGES.fullmatch(request.uri) is not None
        return Verdict(
            Outcome.CHALLENGED if asked else Outcome.REFUSED, reason="Name and password are missing or wrong."
        )
    if request.method not in READING and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        # A browser sends a remembered password along with what another site's page makes it ask.
        return Verdict(Outcome.REFUSED, person, "A page of another site may not change anything here.")
    return Verdict(Outcome.ADMITTED, person)


def who(authorization: str, keys: Keys) -> Person | None:
    """Compared in constant time, so that the time of a refusal tells nothing."""
    if hmac.compare_digest(authorization.encode(), keys.node_authorization.encode()):
        return Person("node", Role.NODE)
    username, password = basic(authorization)
    name_is_right = hmac.compare_digest(username, keys.administrator.username.encode())
    password_is_right = hmac.compare_digest(password, keys.administrator.password.encode())
    return Person(keys.administrator.username, Role.ADMINISTRATOR) if name_is_right and password_is_right else None


def basic(authorization: str) -> tuple[bytes, bytes]:
    """Name and password of HTTP Basic (RFC 7617), empty when the header holds none."""
    scheme, _, pair = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        username, _, password = base64.b64decode(pair.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return username, password
