"""The state folder in, the administrator's name and password out: made once, at the first start."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from orthanc_plugin.errors import ConfigurationError

FILE_NAME = "credentials.json"


@dataclass(frozen=True)
class Credentials:
    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The value of the HTTP header Authorization (RFC 7617)."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")


def read(state_folder: Path) -> Credentials:
    path = state_folder / FILE_NAME
    try:
        entries = json.loads(path.read_text("utf-8"))
        username, password = entries["username"], entries["password"]
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no {path}; the node makes it at its first start, or name the right folder in INFERENCE_DATA."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}; correct its permissions.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f'{path} must hold {{"username": …, "password": …}}; correct it, or remove it and a new one is made.'
        ) from error
    if not (isinstance(username, str) and isinstance(password, str) and username and password and ":" not in username):
        raise ConfigurationError(f"{path} needs a username without a colon and a password; neither may be empty.")
    return Credentials(username, password)


def read_or_make(state_folder: Path) -> Credentials:
    """The administrator's credentials; at the first start with a random password, readable by the owner alone."""
    if not (state_folder / FILE_NAME).exists():
        made = Credentials("admin", secrets.token_urlsafe(24))
        _write_once(state_folder, made)
    return read(state_folder)


def _write_once(state_folder: Path, credentials: Credentials) -> None:
    """Atomic also between two processes that start at once: the first link wins, both then read the same file."""
    text = json.dumps({"username": credentials.username, "password": credentials.password}, indent=2) + "\n"
    try:
        state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=state_folder)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            (state_folder / FILE_NAME).hardlink_to(draft)
        Path(draft).unlink()
    except OSError as error:
        raise ConfigurationError(
            f"The state folder {state_folder} can't be written: {error.strerror}; "
            "correct its permissions or name another one in INFERENCE_DATA."
        ) from error
