"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive


class Split(Entry):
    """Patients of the three parts; of real data their proportions."""

    train: Positive
    validation: Positive
    test: Positive


class Adversarial(Entry):
    """A critic that takes so many `steps` for each of the network's, whose word has this `weight` beside the error.

    It `begins` after a share of the training, when what is made is near enough to be told from what is good.
    """

    weight: float
    steps: Positive
    learning_rate: float
    begins: Annotated[float, Field(ge=0, le=1)]


class Settings(Entry):
    """Of each patient `groups` of `depth` neighbouring slices are kept; squares of `rows` of them are learned from.

    `channels` and `dilations` are the network's, which sees so many neighbours `beside` a slice on each side, and makes
    one slice of it or as many as are `finer`. Each `every` iterations it is saved.
    """

    name: str
    seed: int
    split: Split
    groups: Positive
    depth: Positive
    rows: Positive
    channels: Positive
    dilations: tuple[Positive, ...]
    beside: Annotated[int, Field(ge=0)] = 1
    finer: Positive = 1
    batch: Positive
    iterations: Positive
    learning_rate: float
    every: Positive
    adversarial: Adversarial | None = None


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())
