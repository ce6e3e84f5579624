"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from export.schedule import Course
from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive

Share = Annotated[float, Field(ge=0, le=1)]


class Split(Entry):
    """Patients of the three parts; of real data their proportions."""

    train: Positive
    validation: Positive
    test: Positive


class Augmentation(Entry):
    """Mirrored to the other side, turned, scaled, brightened and made noisier by up to as much."""

    turn_degrees: float
    scale_share: float
    offset_hu: float
    noise_hu: float


class Settings(Entry):
    """`fine` are channels of the layers of one path, `coarse` of the levels of the other, a U-Net.
    First the coarse path learns, `from_afar`, then the other one, `near`.

    `step_mm` is the cube that scans are brought to, `patch` of them (slices, rows, columns) are seen, which `pooled`
    divides; `on_infarct` is how often around an infarct.
    """

    name: str
    fine: tuple[Positive, ...]
    coarse: tuple[Positive, ...]
    pooled: Positive
    seed: int
    split: Split
    step_mm: float
    patch: tuple[Positive, Positive, Positive]
    on_infarct: Share
    augmentation: Augmentation
    from_afar: Course
    near: Course
    every: Positive

    @property
    def iterations(self) -> int:
        return self.from_afar.iterations + self.near.iterations

    def at(self, iteration: int) -> tuple[Course, int]:
        """Which of them the iteration belongs to, counted from 0 on, and how many of that lie before it."""
        begun = self.from_afar.iterations
        return (self.from_afar, iteration) if iteration < begun else (self.near, iteration - begun)


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())
