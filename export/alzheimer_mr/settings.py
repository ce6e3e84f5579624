"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from export.heads.settings import HeadSettings, Shape, Share
from orthanc_plugin.routing.network import Positive


class Settings(HeadSettings):
    """`landmarks`, an even number, are `apart_mm` at least, and seen in cubes of `patch`; hippocampi are outlined in
    boxes of `box`. `judging` are channels of the network that looks at a patch, `outlining` of the U-Net. In one
    iteration `seen_share` of the landmarks and the outlines of an `outlined_share` of the heads are learned from.
    """

    landmarks: Annotated[int, Field(ge=2, multiple_of=2)]
    apart_mm: float
    patch: Positive
    box: Shape
    judging: tuple[Positive, ...]
    outlining: tuple[Positive, ...]
    seen_share: Share
    outlined_share: Share


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())
