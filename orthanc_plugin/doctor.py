"""This installation in, findings out: each a sentence, and where something is wrong what to do about it."""

from __future__ import annotations

import importlib.metadata as installed
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import requests
from packaging.requirements import Requirement

from orthanc_plugin import settings as configuration
from orthanc_plugin.encode import lettering
from orthanc_plugin.errors import NodeError
from orthanc_plugin.jobs.ledger import Ledger
from orthanc_plugin.people import credentials
from orthanc_plugin.routing.catalogue import Catalogue
from orthanc_plugin.settings import Settings
from orthanc_plugin.web import health, viewer

SYSTEM_PYTHON = "/usr/bin/python3"
PLUGINS = Path("/usr/share/orthanc/plugins")
NEEDED_PLUGINS = ("libOrthancPython.so", "libOrthancDicomWeb.so", "libOrthancGdcm.so")
RUNTIMES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")
PATIENCE_S = 5


@dataclass(frozen=True)
class Finding:
    subject: str
    well: bool
    sentence: str

    def entries(self) -> dict[str, str | bool]:
        return {"subject": self.subject, "well": self.well, "sentence": self.sentence}


def findings() -> list[Finding]:
    found = [*python(), *packages(), *runtime(), *orthanc_packages(), *letters(), *ohif()]
    try:
        settings = configuration.from_environment()
    except NodeError as error:
        return [*found, Finding("configuration", False, error.sentence)]
    found.append(Finding("configuration", True, "Every key and value is right."))
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        state_folder,
        password,
        ledger,
        models,
        orthanc,
    )
    return [*found, *(finding for check in checks for finding in check(settings))]


def python() -> Iterator[Finding]:
    """Orthanc's plugin embeds the system's Python and reads packages of this environment: one release for both."""
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    asked = subprocess.run([SYSTEM_PYTHON, "-V"], capture_output=True, text=True, check=False)
    theirs = ".".join(asked.stdout.removeprefix("Python ").strip().split(".")[:2])
    sentence = f"The environment has Python {ours}, as Orthanc's plugin."
    if ours != theirs:
        sentence = f"The environment has Python {ours}, Orthanc's plugin {theirs}; remove .venv and run script/setup."
    yield Finding("python", ours == theirs, sentence)


def packages() -> Iterator[Finding]:
    wrong = [text for text in installed.requires("inference-node") or () if not satisfied(Requirement(text))]
    sentence = "All packages are there in a release that fits."
    if wrong:
        sentence = f"Missing or of a wrong release: {', '.join(wrong)}; run script/setup."
    yield Finding("packages", not wrong, sentence)


def satisfied(wanted: Requirement) -> bool:
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return True
    try:
        return wanted.specifier.contains(installed.version(wanted.name), prereleases=True)
    except installed.PackageNotFoundError:
        return False


def runtime() -> Iterator[Finding]:
    names = {distribution.metadata["Name"].lower() for distribution in installed.distributions()}
    there = [name for name in RUNTIMES if name in names]
    if len(there) == 1:
        yield Finding("runtime", True, f"ONNX Runtime comes from {there[0]}.")
        return
    which = f"{' and '.join(there)} overwrite one another" if there else "No ONNX Runtime is installed"
    yield Finding("runtime", False, f"{which}; remove .venv and run script/setup.")


def orthanc_packages() -> Iterator[Finding]:
    missing = [name for name in NEEDED_PLUGINS if not (PLUGINS / name).exists()]
    if shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        missing.insert(0, "Orthanc")
    sentence = "Orthanc and its plugins are installed."
    if missing:
        sentence = f"Not installed: {', '.join(missing)}; run script/setup."
    yield Finding("orthanc", not missing, sentence)


def letters() -> Iterator[Finding]:
    """A node without them works: its pages say what can be said in ASCII."""
    there = lettering.complete()
    sentence = "Pages can be written in Latin, Greek, Cyrillic, Korean, Japanese and Chinese."
    if not there:
        sentence = "The pages' font is missing, so Korean and other letters become question marks; run script/setup."
    yield Finding("letters", there, sentence)


def ohif() -> Iterator[Finding]:
    sentence = viewer.lacking()
    yield Finding("viewer", not sentence, sentence or "The viewer is installed.")


def state_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.state_folder
    if not folder.exists():
        yield Finding("state folder", True, f"{folder} is not there yet; the first start makes it.")
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("state folder", False, f"{folder} can't be written; correct its owner or permissions.")
        return
    if folder.stat().st_mode & 0o007:
        sentence = f"{folder} holds patients' data and is open to every user of this machine; chmod 700 it."
        yield Finding("state folder", False, sentence)
    disk = health.disk(folder)
    yield Finding("disk", disk.status is health.Status.OK, disk.sentence or f"{folder} has room.")


def password(settings: Settings) -> Iterator[Finding]:
    path = settings.state_folder / credentials.FILE_NAME
    if not path.exists():
        yield Finding("credentials", True, f"{path} is not there yet; the first start makes it.")
    elif path.stat().st_mode & 0o077:
        yield Finding("credentials", False, f"{path} can be read by other users; chmod 600 it and change the password.")
    else:
        yield tried("credentials", lambda: credentials.read(settings.state_folder), f"{path} is its owner's alone.")


def ledger(settings: Settings) -> Iterator[Finding]:
    scheme, _, path = settings.database_url.partition(":///")
    if scheme == "sqlite" and not Path(path).exists():
        yield Finding("ledger", True, "The ledger is not there yet; the first start makes it.")
        return
    yield tried("ledger", lambda: Ledger(settings.database_url).counts(), "The ledger answers.")


def tried(subject: str, attempt: Callable[[], object], sentence: str) -> Finding:
    check = health.tried(subject, attempt)
    return Finding(subject, check.status is health.Status.OK, check.sentence or sentence)


def models(settings: Settings) -> Iterator[Finding]:
    catalogue = Catalogue(settings.models_folder, settings.state_folder, keeps=False)
    check = health.models(len(catalogue.models), catalogue.problems)
    names = ", ".join(f"{model.card.name} {model.card.version}" for model in catalogue.models)
    yield Finding("models", check.status is health.Status.OK, check.sentence or f"Installed: {names}.")


def orthanc(settings: Settings) -> Iterator[Finding]:
    """Running or not, and whether what answers is ours."""
    url = settings.orthanc_url
    with session_of(settings) as session:
        try:
            answer = session.get(f"{url}/system", timeout=PATIENCE_S)
        except requests.RequestException:
            yield not_running(settings)
            return
        if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            yield Finding("node", False, f"What answers at {url} does not take our password; is it another node?")
            return
        yield Finding("node", answer.ok, f"Orthanc answers {answer.status_code} at {url}.")
        yield from parts(settings, session)


def session_of(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy or a .netrc is not for the node's own address
    with suppress(NodeError):
        session.headers["Authorization"] = settings.authorization()
    return session


def not_running(settings: Settings) -> Finding:
    address = urlsplit(settings.orthanc_url)
    with socket.socket() as probe:
        probe.settimeout(PATIENCE_S)
        taken = probe.connect_ex((address.hostname or "", address.port or 80)) == 0
    if taken:
        return Finding("node", False, f"Another program answers at {settings.orthanc_url}; end it or change the port.")
    return Finding("node", False, f"Nothing answers at {settings.orthanc_url}; start the node with script/server.")


def parts(settings: Settings, session: requests.Session) -> Iterator[Finding]:
    """What the running node says of itself."""
    try:
        answer = session.get(settings.orthanc_url + health.PATH, timeout=PATIENCE_S)
        checks = answer.json()["checks"]
    except (requests.RequestException, ValueError, KeyError):
        yield Finding("plugin", False, "Orthanc runs without the node's plugin; start it with script/server.")
        return
    for part, check in checks.items():
        well = check["status"] == health.Status.OK
        yield Finding(f"node: {part}", well, check["detail"] or "It works.")
