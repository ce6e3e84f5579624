"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Split(Strict):
    """Patients of the parts; of real data their proportions."""

    train: Count
    validation: Count
    test: Count


class Augmentation(Strict):
    """Rigid and scale augmentation, noise in HU, and HU that are off by a shift and a factor."""

    turn_degrees: float
    shift_share: Share
    scale_share: Share
    noise_hu: float
    offset_hu: float
    gain_share: Share


class Settings(Strict):
    """`slices` of each patient are kept, `slices_an_epoch` of them are learned on in one epoch.

    The map of the liver and the signs of disease are learned beside the verdict, with their weights, and so is that
    what speaks for cirrhosis speaks loudest in the liver. A slice shows the
    liver well from `liver_least` on, a share of the body. Each clinical value is hidden with the chance `hidden`, so
    that the network learns to do without.
    """

    name: str
    seed: int
    rows: Count
    split: Split
    slices: Count
    slices_an_epoch: Count
    epochs: Count
    batch: Count
    learning_rate: Positive
    liver_least: Share
    liver_weight: Positive
    signs_weight: Positive
    peak_weight: Positive
    hidden: Share
    augmentation: Augmentation


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_bytes())
