"""A model's folder in, the model out: its card, its digest, its graphs; whatever is wrong is one sentence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.routing.card import Card
from orthanc_plugin.routing.network import Stage
from orthanc_plugin.routing.overlay import Switch


@dataclass(frozen=True)
class Model:
    """A card with its folder, the digest over everything that makes its results, and how the site runs it."""

    folder: Path
    card: Card
    digest: str
    switch: Switch = "on"

    def graphs(self, stage: Stage) -> tuple[Path, ...]:
        """One, or the folds whose answers are averaged."""
        return tuple(self.folder / file for file in stage.files)


def read(folder: Path) -> Model:
    """The model in `folder`; ConfigurationError with one sentence when its card or files are not right."""
    card = read_card(folder)
    if card.name != folder.name:
        raise ConfigurationError(
            f"The card in the folder {folder.name} is named {card.name}; folder and card must have the same name."
        )
    try:
        _refuse_links(folder, card.name)
        _refuse_missing(folder, card)
        return Model(folder, card, folder_digest(folder))
    except OSError as error:
        raise ConfigurationError(
            f"A file of the model {card.name} can't be read ({error.strerror}); correct its permissions."
        ) from error


def _refuse_links(folder: Path, name: str) -> None:
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise ConfigurationError(
                f"The folder of the model {name} holds the link {path.relative_to(folder)}, which may lead out of "
                "it; put the file itself there."
            )


def _refuse_missing(folder: Path, card: Card) -> None:
    for stage in card.stages:
        for file in stage.files:
            graph = (folder / file).resolve()
            if not graph.is_relative_to(folder.resolve()) or not graph.is_file():
                raise ConfigurationError(
                    f"The model {card.name} names the graph {file}, which its folder lacks; correct card.json."
                )


def read_card(folder: Path) -> Card:
    try:
        return Card.model_validate_json((folder / "card.json").read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"The model folder {folder.name} has no card.json; add one or remove it.") from None
    except OSError as error:
        raise ConfigurationError(
            f"The card of the model {folder.name} can't be read ({error.strerror}); correct its permissions."
        ) from error
    except ValidationError as error:
        raise ConfigurationError(f"The card of the model {folder.name} is wrong{first(error)}") from error


def first(error: ValidationError) -> str:
    """Where and what, of the first thing that is wrong."""
    wrong = error.errors()[0]
    where = f" at {'.'.join(str(part) for part in wrong['loc'])}" if wrong["loc"] else ""
    return f"{where}: {wrong['msg'].removeprefix('Value error, ')}; correct card.json."


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of all files of the folder, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
