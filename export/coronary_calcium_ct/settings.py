"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Literal

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive


class Split(Entry):
    """Patients of the three parts; of real data their proportions."""

    train: Positive
    validation: Positive
    test: Positive


class Augmentation(Entry):
    """Turned, moved, scaled, brightened and made noisier by up to as much; never mirrored, as the heart lies left."""

    turn_degrees: float
    shift_mm: float
    scale_share: float
    offset_hu: float
    noise_hu: float


class Settings(Entry):
    """`pixel_mm` is what slices are brought to, `rows` of them are seen; `every` so many iterations it is saved.

    `around` is the share of what is seen that lies around calcium, the rest lies anywhere.
    """

    name: str
    network: Literal["unet", "densenet"]
    channels: tuple[int, ...]
    units_per_level: Positive
    seed: int
    split: Split
    pixel_mm: float
    rows: Positive
    around: float
    augmentation: Augmentation
    batch: Positive
    iterations: Positive
    learning_rate: float
    every: Positive


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())
