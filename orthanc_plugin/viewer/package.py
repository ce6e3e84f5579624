"""A pinned npm package in, its verified files out; needs no npm on the machine, only its registry."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import ssl
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx

from orthanc_plugin.errors import Broken, Temporary

REGISTRY = "https://registry.npmjs.org"
PATIENCE = httpx.Timeout(60.0, connect=10.0)

Heard = Callable[[int, int], None]
"""Called with the bytes that came so far and all that there are, 0 when nobody says."""


@dataclass(frozen=True)
class Package:
    """`integrity` is base64 of the tarball's SHA-512, as `npm view NAME@VERSION dist.integrity` states it."""

    name: str
    version: str
    integrity: str

    def address(self, registry: str) -> str:
        file_name = f"{self.name.rpartition('/')[2]}-{self.version}.tgz"
        return f"{registry.rstrip('/')}/{self.name}/-/{file_name}"


def configured_registry(
    scope: str, environment: Mapping[str, str] = os.environ, places: tuple[Path, ...] | None = None
) -> str:
    """As npm finds it: the environment, then the .npmrc here and at home, where a scope may have one of its own."""
    for name in ("npm_config_registry", "NPM_CONFIG_REGISTRY"):
        if environment.get(name):
            return environment[name]
    for path in places if places is not None else (Path(".npmrc"), Path.home() / ".npmrc"):
        text = path.read_text("utf-8") if path.is_file() else ""
        for key in (f"{scope}:registry", "registry"):
            if found := re.search(rf"^\s*{re.escape(key)}\s*=\s*(\S+)", text, re.MULTILINE):
                return found[1].strip("\"'")
    return REGISTRY


def fetched(package: Package, registry: str, heard: Heard = lambda _now, _all: None) -> bytes:
    """The tarball; Temporary when nobody gives it, Broken when it is not the one that was pinned."""
    address = package.address(registry)
    try:
        with (
            httpx.Client(follow_redirects=True, timeout=PATIENCE, verify=ssl.create_default_context()) as client,
            client.stream("GET", address) as answer,
        ):
            answer.raise_for_status()
            tarball = _received(answer, heard)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Temporary(
            f"{package.name} {package.version} can't be fetched from {address} ({type(error).__name__}); connect the "
            "machine for a moment, or name a registry that it reaches in npm_config_registry."
        ) from error
    if base64.b64encode(hashlib.sha512(tarball).digest()).decode() != package.integrity:
        raise Broken(
            f"What {address} gave is not {package.name} {package.version} as it was pinned, so nothing was installed; "
            "look at that registry."
        )
    return tarball


def _received(answer: httpx.Response, heard: Heard) -> bytes:
    whole, stated = io.BytesIO(), int(answer.headers.get("Content-Length", 0))
    for part in answer.iter_bytes():
        whole.write(part)
        heard(whole.tell(), stated)
    return whole.getvalue()


def files(tarball: bytes, below: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The plain files below a folder of the package, by their path in it."""
    root = PurePosixPath("package") / below
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None and path.is_relative_to(root) and ".." not in path.parts:
                yield path.relative_to(root), content.read()
