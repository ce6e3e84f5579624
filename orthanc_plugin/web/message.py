"""What the plugin and the intake process say to each other about one HTTP request; JSON over a Unix socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

from orthanc_plugin.errors import NodeError

JSON = "application/json"
PROBLEM = "application/problem+json"


class Wrong(NodeError):
    """What was asked can't be understood; the sentence says which part of it and what is allowed."""


@dataclass(frozen=True)
class Request:
    """A request that was admitted: by whom, and how the node's own processes are (`running` or `ended`)."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    person: str = ""
    processes: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, data: bytes) -> Request:
        return cls(**json.loads(data))


@dataclass(frozen=True)
class Answer:
    """Its body is ASCII: one character is one byte."""

    status: int
    media_type: str
    body: str

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decoded(cls, data: bytes) -> Answer:
        return cls(**json.loads(data))


def found(entries: Any, status: int = HTTPStatus.OK) -> Answer:
    return Answer(int(status), JSON, json.dumps(entries))


def problem(status: int, detail: str, **more: Any) -> Answer:
    """A problem document (RFC 9457); `detail` is the sentence."""
    entries = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": int(status), "detail": detail}
    return Answer(int(status), PROBLEM, json.dumps(entries | more))
