"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path

from pydantic import Field

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive, Texture

CONFIG = Path(__file__).parent / "configs" / "standard.json"
USED = 4
"""So many numbers of a region tell its grade; those behind them tell only whether the image is a strange one."""


class Settings(Entry):
    """`train` and `validation` are patients; all regions that the node looks at are learned from."""

    name: str
    seed: int
    train: Positive
    validation: Positive
    region_px: Positive
    texture: Texture
    hidden: Positive
    epochs: Positive
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    kept: float = Field(gt=0.5, le=1)


def read_settings(path: Path = CONFIG) -> Settings:
    return Settings.model_validate_json(path.read_text())
