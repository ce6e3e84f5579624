"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive

Share = Annotated[float, Field(ge=0, le=1)]


class Split(Entry):
    """Patients of the three parts; of real data their proportions."""

    train: Positive
    validation: Positive
    test: Positive


class Augmentation(Entry):
    """Mirrored to the other side, turned and scaled by up to as much, as bright as `gamma` and `noise` say.

    `without` is how often a series that may be missing is left out.
    """

    turn_degrees: float
    scale_share: float
    gamma: float
    noise: float
    without: Share


class Consistency(Entry):
    """What unlabelled patients teach: what is said of them twice, once changed, is to be the same.

    The teacher is the mean of the pupil, `decay` of it kept at each step; the loss rises to `weight` over the first
    half of the training.
    """

    weight: float
    decay: Share


class Settings(Entry):
    """`labelled` is the share of the patients trained on whose outlines are used; the others teach by consistency.

    `step_mm` is the cube that all series are brought to, `side` of them are seen; `on_tumour` is how often around it.
    """

    name: str
    channels: tuple[int, ...]
    seed: int
    split: Split
    labelled: Annotated[float, Field(gt=0, le=1)]
    step_mm: float
    side: Positive
    on_tumour: Share
    augmentation: Augmentation
    consistency: Consistency
    batch: Positive
    iterations: Positive
    learning_rate: float
    every: Positive


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())
