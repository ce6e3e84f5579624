"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Split(Part):
    """Images with a mass of the three parts; of real data their proportions. A patient is in one part alone.

    `more` are those of further phantoms that are learned on, beyond the paper's number.
    """

    train: Positive
    validation: Positive
    test: Positive
    more: Annotated[int, Field(ge=0)] = 0


class Augmentation(Part):
    """Mirrored and turned by quarters always; turned, scaled and moved by as much as said.

    Parts of whole images are made noisier by as much as `noise` of their levels, each by another share of it, and half
    of them are smoothed before: as another detector and another processing would have them.
    """

    turn_degrees: float
    scale_share: float
    shift_share: float
    noise: float = 0.0


class Settings(Part):
    """`beside` is how many images or regions without a mass are seen for each with one.

    `every` so many iterations it is validated and saved; `margin` is that around a mass, on each side.
    """

    name: str
    network: Literal["find", "deconvolution", "unet"]
    rows: Positive
    columns: Positive
    channels: tuple[int, ...]
    seed: int
    split: Split
    beside: float
    augmentation: Augmentation
    batch: Positive
    iterations: Positive
    learning_rate: float
    every: Positive
    margin: float = 0.1


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())
