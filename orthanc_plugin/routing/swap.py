"""A folder made ready and its place in, the folder at its place out; what stood there lies where the other was made."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from orthanc_plugin.errors import ConfigurationError

# Of renameat2(2): a path that begins at the root or the working directory, and two names that change places.
AT_FDCWD = -100
RENAME_EXCHANGE = 2


def put(folder: Path, place: Path) -> None:
    """Both on one file system; ConfigurationError when it can't be, and then all is as it was."""
    try:
        if not place.exists():
            folder.rename(place)
        elif not exchange(folder, place):
            one_after_the_other(folder, place)
        _write_through(place.parent)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {place.name} can't be put into {place.parent} ({error.strerror}); what was there stays. "
            "Look at its permissions and at the space that is left."
        ) from error


def exchange(one: Path, other: Path) -> bool:
    """Nobody ever sees one of them missing. False where C library, kernel or file system has no such thing."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0)


def one_after_the_other(folder: Path, place: Path) -> None:
    """For an instant nothing is at the place; the catalogue believes that a model is gone at its second look alone."""
    aside = folder.with_name(f"{folder.name}.before")
    place.rename(aside)
    try:
        folder.rename(place)
    except OSError:
        aside.rename(place)
        raise
    aside.rename(folder)


def _write_through(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
