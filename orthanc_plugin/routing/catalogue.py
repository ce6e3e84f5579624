"""The folder of models in, the models that can run and the sentences about those that can't out, as it is now."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from orthanc_plugin.errors import ConfigurationError, Unsuitable
from orthanc_plugin.routing.folder import Model, read
from orthanc_plugin.routing.overlay import FOLDER, Canary, effective, effective_digest, read_overlay
from orthanc_plugin.routing.versions import Versions

LOOK_EVERY_S = 2.0
"""A look reads no file: it asks for sizes and times of change."""
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Served:
    """What became of one folder: a model, a sentence about what is wrong with it, or both."""

    signature: Signature
    model: Model | None
    problem: str = ""


class Catalogue:
    """All models of a folder; one that is added, changed or removed is taken up without a restart.

    With a state folder it follows the overlays there and, unless it only looks (`keeps`), keeps each version that it
    served, so that jobs end with the one that they were made for. `refused` says by digest what is wrong with graphs
    that were tried elsewhere.
    """

    def __init__(
        self,
        folder: Path,
        state_folder: Path | None = None,
        *,
        keeps: bool = True,
        refused: Callable[[str], str] = lambda _digest: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._state_folder = state_folder
        self._versions = Versions(state_folder) if keeps and state_folder is not None else None
        self._refused = refused
        self._clock = clock
        self._lock = threading.Lock()
        self._served: dict[str, Served] = {}
        self._earlier: dict[tuple[str, str], Model] = {}
        self._before: dict[str, Model | None] = {}
        self._faults: dict[str, str] = {}
        self._missing = ""
        self._changed: dict[str, Signature | None] = {}
        self._look_at_s = clock() + LOOK_EVERY_S
        self._served = {name: self._taken_up(name, signature) for name, signature in self._signatures().items()}
        self._find_faults()

    def look(self) -> None:
        """What changed is taken up when it is the same at two looks, so they go on while nobody asks for a model."""
        self._now()

    @property
    def models(self) -> tuple[Model, ...]:
        """In the order of their names; those that are switched off as well."""
        installed = (each.model for each in self._now() if each.model is not None)
        return tuple(model for model in installed if not self._faults.get(model.digest))

    @property
    def problems(self) -> tuple[str, ...]:
        served = self._now()
        faults = [self._faults.get(each.model.digest, "") for each in served if each.model is not None]
        sentences = (self._missing, *(each.problem for each in served), *faults)
        return tuple(sentence for sentence in sentences if sentence)

    def model(self, name: str, digest: str | None = None) -> Model:
        """The model of that name as it is now, or in the version that a job was made for."""
        current = next((model for model in self.models if model.card.name == name), None)
        if digest is not None and (current is None or current.digest != digest):
            return self._version(name, digest)
        if current is None:
            installed = ", ".join(model.card.name for model in self.models) or "none"
            raise ConfigurationError(f"No model is called {name}; installed: {installed}.")
        return current

    def serving(self, study_uid: str) -> tuple[Model, ...]:
        """What may be chosen for that study: nothing that is off, and of a canary the version that its turn is."""
        return tuple(self._turn_of(model, study_uid) for model in self.models if model.switch != "off")

    def _turn_of(self, model: Model, study_uid: str) -> Model:
        """The same study always gets the same version."""
        if not isinstance(model.switch, Canary) or self._versions is None:
            return model
        drawn = hashlib.sha256(f"{model.card.name}\n{study_uid}".encode()).digest()
        if int.from_bytes(drawn[:8], "big") < model.switch.canary * 2**64:
            return model
        with self._lock:
            if model.digest not in self._before:
                self._before[model.digest] = self._versions.before(model.card.name, model.folder)
            return self._before[model.digest] or model

    def _version(self, name: str, digest: str) -> Model:
        with self._lock:
            known = self._earlier.get((name, digest))
            if known is None or not known.folder.is_dir():  # else it was removed since, as nothing needed it
                found = None if self._versions is None else self._versions.get(name, digest)
                if found is None:
                    raise Unsuitable(
                        f"The version {digest[:12]} of the model {name} is not kept on this machine; "
                        "run the series again to use the version that is installed."
                    )
                self._earlier[name, digest] = found
            return self._earlier[name, digest]

    def _now(self) -> tuple[Served, ...]:
        with self._lock:
            if self._clock() >= self._look_at_s:
                self._compare()
                self._find_faults()
                self._look_at_s = self._clock() + LOOK_EVERY_S
            return tuple(self._served[name] for name in sorted(self._served))

    def _compare(self) -> None:
        """What changed is taken up once it is the same at two looks: a copy that is under way is left alone."""
        found = self._signatures()
        if self._missing:
            return
        rests = {name: signature for name, signature in found.items() if self._changed.get(name) == signature}
        gone = [
            name for name in self._served if name not in found and name in self._changed and self._changed[name] is None
        ]
        self._changed = {name: found.get(name) for name in found.keys() | self._served.keys()}
        for name in gone:
            del self._served[name]
        for name, signature in rests.items():
            if name not in self._served or self._served[name].signature != signature:
                self._served[name] = self._taken_up(name, signature)
                self._before.clear()

    def _taken_up(self, name: str, signature: Signature) -> Served:
        try:
            overlay = None if self._state_folder is None else read_overlay(self._state_folder, name)
            plain = read(self._folder / name)
            if overlay is None:
                return Served(signature, plain)
            card, digest = effective(plain.card, overlay), effective_digest(plain.digest, plain.card, overlay)
            model = replace(plain, card=card, digest=digest, switch=overlay.switch)
        except ConfigurationError as error:
            return Served(signature, None, error.sentence)
        if self._versions is None:
            return Served(signature, model)
        try:
            return Served(signature, self._versions.keep(self._folder / name, overlay))
        except ConfigurationError as error:
            return Served(signature, model, error.sentence)

    def _find_faults(self) -> None:
        digests = {each.model.digest for each in self._served.values() if each.model is not None}
        self._faults = {digest: self._refused(digest) for digest in digests}

    def _signatures(self) -> dict[str, Signature]:
        """Of every folder with its overlay; where the folder of models can't be read, what was served stays."""
        try:
            folders = [path for path in self._folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        except OSError as error:
            self._missing = (
                f"The models folder {self._folder} can't be read ({error.strerror}); create it or correct ModelsFolder."
            )
            return {}
        self._missing = ""
        return {path.name: self._signature(path) for path in folders}

    def _signature(self, folder: Path) -> Signature:
        files = [folder, *listed(folder)]
        if self._state_folder is not None:
            files.append(self._state_folder / FOLDER / f"{folder.name}.json")
        return tuple(entry for path in files if (entry := stated(path)) is not None)


def listed(folder: Path) -> list[Path]:
    """Nothing of one that goes away meanwhile; at the next look it is another or gone."""
    try:
        return sorted(folder.rglob("*"))
    except OSError:
        return []


def stated(path: Path) -> tuple[str, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_size, found.st_mtime_ns
