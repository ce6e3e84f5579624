"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """`train` and `validation` are phantoms of frontal views, `beside` those of other views and regions of the body.

    Real data are split by patient, in the same shares. `rows` is the matrix that the network sees;
    `growth` is how many channels each of DenseNet121's layers adds (32 in the paper).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    seed: int
    rows: Annotated[int, Field(ge=64, multiple_of=32)]
    growth: Count
    pyramid: Count
    train: Count
    validation: Count
    beside: Count
    epochs: Count
    batch: Count
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Share
    rare_weight_most: Annotated[float, Field(ge=1)]


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_bytes())
