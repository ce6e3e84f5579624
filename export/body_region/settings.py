"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]


class Settings(BaseModel):
    """`train`, `validation` and `test` are images per region.

    Of the images that the threshold lets pass on validation at most `largest_wrong_share` may be wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    channels: Annotated[tuple[Count, ...], Field(min_length=2)]
    seed: int
    train: Count
    validation: Count
    test: Count
    epochs: Count
    batch: Count
    learning_rate: Annotated[float, Field(gt=0)]
    largest_wrong_share: Annotated[float, Field(gt=0, lt=1)]


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_bytes())
