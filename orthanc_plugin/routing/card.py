"""A model's folder in, its card out: what the model is, when it applies, what goes in, what comes out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydicom.sr.coding import Code

from orthanc_plugin.errors import ConfigurationError

DefinedTerm = Annotated[str, Field(pattern=r"^[A-Z0-9_ ]{1,16}$")]
"""A code string (CS, PS3.5 section 6.2) as routing compares it: upper case, never empty."""


class Entry(BaseModel):
    """Strict and frozen: an unknown key in a card is an error, never a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CodedConcept(Entry):
    value: str
    scheme: str
    meaning: str

    def code(self) -> Code:
        return Code(self.value, self.scheme, self.meaning)


class Applies(Entry):
    """When a series is for this model. A series without a body part follows `unknown_body_part`."""

    modality: Annotated[tuple[DefinedTerm, ...], Field(min_length=1)]
    body_part: Annotated[tuple[DefinedTerm, ...], Field(min_length=1)]
    unknown_body_part: Literal["run", "skip"] = "skip"
    minimum_slices: Annotated[int, Field(ge=1)] = 1


class Stage(Entry):
    """One network of the model: an ONNX file of the folder and the shape that it takes."""

    name: str
    file: str
    input: str
    outputs: tuple[str, ...]
    rows: Annotated[int, Field(gt=0)]
    columns: Annotated[int, Field(gt=0)]
    batch: Annotated[int, Field(gt=0)] = 1


class HounsfieldRange(Entry):
    lowest: float
    highest: float


class SegmentOutput(Entry):
    """A tissue that the model outlines: its codes, its colour, its threshold, the HU it may hold."""

    label: str
    category: CodedConcept
    property: CodedConcept
    rgb: tuple[int, int, int]
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    hounsfield: HounsfieldRange | None = None


class Limits(Entry):
    seconds: Annotated[int, Field(gt=0)]


class Card(Entry):
    """What is particular to a model; read from `card.json` in its folder."""

    card_version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    version: str
    licence: str
    intended_use: str
    trained_on: str
    clinical_use: bool
    notice: str
    applies: Applies
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    segments: tuple[SegmentOutput, ...]
    measurements: tuple[Literal["body-composition"], ...]
    limits: Limits

    @model_validator(mode="after")
    def honest(self) -> Card:
        if not self.clinical_use and not self.notice:
            raise ValueError("a model that is not for clinical use states its notice")
        return self

    @model_validator(mode="after")
    def unambiguous(self) -> Card:
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise ValueError("two stages have the same name")
        return self

    def stage(self, name: str) -> Stage:
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise ConfigurationError(f"The card of the model {self.name} lacks the stage {name}; correct card.json.")


@dataclass(frozen=True)
class Model:
    """A card with its folder and the digest over everything in it."""

    folder: Path
    card: Card
    digest: str

    def graph(self, stage: Stage) -> Path:
        return self.folder / stage.file


def read(folder: Path) -> Model:
    """The model in `folder`; ConfigurationError with one sentence when its card or files are not right."""
    try:
        card = Card.model_validate_json((folder / "card.json").read_bytes())
    except FileNotFoundError:
        raise ConfigurationError(f"The model folder {folder.name} has no card.json; add one or remove it.") from None
    except OSError as error:
        raise ConfigurationError(
            f"The card of the model {folder.name} can't be read ({error.strerror}); correct its permissions."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = f" at {'.'.join(str(part) for part in first['loc'])}" if first["loc"] else ""
        what = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(
            f"The card of the model {folder.name} is wrong{where}: {what}; correct card.json."
        ) from error
    if card.name != folder.name:
        raise ConfigurationError(
            f"The card in the folder {folder.name} is named {card.name}; folder and card must have the same name."
        )
    for stage in card.stages:
        graph = (folder / stage.file).resolve()
        if not graph.is_relative_to(folder.resolve()) or not graph.is_file():
            raise ConfigurationError(
                f"The model {card.name} names the graph {stage.file}, which its folder lacks; correct card.json."
            )
    return Model(folder, card, folder_digest(folder))


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of all files of the folder, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode() + b"\0")
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
