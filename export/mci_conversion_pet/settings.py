"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path

from export.heads.settings import HeadSettings, Share
from orthanc_plugin.routing.network import Positive


class Settings(HeadSettings):
    """`judging` are channels of the network that looks at the aligned head. That is smoothed by `smooth_mm` before, so
    that scanners of different sharpness look alike, and places are held against what lies `around_mm` wide; in training
    it is smoothed by up to `blur_mm` more, and the share `dropped` of the last channels is left out. `strength` is how
    strictly the weights of the regression before it are kept small.
    """

    judging: tuple[Positive, ...]
    smooth_mm: float
    around_mm: float
    blur_mm: float
    dropped: Share
    strength: float


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())
