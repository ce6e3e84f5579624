"""Every version of a model that was served, kept in the state folder: by its digest in, the model out.

`versions/NAME/DIGEST/NAME/` holds the folder as it was, `version.json` beside it what the overlay changed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.folder import Model, folder_digest, read
from orthanc_plugin.routing.overlay import Overlay, effective, effective_digest
from orthanc_plugin.routing.swap import put

NOTE = "version.json"
REMOVING = ".removing-"


class Note(Entry):
    """Its time of change says when this version was last taken up."""

    folder_digest: str
    overlay: Overlay


@dataclass(frozen=True)
class Kept:
    """A version as it lies in the state folder."""

    place: Path
    note: Note
    taken_up_ns: int


class Versions:
    """Of all models; safe from several processes, as a version appears as a whole and never changes."""

    def __init__(self, state_folder: Path) -> None:
        self._folder = state_folder / "versions"

    def keep(self, source: Path, overlay: Overlay) -> Model:
        """The model in the folder as a version that no longer changes, with the overlay's effect."""
        plain = read(source)
        digest = effective_digest(plain.digest, plain.card, overlay)
        note = Note(folder_digest=plain.digest, overlay=Overlay(thresholds=overlay.thresholds))
        place = self._folder / source.name / digest
        try:
            self._take_up(source, place, note)
        except OSError as error:
            why = error.strerror or "not all files could be copied"
            raise ConfigurationError(
                f"The version of the model {source.name} can't be kept in {self._folder} ({why}); "
                "it runs without, and a job that is under way when its folder changes is lost. Free some space there."
            ) from error
        return Model(place / source.name, effective(plain.card, overlay), digest, overlay.switch)

    def get(self, name: str, digest: str) -> Model | None:
        """None when it was never served here or was removed; ConfigurationError when it is not what it was any more."""
        kept = self._kept(self._folder / name / digest)
        if kept is None:
            return None
        try:
            model = read(kept.place / name)
        except ConfigurationError:
            if not kept.place.exists():  # removed while it was read
                return None
            raise
        if effective_digest(model.digest, model.card, kept.note.overlay) != digest:
            raise ConfigurationError(
                f"The version {digest[:12]} of the model {name} was changed in {self._folder}; run the series anew."
            )
        return replace(model, card=effective(model.card, kept.note.overlay), digest=digest)

    def before(self, name: str, current: Path) -> Model | None:
        """The version that was served last with another folder than the current one."""
        now = folder_digest(current)
        others = [kept for kept in self._all(name) if kept.note.folder_digest != now]
        return self.get(name, max(others, key=lambda kept: kept.taken_up_ns).place.name) if others else None

    def tidy(self, needed: Collection[tuple[str, str]], last: int) -> tuple[tuple[str, str], ...]:
        """Removes what is neither needed (name, digest) nor among the `last` of its model before the present one.

        Those that share their files count as one. Answers what is gone.
        """
        gone: list[tuple[str, str]] = []
        try:
            for folder in self._folder.iterdir() if self._folder.is_dir() else ():
                gone += [(folder.name, digest) for digest in self._tidy_model(folder.name, needed, last)]
        except OSError as error:
            raise ConfigurationError(
                f"Versions of models that nobody needs any more can't be removed from {self._folder} "
                f"({error.strerror}); correct its permissions."
            ) from error
        return tuple(gone)

    def _tidy_model(self, name: str, needed: Collection[tuple[str, str]], last: int) -> Iterator[str]:
        for left in (self._folder / name).glob(f"{REMOVING}*"):  # by a process that was ended
            shutil.rmtree(left, ignore_errors=True)
        newest_first = sorted(self._all(name), key=lambda kept: kept.taken_up_ns, reverse=True)
        recent = list(dict.fromkeys(kept.note.folder_digest for kept in newest_first))[: last + 1]
        for kept in newest_first:
            digest = kept.place.name
            if kept.note.folder_digest not in recent and (name, digest) not in needed and self._remove(kept):
                yield digest

    def _remove(self, kept: Kept) -> bool:
        """First out of sight, so that nobody finds half of it; back when somebody took it up in that moment."""
        aside = kept.place.with_name(f"{REMOVING}{kept.place.name}")
        try:
            kept.place.rename(aside)
        except FileNotFoundError:  # another process was faster
            return False
        if (aside / NOTE).stat().st_mtime_ns != kept.taken_up_ns:
            aside.rename(kept.place)
            return False
        shutil.rmtree(aside)
        return True

    def _all(self, name: str) -> Iterator[Kept]:
        places = (self._folder / name).iterdir() if (self._folder / name).is_dir() else iter(())
        for place in places:
            kept = None if place.name.startswith(".") else self._kept(place)
            if kept is not None:
                yield kept

    def _kept(self, place: Path) -> Kept | None:
        try:
            note = Note.model_validate_json((place / NOTE).read_bytes())
            return Kept(place, note, (place / NOTE).stat().st_mtime_ns)
        except (OSError, ValidationError):
            return None

    def _take_up(self, source: Path, place: Path, note: Note) -> None:
        """Kept anew when it was removed as old in that moment."""
        try:
            os.utime(place / NOTE)
        except FileNotFoundError:
            self._copy(source, place, note)
            os.utime(place / NOTE)

    def _copy(self, source: Path, place: Path, note: Note) -> None:
        """Files of a version that is kept already are not stored twice."""
        same = [kept for kept in self._all(source.name) if kept.note.folder_digest == note.folder_digest]
        place.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".keeping-", dir=place.parent) as staging:
            copy = Path(staging) / "version"
            if same:
                shutil.copytree(same[0].place / source.name, copy / source.name, copy_function=os.link)
            else:
                shutil.copytree(source, copy / source.name)
            if folder_digest(copy / source.name) != note.folder_digest:
                raise ConfigurationError(
                    f"The folder of the model {source.name} changes; it is taken up when it rests."
                )
            (copy / NOTE).write_text(note.model_dump_json())
            try:
                copy.rename(place)
            except OSError:
                if not place.exists():  # else another process was faster, with the same files
                    raise


def rollback(name: str, models_folder: Path, state_folder: Path) -> Model:
    """Puts back the folder that was served before the current one; the current one stays kept."""
    current = models_folder / name
    if not current.is_dir():
        raise ConfigurationError(f"There is no model {name} in {models_folder}; nothing was put back.")
    versions = Versions(state_folder)
    versions.keep(current, Overlay())
    before = versions.before(name, current)
    if before is None:
        raise ConfigurationError(f"No earlier version of the model {name} was ever served here; nothing was put back.")
    with TemporaryDirectory(prefix=".rolling-back-", dir=models_folder) as staging:
        given = Path(staging) / name
        shutil.copytree(before.folder, given)
        put(given, current)
    return read(current)
