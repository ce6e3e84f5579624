"""A training's settings: a JSON file goes in, a frozen description comes out; unknown keys are refused."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from orthanc_plugin.routing.entry import Entry
from orthanc_plugin.routing.network import Positive

Share = Annotated[float, Field(ge=0, le=1)]
Shape = tuple[Positive, Positive, Positive]


class Split(Entry):
    """Patients of the three parts; of real data their proportions."""

    train: Positive
    validation: Positive
    test: Positive


class Moving(Entry):
    """Turned, shifted and scaled by up to as much."""

    turn_degrees: float
    shift_mm: float
    scale_share: float


class Course(Entry):
    """One of the two trainings, which follow one another."""

    batch: Positive
    iterations: Positive
    learning_rate: float
    moving: Moving


class Settings(Entry):
    """`window` are the cubes of `step_mm` that the network is given, `aligned` those that it turns the head into
    (slices, rows, columns, multiples of 8). `landmarks`, an even number, are `apart_mm` at least, and seen in cubes of
    `patch`; hippocampi are outlined in boxes of `box`. `locating` are channels of the networks that find the head,
    `judging` of the one that looks at a patch, `outlining` of the U-Net. In one iteration `seen_share` of the landmarks
    and the outlines of an `outlined_share` of the heads are learned from; `gamma` and `noise` change how bright a head
    is.
    """

    name: str
    seed: int
    split: Split
    step_mm: float
    window: Shape
    aligned: Shape
    landmarks: Annotated[int, Field(ge=2, multiple_of=2)]
    apart_mm: float
    patch: Positive
    box: Shape
    locating: tuple[Positive, ...]
    judging: tuple[Positive, ...]
    outlining: tuple[Positive, ...]
    seen_share: Share
    outlined_share: Share
    gamma: float
    noise: float
    locate: Course
    judge: Course
    every: Positive

    @property
    def iterations(self) -> int:
        return self.locate.iterations + self.judge.iterations

    @property
    def aligned_mm(self) -> tuple[float, float, float]:
        """Half of what is aligned: along x, y, z."""
        slices, rows, columns = (length * self.step_mm / 2 for length in self.aligned)
        return columns, rows, slices


def read_settings(path: Path) -> Settings:
    return Settings.model_validate_json(path.read_text())
